"""Rules for what the control plane may change in a running instance: what is plugged in or out, within its limits."""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.disks import Disk
from kubevirt.api.validation.causes import Causes, invalid
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import Volume

DISK_BUSES = ("scsi", "virtio")
LUN_BUS = "scsi"
PREFIX = "Hotplug configuration"


def check_growth(old: VirtualMachineInstance, new: VirtualMachineInstance) -> Causes:
    """The limits of growth were fixed when the guest started."""
    before, after = old.spec.domain, new.spec.domain
    sockets = [(domain.cpu.max_sockets or 0) if domain.cpu is not None else 0 for domain in (before, after)]
    if sockets[0] != sockets[1]:
        yield invalid("", "CPU topology maxSockets changed")
    limits = [domain.memory.max_guest if domain.memory is not None else None for domain in (before, after)]
    if None not in limits and limits[0] != limits[1]:
        yield invalid("", "Memory maxGuest changed")


def check_storage(old: VirtualMachineInstance, new: VirtualMachineInstance, config: ClusterConfig) -> Causes:
    """Disks that were there from the start stay as they are; plugged ones come and go, each with its volume."""
    if old.spec.volumes == new.spec.volumes and old.spec.domain.devices.disks == new.spec.domain.devices.disks:
        return
    found = list(_counts(new, config)) or list(_permanent(old, new)) or list(_plugged(old, new))
    yield from found[:1]


def _counts(new: VirtualMachineInstance, config: ClusterConfig) -> Causes:
    """Each volume is shown by one disk or file system; a CD-ROM drive may be empty."""
    declared = {volume.name for volume in new.spec.volumes if volume.memory_dump is None}
    devices = new.spec.domain.devices
    may_be_empty = config.has_gate("DeclarativeHotplugVolumes")
    needed = len(devices.filesystems) + sum(
        not (may_be_empty and disk.cdrom is not None and disk.name not in declared) for disk in devices.disks
    )
    if needed != len(declared):
        yield invalid("", f"mismatch between volumes declared ({len(declared)}) and required ({needed})")


def _permanent(old: VirtualMachineInstance, new: VirtualMachineInstance) -> Causes:
    permanent = permanent_volumes(old)
    before = {volume.name: volume for volume in old.spec.volumes if volume.name in permanent}
    after = {volume.name: volume for volume in new.spec.volumes if volume.name in permanent}
    if len(before) != len(after):
        yield invalid("", "Number of permanent volumes has changed")
        return
    moved, disks_before, disks_after = _moved(new), _disks(old), _disks(new)
    for name, volume in after.items():
        if name not in before:
            yield invalid("", f"permanent volume {name}, not found")
        elif name in moved:
            continue
        elif volume != before[name]:
            yield invalid("", f"permanent volume {name}, changed")
        elif disks_before.get(name) != disks_after.get(name):
            yield invalid("", f"permanent disk {name}, changed")


def _plugged(old: VirtualMachineInstance, new: VirtualMachineInstance) -> Causes:
    permanent, moved = permanent_volumes(old), _moved(new)
    before = {volume.name: volume for volume in old.spec.volumes}
    disks_before, disks_after = _disks(old), _disks(new)
    for volume in new.spec.volumes:
        name = volume.name
        if name in permanent:
            continue
        if name not in before:
            yield from _new_volume(volume, disks_before.get(name), disks_after.get(name))
        elif volume != before[name] and name not in moved:
            yield invalid("", f"hotplug volume {name}, changed")
        elif volume.memory_dump is None and name not in disks_after:
            yield invalid("", f"volume {name} doesn't have a matching disk")
        elif volume.memory_dump is None and disks_before.get(name) != disks_after[name]:
            yield invalid("", f"hotplug disk {name}, changed")


def _new_volume(volume: Volume, before: Disk | None, disk: Disk | None) -> Causes:
    name = volume.name
    if volume.memory_dump is not None:
        return
    if volume.data_volume is None and volume.persistent_volume_claim is None:
        yield invalid("", f"volume {name} is not a PVC or DataVolume")
    elif disk is None:
        yield invalid("", f"disk {name} does not exist")
    elif before is None:  # else a drive that is there already gets a medium
        yield from check_plugged_disk(disk, name, PREFIX, "")


def check_plugged_disk(disk: Disk | None, name: str, prefix: str, field: str) -> Causes:
    """What kind of disk can be plugged in; `prefix` begins the message, which names the disk `name`."""
    if disk is None:
        yield invalid(field, f"{prefix} for [{name}] requires the disk field to be set.")
        return
    if disk.disk is not None:
        bus = disk.disk.bus or ""
        if bus not in DISK_BUSES:
            yield invalid(
                field, f"{prefix} for disk [{name}] requires bus to be 'scsi' or 'virtio'. [{bus}] is not permitted."
            )
            return
    elif disk.lun is not None:
        bus = disk.lun.bus or ""
        if bus != LUN_BUS:
            yield invalid(field, f"{prefix} for LUN [{name}] requires bus to be 'scsi'. [{bus}] is not permitted.")
            return
    else:
        yield invalid(field, f"{prefix} for [{name}] requires diskDevice of type 'disk' or 'lun' to be used.")
        return
    if disk.dedicated_io_thread and bus != "virtio":
        yield invalid(field, f"{prefix} for [{name}] requires virtio bus for IOThreads.")


def permanent_volumes(vmi: VirtualMachineInstance) -> set[str]:
    """Names of the volumes that the instance was started with: its status tells, else the volume itself."""
    told = {status.name: status.hotplug_volume is None for status in vmi.status.volume_status}
    return {name for name, permanent in told.items() if permanent} | {
        volume.name for volume in vmi.spec.volumes if volume.name not in told and not volume.is_hotpluggable
    }


def _disks(vmi: VirtualMachineInstance) -> dict[str, Disk]:
    return {disk.name: disk for disk in vmi.spec.domain.devices.disks}


def _moved(vmi: VirtualMachineInstance) -> set[str]:
    """Volumes that are moved to another claim, and may change for that."""
    return {volume.volume_name for volume in vmi.status.migrated_volumes}
