"""Parts of the cluster-wide configuration in the KubeVirt object: networks and host devices."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, required
from kubevirt.kit.quantity import Quantity


class NodeMediatedDeviceTypesConfig(Api):
    """Mediated devices of some nodes."""

    mediated_device_types: Annotated[list[str], Atomic] = []
    """Types of the devices that these nodes create."""
    mediated_devices_types: Annotated[list[str], Atomic] = []
    """The same, under its old name."""
    node_selector: dict[str, str] = required(dict)
    """Labels of the nodes."""


class MediatedDevicesConfiguration(Api):
    """Mediated devices that nodes create."""

    enabled: bool | None = None
    """Whether nodes create mediated devices; false leaves that to the administrator."""
    mediated_device_types: Annotated[list[str], Atomic] = []
    """Types of the devices that nodes create which nodeMediatedDeviceTypes does not name."""
    mediated_devices_types: Annotated[list[str], Atomic] = []
    """The same, under its old name."""
    node_mediated_device_types: Annotated[list[NodeMediatedDeviceTypesConfig], Atomic] = []
    """Types by node."""


class InterfaceBindingMigration(Api):
    """Migration of a plugin's interfaces."""

    method: str | None = None
    """link-refresh: the guest's link goes down and up once it has arrived."""


class ResourceRequirementsWithoutClaims(Api):
    """Further resources of the compute container."""

    limits: dict[str, Quantity] = {}
    """What may not be exceeded."""
    requests: dict[str, Quantity] = {}
    """What is reserved."""


class InterfaceBindingPlugin(Api):
    """A network binding plugin."""

    compute_resource_overhead: ResourceRequirementsWithoutClaims | None = None
    """Further resources of the compute container."""
    domain_attachment_type: str | None = None
    """How the interface is attached: tap or managedTap."""
    downward_api: str | None = None
    """Facts given to the plugin: device-info."""
    migration: InterfaceBindingMigration | None = None
    """How the interface migrates."""
    network_attachment_definition: str | None = None
    """NetworkAttachmentDefinition that the plugin needs, as namespace/name."""
    sidecar_image: str | None = None
    """Image of the plugin's sidecar."""


class NetworkConfiguration(Api):
    """Network settings of the cluster."""

    binding: dict[str, InterfaceBindingPlugin] = {}
    """Binding plugins by name."""
    default_network_interface: str | None = None
    """Binding of guests that name no network: bridge (the default) or masquerade."""
    permit_bridge_interface_on_pod_network: bool | None = None
    """Whether the pod network can be bridged. The default is true."""
    permit_slirp_interface: bool | None = None
    """No longer has an effect."""


class MediatedHostDevice(Api):
    """A permitted mediated device."""

    external_resource_provider: bool | None = None
    """Whether another device plugin hands the device out."""
    mdev_name_selector: str = required(str)
    """Name of the mediated device type."""
    resource_name: str = required(str)
    """Resource name that guests ask for."""


class PciHostDevice(Api):
    """A permitted PCI device."""

    external_resource_provider: bool | None = None
    """Whether another device plugin hands the device out."""
    pci_vendor_selector: str = required(str)
    """Vendor and product, such as 10DE:1EB8."""
    resource_name: str = required(str)
    """Resource name that guests ask for."""


class USBSelector(Api):
    """USB devices by vendor and product."""

    product: str = required(str)
    """Product number, in hexadecimal."""
    vendor: str = required(str)
    """Vendor number, in hexadecimal."""


class USBHostDevice(Api):
    """A permitted USB device."""

    external_resource_provider: bool | None = None
    """Whether another device plugin hands the device out."""
    resource_name: str = required(str)
    """Resource name that guests ask for."""
    selectors: Annotated[list[USBSelector], Atomic] = []
    """The devices that are handed out together."""


class PermittedHostDevices(Api):
    """Host devices that guests may have."""

    mediated_devices: Annotated[list[MediatedHostDevice], Atomic] = []
    """Mediated devices, such as virtual GPUs."""
    pci_host_devices: Annotated[list[PciHostDevice], Atomic] = []
    """PCI devices."""
    usb: Annotated[list[USBHostDevice], Atomic] = []
    """USB devices."""
