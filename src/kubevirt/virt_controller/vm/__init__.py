"""The VM controller: keeps one VMI per VirtualMachine as its run strategy wants it."""
