"""KubeVirt in Python: virtual machines as Kubernetes objects."""

__version__ = "1.9.0"
