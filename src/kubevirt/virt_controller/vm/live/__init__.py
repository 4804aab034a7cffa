"""Changes of a VM's template that reach the running instance without a restart, a module for each kind of change."""
