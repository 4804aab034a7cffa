"""What a preference says about devices. It fills in what is not said otherwise; only disableHotplug is overwritten.

(`disableHotplug: false` cannot be told from saying nothing in the API of other clients, so the preference wins.)
"""

from kubevirt.api.devices import Devices, PanicDevice, VideoDevice
from kubevirt.api.disks import Disk, DiskTarget
from kubevirt.api.network import Interface
from kubevirt.api.preference_devices import DevicePreferences
from kubevirt.api.vmi import VirtualMachineInstanceSpec

_PLAIN = (
    ("use_virtio_transitional", "preferred_use_virtio_transitional"),
    ("block_multi_queue", "preferred_block_multi_queue"),
    ("network_interface_multiqueue", "preferred_network_interface_multi_queue"),
    ("rng", "preferred_rng"),
    ("tpm", "preferred_tpm"),
)
_AUTOATTACH = (
    ("autoattach_graphics_device", "preferred_autoattach_graphics_device"),
    ("autoattach_mem_balloon", "preferred_autoattach_mem_balloon"),
    ("autoattach_pod_interface", "preferred_autoattach_pod_interface"),
    ("autoattach_serial_console", "preferred_autoattach_serial_console"),
    ("autoattach_input_device", "preferred_autoattach_input_device"),
)


def apply_device_preferences(liked: DevicePreferences, spec: VirtualMachineInstanceSpec) -> None:
    """Put the preferences into `spec`."""
    devices = spec.domain.devices
    _fill(devices, liked, _PLAIN)
    if liked.preferred_disable_hotplug is not None:
        devices.disable_hotplug = liked.preferred_disable_hotplug
    if devices.sound is not None:
        devices.sound.model = devices.sound.model or liked.preferred_sound_model
    apply_autoattach(liked, devices)
    for disk in devices.disks:
        _disk(disk, liked)
    on_pod_network = {network.name for network in spec.networks if network.pod is not None}
    for interface in devices.interfaces:
        interface.model = interface.model or liked.preferred_interface_model
        wants = liked.preferred_interface_masquerade
        if wants is not None and interface.name in on_pod_network and is_unbound(interface):
            interface.masquerade = wants
    for device in devices.inputs:
        device.bus = device.bus or liked.preferred_input_bus
        device.type = device.type or liked.preferred_input_type or ""
    _panic_devices(devices, liked)
    _graphics(devices, liked)


def apply_autoattach(liked: DevicePreferences, devices: Devices) -> None:
    """Which devices there are unasked; needed before defaults that depend on it are filled in."""
    _fill(devices, liked, _AUTOATTACH)


def is_unbound(interface: Interface) -> bool:
    """Nothing is said about how the interface is connected."""
    ways = (
        interface.bridge, interface.masquerade, interface.sriov, interface.slirp, interface.macvtap, interface.passt,
        interface.passt_binding, interface.binding,
    )  # fmt: skip
    return all(way is None for way in ways)


def _fill(devices: Devices, liked: DevicePreferences, rows: tuple[tuple[str, str], ...]) -> None:
    for ours, theirs in rows:
        value = getattr(liked, theirs)
        if value is not None and getattr(devices, ours) is None:
            setattr(devices, ours, value)


def _disk(disk: Disk, liked: DevicePreferences) -> None:
    if disk.disk is None and disk.cdrom is None and disk.lun is None:
        disk.disk = DiskTarget()
    if disk.disk is not None:
        disk.disk.bus = disk.disk.bus or liked.preferred_disk_bus
        disk.block_size = disk.block_size or liked.preferred_disk_block_size
        disk.cache = disk.cache or liked.preferred_disk_cache
        disk.io = disk.io or liked.preferred_disk_io
        if disk.dedicated_io_thread is None and disk.disk.bus == "virtio":
            disk.dedicated_io_thread = liked.preferred_disk_dedicated_io_thread
    elif disk.cdrom is not None:
        disk.cdrom.bus = disk.cdrom.bus or liked.preferred_cdrom_bus
    elif disk.lun is not None:
        disk.lun.bus = disk.lun.bus or liked.preferred_lun_bus


def _panic_devices(devices: Devices, liked: DevicePreferences) -> None:
    model = liked.preferred_panic_device_model
    if model is None:
        return
    if not devices.panic_devices:
        devices.panic_devices = [PanicDevice(model=model)]
    for device in devices.panic_devices:
        device.model = device.model if device.model is not None else model


def _graphics(devices: Devices, liked: DevicePreferences) -> None:
    if liked.preferred_video_type and devices.video is None and devices.autoattach_graphics_device is not False:
        devices.video = VideoDevice(type=liked.preferred_video_type)
    for gpu in devices.gpus:
        gpu.virtual_gpu_options = gpu.virtual_gpu_options or liked.preferred_virtual_gpu_options
