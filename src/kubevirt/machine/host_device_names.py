"""The environment variables by which a device plugin tells a launcher the addresses of its host devices."""

PCI, MEDIATED, USB = "pci", "mdev", "usb"
_PREFIXES = {PCI: "PCI_RESOURCE_", MEDIATED: "MDEV_PCI_RESOURCE_", USB: "USB_RESOURCE_"}


def variable(kind: str, resource: str) -> str:
    """Such as PCI_RESOURCE_NVIDIA_COM_TU104GL_TESLA_T4; its value is a list with commas."""
    return _PREFIXES[kind] + resource.upper().replace("/", "_").replace(".", "_")
