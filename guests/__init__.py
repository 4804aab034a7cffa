"""Guests for demonstrations and tests, as bootable disks made of Debian packages. See docs/images.md.

Recipes only: how trees, tars and images are made stands in `images`.
"""
