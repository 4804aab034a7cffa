"""Rules for devices other than disks and network interfaces, and for what devices of all kinds share."""

from typing import Final

from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation.causes import Causes, invalid, not_supported
from kubevirt.api.vmi import VirtualMachineInstanceSpec

VIDEO_MODELS: Final = {
    "amd64": ("vga", "cirrus", "virtio", "ramfb", "bochs"),
    "arm64": ("virtio", "ramfb"),
    "s390x": ("virtio",),
}
PANIC_MODELS: Final = frozenset({"hyperv", "isa", "pvpanic"})
SOUND_MODELS: Final = frozenset({"ich9", "ac97"})
IO_THREADS_POLICIES: Final = frozenset({"shared", "auto", "supplementalPool"})


def check_boot_order(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """No two devices are the n-th to boot from."""
    taken: set[int] = set()
    devices = spec.domain.devices
    bootable = [(f"disks[{i}]", disk.boot_order) for i, disk in enumerate(devices.disks)]
    bootable += [(f"interfaces[{i}]", interface.boot_order) for i, interface in enumerate(devices.interfaces)]
    for at, order in bootable:
        if order is None or order < 1:
            continue
        here = f"{field}.domain.devices.{at}.bootOrder"
        if order in taken:
            yield invalid(here, f"Boot order for {here} already set for a different device.")
        taken.add(order)


def check_inputs(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Pointing devices are tablets."""
    for index, device in enumerate(spec.domain.devices.inputs):
        at = f"{field}.domain.devices.inputs[{index}]"
        if device.bus not in (None, "", "virtio", "usb"):
            yield invalid(f"{at}.bus", "Input device can have only virtio or usb bus.")
        if device.type != "tablet":
            yield invalid(f"{at}.type", "Input device can have only tablet type.")


def check_io_threads(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """The policy is known, and has the number it needs."""
    policy, threads = spec.domain.io_threads_policy, spec.domain.io_threads
    if not policy:
        return
    if policy not in IO_THREADS_POLICIES:
        yield invalid(f"{field}.domain.ioThreadsPolicy", f"Invalid IOThreadsPolicy ({policy})")
    count = threads.supplemental_pool_thread_count if threads is not None else None
    if policy == "supplementalPool" and (count or 0) < 1:
        yield invalid(
            f"{field}.domain.ioThreads.count",
            "the number of iothreads needs to be set and positive for the dedicated policy",
        )


def check_sound(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """A sound card has a name and a known model."""
    sound = spec.domain.devices.sound
    if sound is None:
        return
    if sound.model and sound.model not in SOUND_MODELS:
        yield invalid(f"{field}.Sound", "Sound device type is not supported. Options: 'ich9' or 'ac97'")
    if not sound.name:
        yield invalid(f"{field}.Sound", "Sound device requires a name field.")


def check_host_devices(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """Devices of the host, where the cluster hands them out."""
    devices = spec.domain.devices
    if devices.host_devices and not config.has_gate("HostDevices"):
        yield invalid(f"{field}.HostDevices", "Host Devices feature gate is not enabled in kubevirt-config")
    ramfb = 0
    for gpu in devices.gpus:
        display = gpu.virtual_gpu_options.display if gpu.virtual_gpu_options is not None else None
        if display is not None and display.enabled is not False:
            ramfb += display.ram_fb is None or bool(display.ram_fb.enabled)
    if ramfb > 1:
        yield invalid(f"{field}.GPUs", "configuring multiple displays with ramfb is not valid ")


def check_gated_devices(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """Devices behind feature gates."""
    devices, at = spec.domain.devices, f"{field}.domain.devices"
    if devices.autoattach_vsock and not config.has_gate("VSOCK"):
        yield invalid(f"{at}.autoattachVSOCK", "VSOCK feature gate is not enabled in kubevirt-config")
    reserved = any(disk.lun is not None and disk.lun.reservation for disk in devices.disks)
    if reserved and not config.has_gate("PersistentReservation"):
        yield invalid(f"{at}.disks.luns.reservation", "persistent reservation is not enabled in kubevirt config")
    if devices.downward_metrics is not None and not config.has_gate("DownwardMetrics"):
        yield invalid(
            f"{at}.downwardMetrics",
            "downwardMetrics virtio serial is not allowed: DownwardMetrics feature gate is not enabled",
        )
    yield from _filesystems(at, spec, config)


def _filesystems(at: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    volumes = {volume.name: volume for volume in spec.volumes}
    for filesystem in spec.domain.devices.filesystems:
        volume = volumes.get(filesystem.name)
        if volume is None:
            continue
        is_storage = volume.persistent_volume_claim is not None or volume.data_volume is not None
        if is_storage and not config.has_gate("EnableVirtioFsStorageVolumes"):
            yield invalid(
                f"{at}.filesystems", "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC"
            )
        if volume.container_path is not None and not config.has_gate("ContainerPathVolumes"):
            yield invalid(
                f"{at}.filesystems", "virtiofs is not allowed: ContainerPathVolumes feature gate is not enabled"
            )


def check_video(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """A graphics adapter that the architecture has."""
    devices = spec.domain.devices
    if devices.video is None:
        return
    if devices.autoattach_graphics_device is False:
        yield invalid(
            f"{field}.video", "Video configuration is not allowed when autoattachGraphicsDevice is set to false"
        )
    architecture = spec.architecture or ""
    if devices.video.type and devices.video.type not in VIDEO_MODELS.get(architecture, ()):
        yield invalid(
            f"{field}.domain.devices.video.type",
            f"video model '{devices.video.type}' is not supported on {architecture} architecture",
        )


def check_panic_devices(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Panic devices exist on x86 only."""
    devices = spec.domain.devices.panic_devices
    if devices and spec.architecture in ("s390x", "arm64"):
        yield invalid(
            f"{field}.domain.devices.panicDevices",
            f"custom panic devices are not supported on {spec.architecture} architecture",
        )
    for index, device in enumerate(devices):
        if device.model and device.model not in PANIC_MODELS:
            yield invalid(
                f"{field}.domain.devices.panicDevices[{index}].model", f"invalid PanicDeviceModel({device.model})"
            )


def check_watchdog(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Each architecture has a watchdog of its own, or none."""
    watchdog, at = spec.domain.devices.watchdog, f"{field}.domain.devices.watchdog"
    if watchdog is None:
        return
    match spec.architecture:
        case "amd64" if watchdog.diag288 is not None:
            yield not_supported(at, "amd64 only supports I6300ESB watchdog device")
        case "s390x" if watchdog.i6300esb is not None:
            yield not_supported(at, "s390x only supports Diag288 watchdog device")
        case "arm64":
            yield not_supported(at, "Arm64 not support Watchdog device")
