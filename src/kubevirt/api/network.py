"""Networks a machine is connected to, and the interfaces by which the guest sees them."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, required


class InterfaceBridge(Api):
    """Connects the guest by a bridge; the guest takes over the pod's address."""


class DeprecatedInterfaceMacvtap(Api):
    """No longer available; kept so that its use is named when refused."""


class InterfaceMasquerade(Api):
    """Connects the guest behind network address translation."""


class DeprecatedInterfacePasst(Api):
    """No longer available; kept so that its use is named when refused."""


class InterfacePasstBinding(Api):
    """Connects the guest through passt in user space."""


class DeprecatedInterfaceSlirp(Api):
    """No longer available; kept so that its use is named when refused."""


class InterfaceSRIOV(Api):
    """Hands an SR-IOV virtual function to the guest."""


class PluginBinding(Api):
    """Connects the guest by a binding plugin registered in the KubeVirt object."""

    name: str = required(str)
    """Name of the plugin."""


class DHCPPrivateOptions(Api):
    """A DHCP option of the private range."""

    option: int = required(int)
    """Number of the option, from 224 to 254."""
    value: str = required(str)
    """Its value."""


class DHCPOptions(Api):
    """Further options of the DHCP answer the guest gets."""

    boot_file_name: str | None = None
    """Boot file name (option 67)."""
    ntp_servers: list[str] = []
    """Addresses of time servers (option 42)."""
    private_options: list[DHCPPrivateOptions] = []
    """Options of the private range."""
    tftp_server_name: str | None = None
    """TFTP server (option 66)."""


class PortRange(Api):
    """A range of ports forwarded to the guest."""

    end: Int32 = required(int)
    """Last port."""
    protocol: str = required(str)
    """TCP or UDP."""
    start: Int32 = required(int)
    """First port."""


class Port(Api):
    """A port forwarded to the guest."""

    name: str | None = None
    """Name of the port, unique within the interface."""
    port: Int32 = required(int)
    """Port number, from 1 to 65535."""
    protocol: str | None = None
    """TCP (the default) or UDP."""


class Interface(Api):
    """A network interface of the guest, connected to the network of the same name."""

    acpi_index: int | None = None
    """Number from which the guest derives a stable name for the interface."""
    binding: PluginBinding | None = None
    """Connects by a binding plugin."""
    boot_order: int | None = None
    """Place among the devices to boot from; 1 comes first."""
    bridge: InterfaceBridge | None = None
    """Connects by a bridge: the guest has the pod's address."""
    dhcp_options: DHCPOptions | None = None
    """Further options of the DHCP answer."""
    mac_address: str | None = None
    """MAC address of the guest's side, such as de:ad:00:00:be:af."""
    macvtap: DeprecatedInterfaceMacvtap | None = None
    """No longer available."""
    masquerade: InterfaceMasquerade | None = None
    """Connects behind address translation: the pod keeps its address, the guest has a private one."""
    model: str | None = None
    """virtio (the default), e1000, e1000e, igb, ne2k_pci, pcnet or rtl8139."""
    name: str = required(str)
    """Name of the network, and of the interface within the machine."""
    passt: DeprecatedInterfacePasst | None = None
    """No longer available."""
    passt_binding: InterfacePasstBinding | None = None
    """Connects through passt."""
    pci_address: str | None = None
    """Fixed PCI address, such as 0000:81:01.0."""
    port_ranges: Annotated[list[PortRange], Atomic] = []
    """Ranges of ports forwarded to the guest."""
    ports: list[Port] = []
    """Ports forwarded to the guest; all where none is named."""
    slirp: DeprecatedInterfaceSlirp | None = None
    """No longer available."""
    sriov: InterfaceSRIOV | None = None
    """Hands over an SR-IOV virtual function."""
    state: str | None = None
    """State of the link: up or down; absent asks that the interface is pulled out."""
    tag: str | None = None
    """Shown to the guest as metadata of the device."""


class MultusNetwork(Api):
    """A secondary network, defined by a NetworkAttachmentDefinition."""

    default: bool | None = None
    """Whether this network takes the place of the pod network."""
    network_name: str = required(str)
    """NetworkAttachmentDefinition, as name or namespace/name."""


class PodNetwork(Api):
    """The cluster's own pod network."""

    vm_ipv6_network_cidr: str | None = None
    """Range of the guest's private IPv6 addresses behind address translation. The default is fd10:0:2::/120."""
    vm_network_cidr: str | None = None
    """Range of the guest's private IPv4 addresses behind address translation. The default is 10.0.2.0/24."""


class NetworkResourceClaim(Api):
    """A network device obtained by a dynamic resource claim."""

    claim_name: str | None = None
    """The resource claim."""
    request_name: str | None = None
    """Request within the claim."""


class Network(Api):
    """A network the machine can be connected to; exactly one source is set."""

    multus: MultusNetwork | None = None
    """A secondary network."""
    name: str = required(str)
    """Name that interfaces refer to."""
    pod: PodNetwork | None = None
    """The cluster's pod network."""
    resource_claim: NetworkResourceClaim | None = None
    """A device obtained by a resource claim."""
