"""A process that makes a machine and goes: disks, ISO images, domain XML.

It loads what the launcher would otherwise have to keep in memory for the life of the guest: the API's types, the domain
builder, the maker of ISO images. The launcher starts it at once, so that it is warm when the VMI arrives.
"""
