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


class DHCPPrivateOptions(Api):
    """A DHCP option of the private range."""

    option: int = required(int)
    value: str = required(str)


class DHCPOptions(Api):
    """Further options of the DHCP answer the guest gets."""

    boot_file_name: str | None = None
    ntp_servers: list[str] = []
    private_options: list[DHCPPrivateOptions] = []
    tftp_server_name: str | None = None


class PortRange(Api):
    """A range of ports forwarded to the guest."""

    end: Int32 = required(int)
    protocol: str = required(str)
    start: Int32 = required(int)


class Port(Api):
    """A port forwarded to the guest."""

    name: str | None = None
    port: Int32 = required(int)
    protocol: str | None = None


class Interface(Api):
    """A network interface of the guest, connected to the network of the same name."""

    acpi_index: int | None = None
    binding: PluginBinding | None = None
    boot_order: int | None = None
    bridge: InterfaceBridge | None = None
    dhcp_options: DHCPOptions | None = None
    mac_address: str | None = None
    macvtap: DeprecatedInterfaceMacvtap | None = None
    masquerade: InterfaceMasquerade | None = None
    model: str | None = None
    name: str = required(str)
    passt: DeprecatedInterfacePasst | None = None
    passt_binding: InterfacePasstBinding | None = None
    pci_address: str | None = None
    port_ranges: Annotated[list[PortRange], Atomic] = []
    ports: list[Port] = []
    slirp: DeprecatedInterfaceSlirp | None = None
    sriov: InterfaceSRIOV | None = None
    state: str | None = None
    tag: str | None = None


class MultusNetwork(Api):
    """A secondary network, defined by a NetworkAttachmentDefinition."""

    default: bool | None = None
    network_name: str = required(str)


class PodNetwork(Api):
    """The cluster's own pod network."""

    vm_ipv6_network_cidr: str | None = None
    vm_network_cidr: str | None = None


class NetworkResourceClaim(Api):
    """A network device obtained by a dynamic resource claim."""

    claim_name: str | None = None
    request_name: str | None = None


class Network(Api):
    """A network the machine can be connected to; exactly one source is set."""

    multus: MultusNetwork | None = None
    name: str = required(str)
    pod: PodNetwork | None = None
    resource_claim: NetworkResourceClaim | None = None
