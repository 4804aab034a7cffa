"""KubeVirt in Python: virtual machines as Kubernetes objects."""
