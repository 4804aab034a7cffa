"""The commands of virtctl, a module a topic; `table.py` in the folder above says which module holds which command."""
