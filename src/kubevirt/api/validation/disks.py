"""Rules for disks: one target each, on a bus that can carry it."""

import re
from typing import Final

from kubevirt.api.config import ClusterConfig
from kubevirt.api.disks import CustomBlockSize, Disk
from kubevirt.api.validation.addresses import is_pci_address
from kubevirt.api.validation.causes import Causes, invalid, not_supported, required
from kubevirt.api.validation.kubernetes_names import dns_label_faults
from kubevirt.api.vmi import VirtualMachineInstanceSpec

BUSES: Final = ("virtio", "scsi", "sata", "usb")
CACHES: Final = frozenset({"none", "writethrough", "writeback"})
IO_MODES: Final = frozenset({"native", "threads"})
ERROR_POLICIES: Final = frozenset({"stop", "ignore", "report", "enospace"})
MAX_SERIAL: Final = 256
MIN_BLOCK, MAX_BLOCK = 512, 2097152
_SERIAL = re.compile(r"[A-Za-z0-9_.+-]+")


def check_disks(field: str, disks: list[Disk]) -> Causes:
    """All rules of the list of disks that need nothing but the list."""
    seen: dict[str, int] = {}
    for index, disk in enumerate(disks):
        at = f"{field}[{index}]"
        if disk.name in seen:
            yield invalid(f"{at}.name", f"{at} and {field}[{seen[disk.name]}] must not have the same Name.")
        seen.setdefault(disk.name, index)
        if sum(target is not None for target in (disk.disk, disk.lun, disk.cdrom)) > 1:
            yield invalid(at, f"{at} can only have a single target type defined")
        if disk.disk is not None and disk.disk.pci_address:
            yield from _pci_address(field, index, disk)
        if disk.boot_order is not None and disk.boot_order < 1:
            yield invalid(f"{at}.bootOrder", f"{at} must have a boot order > 0, if supplied")
        yield from _bus(field, index, disk)
        if disk.serial:
            yield from _serial(at, disk.serial)
        if disk.cache and disk.cache not in CACHES:
            yield invalid(f"{at}.cache", f"{at}.cache has invalid value {disk.cache}")
        if disk.io and disk.io not in IO_MODES:
            yield not_supported(
                f"{_repeated(field, index)}.io",
                f"Disk IO mode for {field} is not supported. Supported modes are: native, threads.",
            )
        if disk.error_policy and disk.error_policy not in ERROR_POLICIES:
            yield invalid(f"{at}.errorPolicy", f'{at}.errorPolicy has invalid value "{disk.error_policy}"')
        for fault in dns_label_faults(disk.name):  # containers are named after disks
            yield invalid(f"{_repeated(field, index)}.name", fault)
        yield from _block_size(at, disk)


def _repeated(field: str, index: int) -> str:
    """The path of a disk with its beginning twice: some findings have it so, and other clients know them by it."""
    return f"{field}.domain.devices.disks[{index}]"


