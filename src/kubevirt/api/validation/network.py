"""Rules for networks and for the interfaces by which guests are connected to them."""

import re
from ipaddress import AddressValueError, IPv4Address
from itertools import combinations
from typing import Final

from kubevirt.api.config import ClusterConfig
from kubevirt.api.network import DHCPOptions, Interface, Network
from kubevirt.api.validation.addresses import RESERVED_MAC, is_pci_address, mac_fault
from kubevirt.api.validation.causes import Cause, Causes, duplicate, invalid, not_supported, required
from kubevirt.api.validation.kubernetes_names import is_port_name
from kubevirt.api.vmi import VirtualMachineInstanceSpec

MODELS: Final = frozenset({"e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "virtio"})
STATES: Final = frozenset({"", "up", "down", "absent"})
PROTOCOLS: Final = frozenset({"", "TCP", "UDP"})
PRIVATE_OPTIONS: Final = range(224, 255)
MAX_PORT_RANGES: Final = 10
_INTERFACE_NAME = re.compile(r"[A-Za-z0-9_-]+")


def check_network(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """All rules about networks and interfaces."""
    at = f"{field}.domain.devices.interfaces"
    interfaces, networks = spec.domain.devices.interfaces, {network.name: network for network in spec.networks}
    yield from _networks(field, spec)
    seen: set[str] = set()
    for index, interface in enumerate(interfaces):
        here, network = f"{at}[{index}]", networks.get(interface.name)
        if network is None:
            yield invalid(f"{here}.name", f"{here}.name '{interface.name}' not found.")
        if interface.name in seen:
            yield duplicate(f"{here}.name", "Only one interface can be connected to one specific network")
        seen.add(interface.name)
        if not _INTERFACE_NAME.fullmatch(interface.name):
            yield invalid(
                f"{here}.name",
                "Network interface name can only contain alphabetical characters, numbers, dashes (-) "
                "or underscores (_)",
            )
        yield from _binding(here, interface, network, config)
        yield from _hardware(here, interface)
        yield from _ports(here, interface)
        yield from _port_ranges(here, interface, config)
        if interface.dhcp_options is not None:
            yield from _dhcp(field, here, interface.dhcp_options)
        yield from _state(here, interface, network)
    yield from _interfaces_of_networks(field, spec, seen)


def _networks(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    names: set[str] = set()
    for index, network in enumerate(spec.networks):
        at = f"{field}.networks[{index}]"
        if network.name in names:
            yield duplicate(
                f"{at}.name",
                f'Network with name "{network.name}" already exists, every network must have a unique name',
            )
        names.add(network.name)
        types = sum(source is not None for source in (network.pod, network.multus, network.resource_claim))
        if types < 1:
            yield required(at, "should have a network type")
        elif types > 1:
            yield required(at, "should have only one network type")
        if network.multus is not None and not network.multus.network_name:
            yield required(at, "CNI delegating plugin must have a networkName")
    if sum(network.pod is not None for network in spec.networks) > 1:
        at = f"{field}.interfaces"
        yield duplicate(at, f"more than one interface is connected to a pod network in {at}")
    defaults = sum(network.multus is not None and bool(network.multus.default) for network in spec.networks)
    if defaults > 1:
        yield invalid(f"{field}.networks", "Multus CNI should only have one default network")
    if defaults and any(network.pod is not None for network in spec.networks):
        yield invalid(f"{field}.networks", "Pod network cannot be defined when Multus default network is defined")


def _interfaces_of_networks(field: str, spec: VirtualMachineInstanceSpec, connected: set[str]) -> Causes:
    for index, network in enumerate(spec.networks):
        if network.name not in connected:
            at = f"{field}.networks[{index}].name"
            yield required(at, f"{at} '{network.name}' not found.")


def _binding(at: str, interface: Interface, network: Network | None, config: ClusterConfig) -> Causes:
    methods = (
        interface.bridge,
        interface.slirp,
        interface.masquerade,
        interface.sriov,
        interface.macvtap,
        interface.passt,
        interface.passt_binding,
        interface.binding,
    )
    is_pod = network is not None and network.pod is not None
    if sum(method is not None for method in methods) != 1:
        yield invalid(at, f"logical {interface.name} interface must have exactly one binding method or binding plugin")
    for name, method, what in (
        ("slirp", interface.slirp, "Slirp interface support"),
        ("passt", interface.passt, "Passt network binding"),
        ("macvtap", interface.macvtap, "Macvtap network binding"),
    ):
        if method is not None:
            yield invalid(f"{at}.{name}", f"{what} has been discontinued since v1.3")
    if interface.masquerade is not None:
        yield from _masquerade(at, interface, is_pod=is_pod)
    if interface.bridge is not None and is_pod and not config.permit_bridge_on_pod_network:
        yield invalid(f"{at}.name", "Bridge on pod network configuration is not enabled under kubevirt-config")
    if interface.passt_binding is not None:
        if not config.has_gate("PasstBinding"):
            yield invalid(f"{at}.passtBinding", "PasstBinding feature gate is not enabled")
        if not is_pod:
            yield invalid(f"{at}.name", "PasstBinding interface only implemented with pod network")


def _masquerade(at: str, interface: Interface, *, is_pod: bool) -> Causes:
    if not is_pod:
        yield invalid(f"{at}.name", "Masquerade interface only implemented with pod network")
    if (interface.mac_address or "").lower().replace("-", ":") == RESERVED_MAC:
        yield invalid(
            f"{at}.macAddress",
            "The requested MAC address is reserved for the in-pod bridge. Please choose another one.",
        )


def _hardware(at: str, interface: Interface) -> Causes:
    if interface.model and interface.model not in MODELS:
        yield not_supported(f"{at}.model", f"interface {at}.name uses model {interface.model} that is not supported.")
    if interface.mac_address and (fault := mac_fault(interface.mac_address)):
        yield invalid(f"{at}.macAddress", f"interface {at}.name has {fault}.")
    if interface.boot_order is not None and interface.boot_order < 1:
        yield invalid(f"{at}.bootOrder", f"{at} must have a boot order > 0, if supplied")
    if interface.pci_address and not is_pci_address(interface.pci_address):
        yield invalid(
            f"{at}.pciAddress", f"interface {at}.name has malformed PCI address ({interface.pci_address})."
        )


def _ports(at: str, interface: Interface) -> Causes:
    names: set[str] = set()
    for index, port in enumerate(interface.ports):
        here = f"{at}.ports[{index}]"
        if port.port == 0:
            yield required(f"{here}.port", "Port field is mandatory.")
        elif not 0 < port.port < 65536:
            yield invalid(f"{here}.port", "Port field must be in range 0 < x < 65536.")
        if (port.protocol or "") not in PROTOCOLS:
            yield invalid(f"{here}.protocol", "Unknown protocol, only TCP or UDP allowed")
        if not port.name:
            continue
        if port.name in names:
            yield duplicate(f"{here}.name", f"Duplicate name of the port: {port.name}")
        names.add(port.name)
        if not is_port_name(port.name):
            yield invalid(f"{here}.name", f"Invalid name of the port: {port.name}")


def _port_ranges(at: str, interface: Interface, config: ClusterConfig) -> Causes:
    ranges, here = interface.port_ranges, f"{at}.portRanges"
    if not ranges:
        return
    if not config.has_gate("PortRangesSpec"):
        yield invalid(here, "portRanges is specified on interface but the PortRangesSpec feature gate is not enabled")
    if interface.ports:
        yield invalid(here, "Cannot define both ports and portRanges on interface")
    if interface.masquerade is None:
        yield invalid(here, "portRanges are only supported on masquerade interfaces")
    if len(ranges) > MAX_PORT_RANGES:
        yield invalid(here, f"No more than {MAX_PORT_RANGES} portRanges are allowed")
    for index, each in enumerate(ranges):
        if each.start > each.end:
            yield invalid(f"{here}[{index}]", "Start must be less than or equal to end")
    for a, b in combinations(ranges[:MAX_PORT_RANGES], 2):
        if a.protocol == b.protocol and a.start <= b.end and b.start <= a.end:
            yield invalid(
                here, f"{a.protocol} portRanges [{a.start}-{a.end}] and [{b.start}-{b.end}] overlap"
            )


def _dhcp(field: str, at: str, options: DHCPOptions) -> Causes:
    for index, server in enumerate(options.ntp_servers):
        if not _is_ipv4(server):
            yield invalid(
                f"{at}.dhcpOptions.ntpServers[{index}]", "NTP servers must be a list of valid IPv4 addresses."
            )
    numbers = [option.option for option in options.private_options]
    if any(number not in PRIVATE_OPTIONS for number in numbers):
        yield invalid(field, "provided DHCPPrivateOptions are out of range, must be in range 224 to 254")
    if len(set(numbers)) != len(numbers):
        yield invalid(field, "Found Duplicates: you have provided duplicate DHCPPrivateOptions")


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _state(at: str, interface: Interface, network: Network | None) -> Causes:
    state, name = interface.state or "", interface.name

    def refuse(text: str) -> Cause:
        return invalid(f"{at}.state", text)

    if state not in STATES:
        yield refuse(f"logical {name} interface state value is unsupported: {state}")
    if interface.sriov is not None and state in ("up", "down"):
        yield refuse(f'"{name}" interface\'s state "{state}" is not supported for SR-IOV NICs')
    if state == "absent":
        if interface.bridge is None and interface.sriov is None:
            yield refuse(f'"{name}" interface\'s state "{state}" is supported only for bridge binding')
        multus = network.multus if network is not None else None
        if (network is not None and network.pod is not None) or (multus is not None and multus.default):
            yield refuse(f'"{name}" interface\'s state "{state}" is not supported on default networks')
