"""Whether the running guest still is what the VM's template asks for (condition `RestartRequired`).

The spec of the last start is compared with the present one, both as the guest gets them, after everything has been
taken out that is followed without a restart. What is left differs in a way that only a restart brings to the guest.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.network import Interface, Network
from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.api.volumes import Volume
from kubevirt.virt_controller.vm import revisions
from kubevirt.virt_controller.vm.expanded import expanded
from kubevirt.virt_controller.vm.live.network import ABSENT, may_move
from kubevirt.virt_controller.vm.live.volumes import MIGRATION
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.volumes import is_hotpluggable

MESSAGE = "a non-live-updatable field was changed in the template spec"


def message(o: Observed, vmi: VirtualMachineInstance) -> str:
    """Why a restart is required, apart from what live changes say themselves; empty when none is."""
    started = revisions.last_started_spec(o)
    if started is None or started.template.spec == o.vm.spec.template.spec == expanded(o, o.vm.spec):
        return ""
    old, new = expanded(o, started), expanded(o, o.vm.spec)
    return MESSAGE if neutral(old, new, o, vmi) != new else ""


def neutral(old: VirtualMachineInstanceSpec, new: VirtualMachineInstanceSpec, o: Observed,
            vmi: VirtualMachineInstance) -> VirtualMachineInstanceSpec:
    """The spec of the last start with everything of the present one that needs no restart."""
    domain, devices = old.domain, old.domain.devices
    if disks_can_follow(old, new):
        devices = replace(devices, disks=new.domain.devices.disks)
    if volumes_can_follow(old, new, o.vm.spec):
        old = replace(old, volumes=new.volumes)
    if interfaces_can_follow(old, new, vmi) and networks_can_follow(old, new, vmi):
        devices = replace(devices, interfaces=new.domain.devices.interfaces)
        old = replace(old, networks=new.networks)
    domain = replace(domain, devices=devices)
    if o.config.live_update:
        old = replace(old, node_selector=new.node_selector, affinity=new.affinity, tolerations=new.tolerations)
        if domain.cpu is not None and new.domain.cpu is not None:
            domain = replace(domain, cpu=replace(domain.cpu, sockets=new.domain.cpu.sockets))
        if domain.memory is not None and new.domain.memory is not None:
            domain = replace(domain, memory=replace(domain.memory, guest=new.domain.memory.guest))
    running, wanted = vmi.spec.domain.firmware, new.domain.firmware
    if running is not None and wanted is not None and wanted.uuid and wanted.uuid == running.uuid:
        firmware = domain.firmware if domain.firmware is not None else type(wanted)()
        domain = replace(domain, firmware=replace(firmware, uuid=wanted.uuid))
    return replace(old, domain=domain)


def volumes_can_follow(old: VirtualMachineInstanceSpec, new: VirtualMachineInstanceSpec,
                       spec: VirtualMachineSpec) -> bool:
    """Every change is to a volume that can be plugged, or is the replacement of a claim that is to be migrated."""
    before = {v.name: v for v in old.volumes}
    for volume in new.volumes:
        was = before.pop(volume.name, None)
        if is_hotpluggable(volume) or volume == was:
            continue
        if was is None or spec.update_volumes_strategy != MIGRATION or not is_claim(volume):
            return False
    return all(is_hotpluggable(v) for v in before.values())


def is_claim(volume: Volume) -> bool:
    """The volume stands for a claim or a DataVolume."""
    return volume.persistent_volume_claim is not None or volume.data_volume is not None


def disks_can_follow(old: VirtualMachineInstanceSpec, new: VirtualMachineInstanceSpec) -> bool:
    """Every change of a disk belongs to a volume that can be plugged; a CD-ROM drive cannot be taken out."""
    before = {d.name: d for d in old.domain.devices.disks}
    pluggable = {v.name for v in (*old.volumes, *new.volumes) if is_hotpluggable(v)}
    for disk in new.domain.devices.disks:
        if before.pop(disk.name, None) != disk and disk.name not in pluggable:
            return False
    return all(d.name in pluggable and d.cdrom is None for d in before.values())


def interfaces_can_follow(old: VirtualMachineInstanceSpec, new: VirtualMachineInstanceSpec,
                          vmi: VirtualMachineInstance) -> bool:
    """Interfaces were only added, taken out after they were asked to go, or changed in their state."""
    before = {i.name: i for i in old.domain.devices.interfaces}
    for interface in new.domain.devices.interfaces:
        was = before.pop(interface.name, None)
        if was is not None and stateless(was) != stateless(interface):
            return False
    return before.keys().isdisjoint(staying(vmi))


def staying(vmi: VirtualMachineInstance) -> set[str]:
    """Names of the instance's interfaces that nobody has asked to go."""
    return {i.name for i in vmi.spec.domain.devices.interfaces if i.state != ABSENT}


def stateless(interface: Interface) -> Interface:
    """The interface whatever its state."""
    return replace(interface, state=None)


def networks_can_follow(old: VirtualMachineInstanceSpec, new: VirtualMachineInstanceSpec,
                        vmi: VirtualMachineInstance) -> bool:
    """Networks other than the pod's were added, or went with their interfaces, or can be changed by a migration."""
    before = {n.name: n for n in old.networks}
    for network in new.networks:
        was = before.pop(network.name, None)
        if was is None:
            if network.pod is not None:
                return False
        elif was != network and not (may_move(vmi) and unattached(was) == unattached(network)):
            return False
    return before.keys().isdisjoint(staying(vmi))


def unattached(network: Network) -> Network:
    """The network whatever it is attached to."""
    return network if network.multus is None else replace(network, multus=replace(network.multus, network_name=""))
