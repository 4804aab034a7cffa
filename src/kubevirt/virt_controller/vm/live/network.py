"""Network interfaces that come, go, or change their link while the guest runs.

Independent of the rollout strategy. An interface is taken out in three steps, each of which waits for the one before:
`state: absent` reaches the instance, the node pulls the interface and no longer reports it, then it leaves the
instance's spec and at last the VM's template.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.network import Interface, Network
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.virt_controller.actions import FailureWords
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.vm.live.change import Change

FAILED = FailureWords(reason="HotPlugNetworkInterfaceError")
ABSENT = "absent"


def change(wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance) -> Change:
    """The interfaces and networks of the template for the instance."""
    asked = {i.name: i for i in wanted.domain.devices.interfaces}
    networks = {n.name: n for n in wanted.networks}
    has = vmi.spec.domain.devices.interfaces
    reported = {i.name for i in vmi.status.interfaces}
    interfaces = [
        with_state(i, asked.get(i.name), ordinal=uses_ordinal_names(vmi))
        for i in has
        if i.state != ABSENT or i.name in reported
    ]
    added = [i for i in asked.values() if is_new(i, has) and i.name in networks]
    kept = {i.name for i in (*interfaces, *added)} | {n.name for n in vmi.spec.networks} - {i.name for i in has}
    new_networks = [
        *(with_attachment(n, networks.get(n.name), vmi) for n in vmi.spec.networks if n.name in kept),
        *(networks[i.name] for i in added),
    ]
    interfaces.extend(added)
    if interfaces == has and new_networks == vmi.spec.networks:
        return Change(vmi=vmi)
    devices = replace(vmi.spec.domain.devices, interfaces=interfaces)
    spec = replace(vmi.spec, domain=replace(vmi.spec.domain, devices=devices), networks=new_networks)
    return Change(vmi=replace(vmi, spec=spec))


def is_new(interface: Interface, has: list[Interface]) -> bool:
    """An interface of a kind that can be plugged in, which the instance does not have."""
    pluggable = interface.bridge is not None or interface.sriov is not None
    return pluggable and interface.state != ABSENT and interface.name not in {i.name for i in has}


def with_state(has: Interface, asked: Interface | None, *, ordinal: bool) -> Interface:
    """The interface with the state that is asked for; nothing brings back one that is on its way out."""
    if asked is None or asked.state == has.state or has.state == ABSENT or (asked.state == ABSENT and ordinal):
        return has
    return replace(has, state=asked.state)


def uses_ordinal_names(vmi: VirtualMachineInstance) -> bool:
    """The pod's interfaces are numbered (net1, net2, ...): taking one out would rename the others."""
    names = (i.pod_interface_name for i in vmi.status.interfaces)
    return any(n.startswith("net") and n[3:].isdecimal() for n in names)


def with_attachment(has: Network, asked: Network | None, vmi: VirtualMachineInstance) -> Network:
    """The network with the attachment that is asked for, where a migration could bring it about."""
    if asked is None or has.multus is None or asked.multus is None or not may_move(vmi):
        return has
    if has.multus.network_name == asked.multus.network_name:
        return has
    return replace(has, multus=replace(has.multus, network_name=asked.multus.network_name))


def may_move(vmi: VirtualMachineInstance) -> bool:
    """The instance can be live-migrated."""
    return is_true(vmi.status.conditions, "LiveMigratable")


def without_detached(vm: VirtualMachine, vmi: VirtualMachineInstance) -> VirtualMachine:
    """The VM without interfaces that were to go and are gone from the instance and from what its node reports."""
    template = vm.spec.template
    there = {i.name for i in vmi.spec.domain.devices.interfaces} | {i.name for i in vmi.status.interfaces}
    has = template.spec.domain.devices.interfaces
    gone = {i.name for i in has if i.state == ABSENT and i.name not in there}
    if not gone:
        return vm
    devices = replace(template.spec.domain.devices, interfaces=[i for i in has if i.name not in gone])
    spec = replace(template.spec, domain=replace(template.spec.domain, devices=devices),
                   networks=[n for n in template.spec.networks if n.name not in gone])
    return replace(vm, spec=replace(vm.spec, template=replace(template, spec=spec)))