def check_volumes_of_disks(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """What is behind each disk exists and can be shown as such a disk."""
    volumes = {volume.name: volume for volume in spec.volumes}
    for index, disk in enumerate(spec.domain.devices.disks):
        at = f"{field}.domain.devices.disks[{index}]"
        volume = volumes.get(disk.name)
        if volume is None:
            if disk.cdrom is None:
                yield invalid(f"{at}.name", f"{at}.Name '{disk.name}' not found.")
            elif not config.has_gate("DeclarativeHotplugVolumes"):
                yield invalid(
                    f"{at}.name",
                    "DeclarativeHotplugVolumes feature gate not enabled, cannot define an empty CD-ROM disk",
                )
            continue
        if disk.lun is not None and volume.persistent_volume_claim is None and volume.data_volume is None:
            yield invalid(f"{at}.lun", f"{at}.lun can only be mapped to a DataVolume or PersistentVolumeClaim volume.")
        if volume.downward_metrics is not None:
            yield from _downward_metrics(f"{at}.disk", disk)


def _downward_metrics(here: str, disk: Disk) -> Causes:
    if disk.disk is None:
        yield required(here, f"DownwardMetrics volume must be mapped to a disk, but disk is not set on {here}.")
    elif disk.disk.bus not in (None, "", "virtio"):
        yield invalid(
            f"{here}.bus",
            f"DownwardMetrics volume must be mapped to virtio bus, but {here}.bus is set to {disk.disk.bus}",
        )


def check_disks_of_volumes(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Every volume meant for the guest reaches it."""
    devices = spec.domain.devices
    shown = {disk.name for disk in devices.disks} | {filesystem.name for filesystem in devices.filesystems}
    for index, volume in enumerate(spec.volumes):
        if volume.name not in shown and volume.memory_dump is None:
            at = f"{field}.domain.volumes[{index}].name"
            yield invalid(at, f"{at} '{volume.name}' not found.")


def _pci_address(field: str, index: int, disk: Disk) -> Causes:
    # The repeated path is what other clients get, too.
    at = f"{field}.domain.devices.disks.disk[{index}]"
    target = disk.disk
    if target is None or not target.pci_address:
        return
    if target.bus != "virtio":
        yield invalid(
            f"{at}.pciAddress", f"disk {at}.name - setting a PCI address is only possible with bus type virtio."
        )
    if not is_pci_address(target.pci_address):
        yield invalid(f"{at}.pciAddress", f"disk {at}.name has malformed PCI address ({target.pci_address}).")


def _bus(field: str, index: int, disk: Disk) -> Causes:
    """About the first target; that there are more is said elsewhere."""
    targets = (("disk", disk.disk), ("lun", disk.lun), ("cdrom", disk.cdrom))
    kind, bus = next(((kind, target.bus) for kind, target in targets if target is not None), ("", ""))
    at = f"{field}[{index}]"
    here = f"{at}.{kind}.bus"
    if not bus:
        return
    if bus == "ide":
        yield invalid(here, "IDE bus is not supported")
    elif bus not in BUSES:
        yield invalid(here, f"{at} is set with an unrecognized bus {bus}, must be one of: [{' '.join(BUSES)}]")
    elif kind == "cdrom" and bus == "virtio":
        yield invalid(here, f"Bus type {bus} is invalid for CD-ROM device")
    elif bus == "sata" and disk.disk is not None and disk.disk.readonly:
        yield invalid(here, f"{bus} hard-disks do not support read-only.")
    if disk.dedicated_io_thread and bus in ("sata", "usb"):
        yield not_supported(_repeated(field, index), f"IOThreads are not supported for disks on a {bus} bus")


def _serial(at: str, serial: str) -> Causes:
    if len(serial) > MAX_SERIAL:
        yield invalid(f"{at}.serial", f"{at} must be less than or equal to {MAX_SERIAL} in length, if specified")
    if not _SERIAL.fullmatch(serial):
        yield invalid(
            f"{at}.serial", f"{at} must be made up of the following characters [A-Za-z0-9_.+-], if specified"
        )


def _block_size(at: str, disk: Disk) -> Causes:
    size = disk.block_size
    if size is None or size.custom is None:
        return
    if size.match_volume is not None and size.match_volume.enabled is not False:
        yield invalid(f"{at}.blockSize", "Block size matching can't be enabled together with a custom value")
    else:
        is_sata = any(target is not None and target.bus == "sata" for target in (disk.disk, disk.lun, disk.cdrom))
        yield from _custom_block_size(f"{at}.blockSize.custom", size.custom, is_sata=is_sata)


def _custom_block_size(at: str, size: CustomBlockSize, *, is_sata: bool) -> Causes:
    logical, physical, granularity = size.logical or 0, size.physical or 0, size.discard_granularity
    if logical > physical:
        yield invalid(
            f"{at}.logical",
            f"Logical size {logical} must be the same or less than the physical size of {physical}",
        )
        return
    if is_sata and logical != MIN_BLOCK:
        yield invalid(f"{at}.logical", f"Logical size {logical} must be {MIN_BLOCK} for SATA devices")
        return
    if granularity is not None and logical and granularity % logical:
        yield invalid(
            f"{at}.discardGranularity",
            f"Discard granularity {granularity} must be multiples of logical size {logical}",
        )
        return
    for member, value in (("logical", logical), ("physical", physical)):
        if value < MIN_BLOCK:
            yield invalid(
                f"{at}.{member}",
                f"Provided size of {value} is less than the supported minimum size of {MIN_BLOCK}",
            )
        elif value > MAX_BLOCK:
            yield invalid(
                f"{at}.{member}",
                f"Provided size of {value} is greater than the supported maximum size of {MAX_BLOCK}",
            )
        elif value & (value - 1):
            yield invalid(f"{at}.{member}", f"Provided size of {value} is not a power of 2")
