"""The cluster's network on this machine: a bridge, a cable to each node, routes to the pods, and masquerading outwards.

The machine's end of the bridge is where API server and registry listen, and how the API server reaches pods. Nothing is
masqueraded inside the cluster: nodes and pods see each other's own addresses. All names carry the cluster's tag.
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from localkube.commands import run, succeeds
from localkube.errors import Problem
from localkube.layout import SLOTS, Layout, NodeSettings, Settings

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def bridge_name(layout: Layout) -> str:
    return f"{layout.tag}-br"


def link_name(layout: Layout, node: NodeSettings) -> str:
    return f"{layout.tag}-n{node.index}"


def free_slot() -> int:
    """The first slot whose addresses nothing on this machine uses."""
    taken = [
        ipaddress.ip_network(route["dst"], strict=False)
        for route in json.loads(run("ip", "-json", "route", remedy="apt-get install iproute2") or "[]")
        if route.get("dst", "default") != "default"
    ]
    for slot in range(SLOTS):
        candidate = Settings(slot=slot)
        mine = (candidate.node_network, candidate.pod_network)
        if not any(network.overlaps(used) for network in mine for used in taken if used.version == 4):
            return slot
    raise Problem(
        cause="all the address ranges that localkube knows (172.30.0.0/24 and on) are in use on this machine",
        remedy="see 'ip route', and take down a cluster that is no longer needed",
    )


def up(layout: Layout, settings: Settings) -> None:
    """The bridge with its address, forwarding, masquerading. Idempotent."""
    bridge = bridge_name(layout)
    if not _link_exists(bridge):
        run("ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0")
    address = f"{settings.gateway}/{settings.node_network.prefixlen}"
    run("ip", "address", "replace", address, "dev", bridge)
    run("ip", "link", "set", bridge, "up")
    _remember_forwarding(layout)
    FORWARD.write_text("1\n")
    run("nft", "-f", "-", input_text=_masquerade_rules(layout, settings), remedy="apt-get install nftables")
    _allow_forwarding(layout)


def down(layout: Layout) -> None:
    """Remove everything that `up` and `connect` made, also when no record of it is left."""
    for name in links(layout):
        succeeds("ip", "link", "delete", name)
    succeeds("nft", "delete", "table", "ip", layout.tag)
    _forbid_forwarding(layout)
    before = layout.root / "ip_forward.before"
    if before.exists():
        FORWARD.write_text(before.read_text())
        before.unlink()


def links(layout: Layout) -> list[str]:
    """Every link of the cluster on this machine; its cables' other ends are in the nodes."""
    names = [path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(layout.tag + "-")]
    return sorted(names, key=lambda name: name == bridge_name(layout))


def connect(layout: Layout, settings: Settings, node: NodeSettings, pid: int) -> None:
    """Lay the cable between the bridge and the network namespace of process `pid`, and the route to the node's pods."""
    link, peer = link_name(layout, node), f"{layout.tag}-p{node.index}"
    address, pods = settings.node_address(node), settings.pod_range(node)
    succeeds("ip", "link", "delete", link)
    run("ip", "link", "add", link, "type", "veth", "peer", "name", peer)
    run("ip", "link", "set", peer, "netns", str(pid), "name", "eth0")
    run("ip", "link", "set", link, "master", bridge_name(layout), "up")
    inside = [
        "link set lo up",
        f"address add {address}/{settings.node_network.prefixlen} dev eth0",
        "link set eth0 up",
        f"route add default via {settings.gateway}",
    ]
    run("nsenter", "--target", str(pid), "--net", "ip", "-batch", "-", input_text="\n".join(inside) + "\n")
    run("ip", "route", "replace", str(pods), "via", str(address), "dev", bridge_name(layout))


def disconnect(layout: Layout, node: NodeSettings) -> None:
    """Remove the node's cable; the route to its pods goes with the bridge, or is replaced when the node comes back."""
    succeeds("ip", "link", "delete", link_name(layout, node))


def is_present(layout: Layout, node: NodeSettings) -> bool:
    """Whether the node's cable exists, plugged in or not."""
    return _link_exists(link_name(layout, node))


def route_between(settings: Settings, here: int, there: NodeSettings) -> None:
    """Tell the node whose process is `here` the way to the pods of the node `there`."""
    run(
        "nsenter", "--target", str(here), "--net",
        "ip", "route", "replace", str(settings.pod_range(there)), "via", str(settings.node_address(there)),
    )  # fmt: skip


def set_cable(layout: Layout, node: NodeSettings, *, plugged: bool) -> None:
    """Cut or restore the node's network without the node being told."""
    run("ip", "link", "set", link_name(layout, node), "up" if plugged else "down")


def is_plugged(layout: Layout, node: NodeSettings) -> bool:
    flags = Path(f"/sys/class/net/{link_name(layout, node)}/flags")
    return flags.exists() and bool(int(flags.read_text(), 16) & 1)


def _link_exists(name: str) -> bool:
    return Path(f"/sys/class/net/{name}").exists()


def _masquerade_rules(layout: Layout, settings: Settings) -> str:
    cluster = f"{{ {settings.node_network}, {settings.pod_network} }}"
    return f"""
        table ip {layout.tag}
        delete table ip {layout.tag}
        table ip {layout.tag} {{
            chain postrouting {{
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr {cluster} ip daddr != {cluster} oifname != "{bridge_name(layout)}" masquerade
            }}
        }}
    """


def _forward_rules(layout: Layout) -> list[list[str]]:
    mark = ["-m", "comment", "--comment", layout.tag, "-j", "ACCEPT"]
    bridge = bridge_name(layout)
    return [["FORWARD", "-i", bridge, *mark], ["FORWARD", "-o", bridge, *mark]]


def _allow_forwarding(layout: Layout) -> None:
    """Where something else (a firewall, another container engine) drops forwarded packets, ours are let through."""
    try:
        policy = run("iptables", "-w", "-S", "FORWARD").splitlines()[0]
    except Problem:
        return
    if policy.endswith("DROP"):
        for rule in _forward_rules(layout):
            if not succeeds("iptables", "-w", "-C", *rule):
                run("iptables", "-w", "-I", *rule)


def _forbid_forwarding(layout: Layout) -> None:
    for rule in _forward_rules(layout):
        succeeds("iptables", "-w", "-D", *rule)


def _remember_forwarding(layout: Layout) -> None:
    before = layout.root / "ip_forward.before"
    if not before.exists():
        before.write_text(FORWARD.read_text())
