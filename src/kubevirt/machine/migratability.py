"""Whether and how a VMI can move to another node while it runs, judged by what it consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubevirt.api import names
from kubevirt.api.network import Interface
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.conditions import Wanted
from kubevirt.machine.domain import disks, features, security
from kubevirt.machine.domain.cpu import HOST_MODEL
from kubevirt.machine.domain.sources import claim_name
from kubevirt.machine.network.names import is_primary

LIVE_MIGRATABLE, STORAGE_LIVE_MIGRATABLE = "LiveMigratable", "StorageLiveMigratable"
BLOCK_MIGRATION, LIVE_MIGRATION = "BlockMigration", "LiveMigration"


@dataclass(frozen=True)
class Obstacle:
    """Why a VMI has to stay where it is."""

    reason: str
    message: str
    of_volumes: bool = False  # migrating the volumes as well would get around it


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What else decides: the node that the guest runs on, and the cluster's configuration."""

    node: str = ""
    host_model: bool = True  # the node knows what its host model consists of
    gpu_migration: bool = False  # mediated GPUs move with their guests


USUAL = Surroundings()


def conditions(vmi: VirtualMachineInstance, around: Surroundings = USUAL) -> tuple[Wanted, Wanted]:
    """`LiveMigratable` tells the first obstacle, `StorageLiveMigratable` all those that are not about volumes."""
    found = list(obstacles(vmi, around))
    live = Wanted(type=LIVE_MIGRATABLE)
    if found:
        live = Wanted(type=LIVE_MIGRATABLE, status="False", reason=found[0].reason, message=found[0].message)
    apart_from_volumes = [obstacle for obstacle in [*found, *_reservations(vmi)] if not obstacle.of_volumes]
    storage = Wanted(type=STORAGE_LIVE_MIGRATABLE)
    if apart_from_volumes:
        messages = ", ".join(obstacle.message for obstacle in apart_from_volumes)
        storage = Wanted(type=STORAGE_LIVE_MIGRATABLE, status="False", reason="NotMigratable", message=messages)
    return live, storage


def migration_method(vmi: VirtualMachineInstance) -> str:
    """Block migration copies disks that exist only inside the pod."""
    volumes = {volume.name: volume for volume in vmi.spec.volumes}
    targets = disks.targets(vmi)
    for disk in vmi.spec.domain.devices.disks:
        volume = volumes.get(disk.name)
        target = targets[disk.name]
        if volume is None or target.device == "cdrom" or target.read_only:
            continue
        if volume.host_disk is not None and volume.host_disk.shared:
            continue  # it is on the other node already
        if not claim_name(volume) or volume.ephemeral is not None:
            return BLOCK_MIGRATION
    return BLOCK_MIGRATION if vmi.status.migrated_volumes else LIVE_MIGRATION


def obstacles(vmi: VirtualMachineInstance, around: Surroundings = USUAL) -> Iterator[Obstacle]:
    """In the order in which they are named."""
    yield from _network(vmi)
    yield from _processor(vmi, around)
    yield from _host_devices(vmi, around)
    yield from _confidential(vmi)
    yield from _hyperv(vmi)
    yield from _volumes(vmi)


def _network(vmi: VirtualMachineInstance) -> Iterator[Obstacle]:
    primary = {network.name for network in vmi.spec.networks if network.pod is not None and is_primary(network)}
    bridge_allowed = names.ANNOTATION_ALLOW_BRIDGE_MIGRATION in vmi.metadata.annotations
    for interface in vmi.spec.domain.devices.interfaces:
        if interface.name in primary and not _keeps_its_connections(interface, bridge_allowed=bridge_allowed):
            yield Obstacle(
                "InterfaceNotLiveMigratable",
                "cannot migrate VMI which does not use masquerade or a migratable plugin to connect to the pod network",
            )


def _keeps_its_connections(interface: Interface, *, bridge_allowed: bool) -> bool:
    if interface.masquerade is not None or interface.passt_binding is not None or interface.binding is not None:
        return True
    return interface.bridge is not None and bridge_allowed


def _processor(vmi: VirtualMachineInstance, around: Surroundings) -> Iterator[Obstacle]:
    given = vmi.spec.domain.cpu
    if given is not None and given.model == HOST_MODEL and not around.host_model:
        yield Obstacle("CPUModeLiveMigratable", f'the node "{around.node}" does not allow migration with host-model')


def _host_devices(vmi: VirtualMachineInstance, around: Surroundings) -> Iterator[Obstacle]:
    devices = vmi.spec.domain.devices
    if devices.host_devices or (devices.gpus and not around.gpu_migration):
        yield Obstacle("HostDeviceNotLiveMigratable", "VMI specifies non-migratable generic PCI host device")
    elif len(devices.gpus) > 1:
        yield Obstacle("HostDeviceNotLiveMigratable", "VMI specifies too many GPUs")


def _confidential(vmi: VirtualMachineInstance) -> Iterator[Obstacle]:
    technology = security.technology(vmi.spec.domain)
    if vmi.spec.domain.launch_security is not None and vmi.spec.architecture == "s390x":
        yield Obstacle("SecureExecutionNotLiveMigratable", "VMI uses Secure Execution")
    elif technology in ("sev", "sev-snp"):
        yield Obstacle("SEVNotLiveMigratable", "VMI uses SEV")
    elif technology == "tdx":
        yield Obstacle("TDXNotLiveMigratable", "VMI uses TDX")


def _hyperv(vmi: VirtualMachineInstance) -> Iterator[Obstacle]:
    given = vmi.spec.domain.features
    if given is None:
        return
    hints = vmi.status.topology_hints
    if given.hyperv is not None and features.is_on(given.hyperv.reenlightenment) \
            and (hints is None or hints.tsc_frequency is None):
        yield Obstacle("NoTSCFrequencyNotLiveMigratable",
                       "HyperV Reenlightenment VMIs cannot migrate when TSC Frequency is not exposed on the cluster")
    if given.hyperv_passthrough is not None and given.hyperv_passthrough.enabled:
        yield Obstacle("HypervPassthroughNotLiveMigratable", "VMI uses hyperv passthrough")


def _volumes(vmi: VirtualMachineInstance) -> Iterator[Obstacle]:
    known = {status.name: status.persistent_volume_claim_info for status in vmi.status.volume_status}
    for volume in vmi.spec.volumes:
        if volume.host_disk is not None and not volume.host_disk.shared:
            yield Obstacle("DisksNotLiveMigratable", "cannot migrate VMI with non-shared HostDisk", of_volumes=True)
        claim, info = claim_name(volume), known.get(volume.name)
        if claim and volume.ephemeral is None and info is not None and "ReadWriteMany" not in info.access_modes:
            yield Obstacle(
                "DisksNotLiveMigratable",
                f"cannot migrate VMI: PVC {claim} is not shared, live migration requires that all PVCs must be shared "
                "(using ReadWriteMany access mode)",
                of_volumes=True,
            )


def _reservations(vmi: VirtualMachineInstance) -> Iterator[Obstacle]:
    if any(disk.lun is not None and disk.lun.reservation for disk in vmi.spec.domain.devices.disks):
        yield Obstacle("PersistentReservationNotLiveMigratable", "VMI uses SCSI persistent reservation")
