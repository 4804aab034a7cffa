"""localkube: a real Kubernetes, small, on this machine and nothing else."""
