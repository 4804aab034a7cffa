"""Wiring a pod for its guest (phase 1): from a plan to links, addresses, settings and rules in the pod's namespace.

Nothing is remembered outside the pod. Every step looks before it changes, so a virt-handler that was killed half-way
goes on where the old one stopped, and one that finds a finished pod changes nothing (the guest would notice).

The bridge binding takes the pod's link away from the pod. Its name, MAC, addresses and routes are therefore copied to
a parked link (the routes, which a link loses when it is taken down to be renamed, to the bridge) first. That link is
marked when the copy is complete; from then on the copy, not the pod's link, is the source of facts (`Links.nics`).
"""

from functools import partial
from pathlib import Path

from pyroute2.netlink.exceptions import NetlinkError

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.machine.network import NicAttachment
from kubevirt.machine.network.facts import PodNic, Resolver
from kubevirt.machine.network.plan import NicPlan, plan_networks
from kubevirt.virt_handler.network.links import PARKED_TABLE, Links, mac_of
from kubevirt.virt_handler.network.namespace import PodNamespace
from kubevirt.virt_handler.network.nftables import ensure_rules
from kubevirt.virt_handler.network.taps import create_tap, leave_checksums_to_software

_PROC_SYS = Path("/proc/sys")


async def wire(vmi: VirtualMachineInstance, launcher_pid: int, *, running: bool = False) -> list[NicAttachment]:
    """Make everything the guest's networks need in the launcher's pod; what the launcher must know of it is returned.

    Raises Problem with a reason for the user when the pod cannot be wired. `running`: the guest has all that it will
    get in this pod.
    """
    if not vmi.spec.domain.devices.interfaces:
        return []
    resolver = read_resolver(Path(f"/proc/{launcher_pid}/root/etc/resolv.conf"))
    with PodNamespace(launcher_pid) as pod:
        try:
            return await pod.run(partial(wire_here, vmi, resolver, running=running))
        except (OSError, NetlinkError) as e:
            raise Problem(
                cause=f"the networks of the pod could not be wired: {e}",
                remedy="it is tried again; the log of virt-handler on this node may tell more",
            ) from e


def wire_here(vmi: VirtualMachineInstance, resolver: Resolver, *, running: bool = False) -> list[NicAttachment]:
    """Plan and wire in the network namespace of the calling thread; blocking, and idempotent."""
    with Links() as links:
        nics = links.nics()
        plans = plan_networks(vmi, nics, resolver, running=running)
        for plan in plans:
            if plan.binding == "bridge":
                _take_over_pod_link(links, plan, next(nic for nic in nics if nic.name == plan.pod_ifname))
            _wire_guest_side(links, plan)
    if chains := [chain for plan in plans for chain in plan.chains]:
        ensure_rules(chains, [rule for plan in plans for rule in plan.rules])
    return [plan.attachment for plan in plans]


def _wire_guest_side(links: Links, plan: NicPlan) -> None:
    """Bridge, its addresses and settings, and the tap: alike for both bindings."""
    bridge = _bridge(links, plan)
    links.add_addresses(bridge, plan.bridge_addresses)
    for path, value in plan.sysctls.items():
        _set(path, value)
    tap = links.find(plan.tap)
    if tap is None:
        create_tap(plan.tap, owner=plan.tap_owner, queues=plan.tap_queues)
        tap = links.get(plan.tap)
    links.set_mtu(tap, plan.mtu)
    links.enslave(tap, bridge)
    links.up(tap)
    leave_checksums_to_software(plan.bridge)
    links.up(bridge)


def _bridge(links: Links, plan: NicPlan) -> dict[str, object]:
    """The bridge, with a MAC of its own: without one it would change its MAC with every port that comes."""
    if bridge := links.find(plan.bridge):
        return bridge
    settings = {"mtu": plan.mtu} | ({"address": plan.bridge_mac} if plan.bridge_mac else {})
    bridge = links.ensure(plan.bridge, "bridge", **settings)
    if not plan.bridge_mac:
        links.change(bridge, address=mac_of(bridge))
    return bridge


def _take_over_pod_link(links: Links, plan: NicPlan, facts: PodNic) -> None:
    """Park the pod's identity, then make its link a port of the guest's bridge under another name and MAC."""
    staging = f"k6p-{plan.bridge.removeprefix('k6t-')}"
    bridge = _bridge(links, plan)
    if links.find(plan.renamed_nic) is None:
        copy = links.ensure_holder(staging, facts.mac, facts.mtu)
        if any(":" in address for address in facts.addresses):
            _set(f"net/ipv6/conf/{staging}/keep_addr_on_down", "1")
        links.add_addresses(copy, facts.addresses, prefix_route=False)
        links.up(bridge)
        links.add_routes(bridge, facts.routes, PARKED_TABLE)
        links.mark_parked(copy, plan.parked_name, plan.bridge)
        pod_link = links.get(plan.pod_ifname)
        links.change(pod_link, state="down")
        links.remove_addresses(pod_link)
        links.change(pod_link, ifname=plan.renamed_nic, address=mac_of(bridge))
    if (parked := links.find(staging)) is not None:
        links.change(parked, ifname=plan.parked_name)  # it was never up, so it can be renamed
        links.up(links.get(plan.parked_name))
    nic = links.get(plan.renamed_nic)
    links.enslave(nic, bridge, learning=False)
    links.up(nic)


def read_resolver(path: Path) -> Resolver:
    """Name servers and search list of a resolv.conf; later `search` lines win, as in the resolver itself."""
    servers: list[str] = []
    search: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match line.split():
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search", *domains]:
                search = domains
    return Resolver(nameservers=servers, search=search)


def _set(path: str, value: str) -> None:
    """A kernel setting of the thread's network namespace; written only when it differs."""
    file = _PROC_SYS / path
    if file.read_text().strip() != value:
        file.write_text(value)
