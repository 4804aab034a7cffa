"""What is refused of networks and the interfaces to them."""

from tests.refusals.samples import N, Refusal, S, devices, nic

NETWORKS: list[Refusal] = [
    (nic(model="ne3k"), "NotSupported", f"{N}.model", f"interface {N}.name uses model ne3k that is not supported."),
    (
        nic(macAddress="de:ad"),
        "Invalid",
        f"{N}.macAddress",
        f"interface {N}.name has malformed MAC address (de:ad).",
    ),
    (
        nic(macAddress="02:00:00:00:00:00"),
        "Invalid",
        f"{N}.macAddress",
        "The requested MAC address is reserved for the in-pod bridge. Please choose another one.",
    ),
    (
        nic(pciAddress="81:1.0"),
        "Invalid",
        f"{N}.pciAddress",
        f"interface {N}.name has malformed PCI address (81:1.0).",
    ),
    (nic(ports=[{"port": 70000}]), "Invalid", f"{N}.ports[0].port", "Port field must be in range 0 < x < 65536."),
    (nic(ports=[{"port": 0}]), "Required", f"{N}.ports[0].port", "Port field is mandatory."),
    (
        nic(ports=[{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]),
        "Duplicate",
        f"{N}.ports[1].name",
        "Duplicate name of the port: a",
    ),
    (
        nic(state="absent", bridge={}),
        "Invalid",
        f"{N}.state",
        '"net" interface\'s state "absent" is not supported on default networks',
    ),
    (
        nic(dhcpOptions={"ntpServers": ["time.example"]}),
        "Invalid",
        f"{N}.dhcpOptions.ntpServers[0]",
        "NTP servers must be a list of valid IPv4 addresses.",
    ),
    (
        nic(bridge={}) | {"networks": [{"name": "net", "multus": {"networkName": ""}}]},
        "Required",
        "spec.networks[0]",
        "CNI delegating plugin must have a networkName",
    ),
    (
        nic(bridge={}) | {"networks": None},
        "Invalid",
        f"{N}.name",
        f"{N}.name 'net' not found.",
    ),
    (
        {"networks": [{"name": "net", "pod": {}}]},
        "Required",
        "spec.networks[0].name",
        "spec.networks[0].name 'net' not found.",
    ),
    (
        nic(bridge={}) | {"networks": [{"name": "net", "pod": {}}, {"name": "net", "multus": {"networkName": "a"}}]},
        "Duplicate",
        "spec.networks[1].name",
        'Network with name "net" already exists, every network must have a unique name',
    ),
    (
        devices(interfaces=[{"name": "net", "bridge": {}}, {"name": "net", "bridge": {}}])
        | {"networks": [{"name": "net", "pod": {}}]},
        "Duplicate",
        f"{S}.devices.interfaces[1].name",
        "Only one interface can be connected to one specific network",
    ),
    (
        devices(interfaces=[{"name": "a.b", "bridge": {}}]) | {"networks": [{"name": "a.b", "pod": {}}]},
        "Invalid",
        f"{N}.name",
        "Network interface name can only contain alphabetical characters, numbers, dashes (-) or underscores (_)",
    ),
    (
        nic(bridge={}, sriov={}) | {"networks": [{"name": "net", "multus": {"networkName": "a"}}]},
        "Invalid",
        N,
        "logical net interface must have exactly one binding method or binding plugin",
    ),
    (
        nic(slirp={}),
        "Invalid",
        f"{N}.slirp",
        "Slirp interface support has been discontinued since v1.3",
    ),
    (
        nic(passt={}),
        "Invalid",
        f"{N}.passt",
        "Passt network binding has been discontinued since v1.3",
    ),
    (
        nic(macvtap={}),
        "Invalid",
        f"{N}.macvtap",
        "Macvtap network binding has been discontinued since v1.3",
    ),
    (
        nic() | {"networks": [{"name": "net", "multus": {"networkName": "a"}}]},
        "Invalid",
        f"{N}.name",
        "Masquerade interface only implemented with pod network",
    ),
    (
        nic(passtBinding={}) | {"networks": [{"name": "net", "multus": {"networkName": "a"}}]},
        "Invalid",
        f"{N}.name",
        "PasstBinding interface only implemented with pod network",
    ),
    (nic(bridge={}) | {"networks": [{"name": "net"}]}, "Required", "spec.networks[0]", "should have a network type"),
    (
        nic() | {"networks": [{"name": "net", "pod": {}, "multus": {"networkName": "a"}}]},
        "Required",
        "spec.networks[0]",
        "should have only one network type",
    ),
    (
        devices(interfaces=[{"name": "a", "bridge": {}}, {"name": "b", "bridge": {}}])
        | {"networks": [{"name": "a", "pod": {}}, {"name": "b", "pod": {}}]},
        "Duplicate",
        "spec.interfaces",
        "more than one interface is connected to a pod network in spec.interfaces",
    ),
    (
        devices(interfaces=[{"name": "a", "bridge": {}}, {"name": "b", "bridge": {}}])
        | {"networks": [{"name": name, "multus": {"networkName": name, "default": True}} for name in ("a", "b")]},
        "Invalid",
        "spec.networks",
        "Multus CNI should only have one default network",
    ),
    (
        devices(interfaces=[{"name": "a", "bridge": {}}, {"name": "b", "bridge": {}}])
        | {"networks": [{"name": "a", "multus": {"networkName": "a", "default": True}}, {"name": "b", "pod": {}}]},
        "Invalid",
        "spec.networks",
        "Pod network cannot be defined when Multus default network is defined",
    ),
    (
        nic(macAddress="02:00:00:00:00:00:00:01"),
        "Invalid",
        f"{N}.macAddress",
        f"interface {N}.name has MAC address (02:00:00:00:00:00:00:01) that is too long.",
    ),
    (
        nic(ports=[{"port": 1, "name": "no_good"}]),
        "Invalid",
        f"{N}.ports[0].name",
        "Invalid name of the port: no_good",
    ),
    (
        nic(ports=[{"port": 1, "protocol": "ICMP"}]),
        "Invalid",
        f"{N}.ports[0].protocol",
        "Unknown protocol, only TCP or UDP allowed",
    ),
    (
        nic(portRanges=[{"start": 1, "end": 2, "protocol": "TCP"}]),
        "Invalid",
        f"{N}.portRanges",
        "portRanges is specified on interface but the PortRangesSpec feature gate is not enabled",
    ),
    (
        nic(dhcpOptions={"privateOptions": [{"option": 1, "value": "a"}]}),
        "Invalid",
        "spec",
        "provided DHCPPrivateOptions are out of range, must be in range 224 to 254",
    ),
    (
        nic(dhcpOptions={"privateOptions": [{"option": 240, "value": "a"}, {"option": 240, "value": "b"}]}),
        "Invalid",
        "spec",
        "Found Duplicates: you have provided duplicate DHCPPrivateOptions",
    ),
    (
        nic(state="sideways"),
        "Invalid",
        f"{N}.state",
        "logical net interface state value is unsupported: sideways",
    ),
    (
        nic(state="down", sriov={}) | {"networks": [{"name": "net", "multus": {"networkName": "a"}}]},
        "Invalid",
        f"{N}.state",
        '"net" interface\'s state "down" is not supported for SR-IOV NICs',
    ),
]
