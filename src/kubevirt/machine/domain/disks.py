"""Disks, LUNs and CD-ROM drives: what the guest sees of them, and how QEMU treats their data."""

from __future__ import annotations

from typing import Literal

import msgspec

from kubevirt.api.disks import Disk
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import Volume
from kubevirt.kit.errors import Refused
from kubevirt.machine import guest_cpu, paths
from kubevirt.machine.domain import iothreads, models, pci
from kubevirt.machine.domain.context import DiskFacts, DomainContext
from kubevirt.machine.domain.sources import Source, source
from kubevirt.machine.domain.xml import Element, el

PREFIXES = {"virtio": "vd", "sata": "sd", "scsi": "sd", "usb": "sd", "fdc": "fd"}
READY_TO_PLUG = ("Ready", "MountedToPod")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a disk sits in the guest. `index` counts within the letters of its prefix."""

    device: Literal["disk", "lun", "cdrom"]
    bus: str
    name: str
    index: int
    read_only: bool
    tray: str = ""
    pci_address: str = ""
    reservation: bool = False


def letters(index: int) -> str:
    """0 is a, 25 is z, 26 is aa."""
    text = ""
    while index >= 0:
        text = chr(ord("a") + index % 26) + text
        index = index // 26 - 1
    return text


def targets(vmi: VirtualMachineInstance) -> dict[str, Target]:
    """Target of every disk: a name once recorded in the status is kept, so that hot-plugging does not rename others."""
    recorded = {status.name: status.target for status in vmi.status.volume_status if status.target}
    counters: dict[str, int] = {}
    taken = set(recorded.values())
    found = {}
    for disk in vmi.spec.domain.devices.disks:
        device, bus = _device_and_bus(disk)
        prefix = PREFIXES.get(bus, "sd")
        name = recorded.get(disk.name, "")
        if name.startswith(prefix):
            index = _index(name.removeprefix(prefix))
        else:
            index = counters.get(prefix, 0)
            while prefix + letters(index) in taken:
                index += 1
            counters[prefix] = index + 1
            name = prefix + letters(index)
        found[disk.name] = _target(disk, device, bus, name, index)
    return found


def _index(text: str) -> int:
    index = 0
    for letter in text:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def _device_and_bus(disk: Disk) -> tuple[Literal["disk", "lun", "cdrom"], str]:
    if disk.cdrom is not None:
        return "cdrom", disk.cdrom.bus or "sata"
    if disk.lun is not None:
        return "lun", disk.lun.bus or "sata"
    return "disk", (disk.disk.bus if disk.disk is not None else "") or "sata"


def _target(disk: Disk, device: Literal["disk", "lun", "cdrom"], bus: str, name: str, index: int) -> Target:
    if disk.cdrom is not None:
        return Target(device=device, bus=bus, name=name, index=index, read_only=disk.cdrom.readonly is not False,
                      tray=disk.cdrom.tray or "closed")
    if disk.lun is not None:
        return Target(device=device, bus=bus, name=name, index=index, read_only=bool(disk.lun.readonly),
                      reservation=bool(disk.lun.reservation))
    plain = disk.disk
    return Target(device=device, bus=bus, name=name, index=index, read_only=plain is not None and bool(plain.readonly),
                  pci_address=(plain.pci_address if plain is not None else "") or "")


def disks(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    """One element per disk whose volume is there at the start; hot-plugged volumes follow once they are ready.

    The status tells which volumes are plugged in by an attachment pod; what it does not know is part of the launcher
    pod.
    """
    volumes = {volume.name: volume for volume in vmi.spec.volumes}
    awaited = {
        status.name for status in vmi.status.volume_status
        if status.hotplug_volume is not None and status.phase not in READY_TO_PLUG
    }
    at = targets(vmi)
    on_threads = {name for name, target in at.items() if target.bus == "virtio"}
    threads = iothreads.assignments(vmi, on_threads)
    found = []
    for disk in vmi.spec.domain.devices.disks:
        volume = volumes.get(disk.name)
        if disk.name in awaited or (volume is None and disk.cdrom is None):
            continue
        found.append(disk_element(vmi, disk, volume, context, at[disk.name], thread=threads.get(disk.name)))
    return found


def disk_element(
    vmi: VirtualMachineInstance,
    disk: Disk,
    volume: Volume | None,
    context: DomainContext,
    target: Target,
    *,
    thread: int | None,
) -> Element:
    """`<disk>`; without a volume an empty CD-ROM drive."""
    if disk.shareable and disk.cache not in (None, "", "none"):
        index = next(i for i, other in enumerate(vmi.spec.domain.devices.disks) if other is disk)
        raise Refused(
            field=f"spec.domain.devices.disks[{index}].cache",
            cause=f"a disk that other guests write to cannot be cached ({disk.cache})",
            remedy="set cache to none, or leave it out",
        )
    facts = context.disk(disk.name)
    where = source(vmi, volume, context) if volume is not None else None
    root = el("disk", device=target.device, type="file" if where is not None and not where.block else "block")
    if target.bus == "virtio":
        root.set("model", models.virtio_model(vmi, context))
    if where is not None:
        root.append(_source(where, disk, target))
    root.append(el("target", bus=target.bus, dev=target.name, tray=target.tray or None))
    root.append(_driver(vmi, disk, where, target, facts, thread))
    if target.read_only or (where is not None and where.read_only):
        root.append(el("readonly"))
    if disk.serial and target.device == "disk":
        root.append(el("serial", text=disk.serial))
    if disk.shareable:
        root.append(el("shareable"))
    root.append(el("alias", name=f"ua-{disk.name}"))
    if where is not None and where.backing is not None:
        below = where.backing
        root.append(el("backingStore", el("format", type=below.format),
                       el("source", **{"dev" if below.block else "file": below.path}),
                       type="block" if below.block else "file"))
    if (address := _address(target, disk)) is not None:
        root.append(address)
    if disk.boot_order is not None:
        root.append(el("boot", order=disk.boot_order))
    if (block_io := _block_io(disk, facts)) is not None:
        root.append(block_io)
    return root


def _source(where: Source, disk: Disk, target: Target) -> Element:
    root = el("source", **{"dev" if where.block else "file": where.path})
    if where.block:
        root.set("name", disk.name)
    if target.reservation:
        helper = el("source", type="unix", path=paths.PR_HELPER_SOCKET, mode="client")
        root.append(el("reservations", helper, managed="no", migration="yes"))
    return root


def _driver(
    vmi: VirtualMachineInstance,
    disk: Disk,
    where: Source | None,
    target: Target,
    facts: DiskFacts,
    thread: int | None,
) -> Element:
    virtio = target.bus == "virtio"
    holds_data = where is not None and where.holds_data
    unmap = (holds_data or target.device != "cdrom") and not facts.preallocated
    driver = el(
        "driver",
        name="qemu",
        type=where.format if where is not None else "raw",
        cache=("none" if disk.shareable else disk.cache or facts.cache) or None,
        error_policy=disk.error_policy or "stop",
        io=disk.io or facts.io or None,
        discard="unmap" if unmap else None,
        queues=guest_cpu.count_vcpus(vmi.spec.domain)
        if virtio and vmi.spec.domain.devices.block_multi_queue else None,
        iothread=thread,
        iommu=models.iommu(vmi.spec.domain) if virtio else None,
    )
    pool = iothreads.threads(vmi)
    if virtio and pool.pool and pool.total:
        driver.append(el("iothreads", *(el("iothread", id=i) for i in range(1, pool.total + 1))))
    return driver


def _address(target: Target, disk: Disk) -> Element | None:
    if target.pci_address:
        return pci.address(target.pci_address, field=f"spec.domain.devices.disks[{disk.name}].disk")
    if target.bus == "scsi" and target.device != "cdrom":
        return el("address", type="drive", controller=0, bus=0, unit=target.index)
    return None


def _block_io(disk: Disk, facts: DiskFacts) -> Element | None:
    given = disk.block_size
    if given is None:
        return None
    if given.custom is not None:
        return _block_sizes(given.custom.logical, given.custom.physical, given.custom.discard_granularity)
    if given.match_volume is not None and given.match_volume.enabled is not False and facts.logical_block_size:
        return _block_sizes(facts.logical_block_size, facts.physical_block_size, facts.discard_granularity or None)
    return None


def _block_sizes(logical: int | None, physical: int | None, discard_granularity: int | None) -> Element:
    return el("blockio", logical_block_size=logical, physical_block_size=physical,
              discard_granularity=discard_granularity)
