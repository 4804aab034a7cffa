"""What virt-controller tells Prometheus: itself, and all machines and instances, from its caches when it is asked."""
