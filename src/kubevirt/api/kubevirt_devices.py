"""Parts of the cluster-wide configuration in the KubeVirt object: networks and host devices."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, required
from kubevirt.kit.quantity import Quantity


class NodeMediatedDeviceTypesConfig(Api):
    """Mediated devices of some nodes."""

    mediated_device_types: Annotated[list[str], Atomic] = []
    mediated_devices_types: Annotated[list[str], Atomic] = []
    node_selector: dict[str, str] = required(dict)


class MediatedDevicesConfiguration(Api):
    """Mediated devices that nodes create."""

    enabled: bool | None = None
    mediated_device_types: Annotated[list[str], Atomic] = []
    mediated_devices_types: Annotated[list[str], Atomic] = []
    node_mediated_device_types: Annotated[list[NodeMediatedDeviceTypesConfig], Atomic] = []


class InterfaceBindingMigration(Api):
    """Migration of a plugin's interfaces."""

    method: str | None = None


class ResourceRequirementsWithoutClaims(Api):
    """Further resources of the compute container."""

    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class InterfaceBindingPlugin(Api):
    """A network binding plugin."""

    compute_resource_overhead: ResourceRequirementsWithoutClaims | None = None
    domain_attachment_type: str | None = None
    downward_api: str | None = None
    migration: InterfaceBindingMigration | None = None
    network_attachment_definition: str | None = None
    sidecar_image: str | None = None


class NetworkConfiguration(Api):
    """Network settings of the cluster."""

    binding: dict[str, InterfaceBindingPlugin] = {}
    default_network_interface: str | None = None
    permit_bridge_interface_on_pod_network: bool | None = None
    permit_slirp_interface: bool | None = None


class MediatedHostDevice(Api):
    """A permitted mediated device."""

    external_resource_provider: bool | None = None
    mdev_name_selector: str = required(str)
    resource_name: str = required(str)


class PciHostDevice(Api):
    """A permitted PCI device."""

    external_resource_provider: bool | None = None
    pci_vendor_selector: str = required(str)
    resource_name: str = required(str)


class USBSelector(Api):
    """USB devices by vendor and product."""

    product: str = required(str)
    vendor: str = required(str)


class USBHostDevice(Api):
    """A permitted USB device."""

    external_resource_provider: bool | None = None
    resource_name: str = required(str)
    selectors: Annotated[list[USBSelector], Atomic] = []


class PermittedHostDevices(Api):
    """Host devices that guests may have."""

    mediated_devices: Annotated[list[MediatedHostDevice], Atomic] = []
    pci_host_devices: Annotated[list[PciHostDevice], Atomic] = []
    usb: Annotated[list[USBHostDevice], Atomic] = []
