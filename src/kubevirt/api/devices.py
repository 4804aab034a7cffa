"""Everything plugged into a machine except disks and network interfaces, and the list of all devices."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, marks, required
from kubevirt.api.disks import Disk, Filesystem
from kubevirt.api.features import FeatureState
from kubevirt.api.network import Interface


class ClientPassthroughDevices(Api):
    """Lets clients redirect their USB devices into the guest."""


class DownwardMetrics(Api):
    """Shows host metrics to the guest over a virtio-serial port."""


class VGPUDisplayOptions(Api):
    """Display of a virtual GPU."""

    enabled: bool | None = None
    ram_fb: FeatureState | None = None


class VGPUOptions(Api):
    """Settings of a virtual GPU."""

    display: VGPUDisplayOptions | None = None


class GPU(Api):
    """A GPU handed to the guest."""

    claim_name: str | None = None
    device_name: str | None = None
    name: str = required(str)
    request_name: str | None = None
    tag: str | None = None
    virtual_gpu_options: VGPUOptions | None = None


class HostDevice(Api):
    """A host device handed to the guest."""

    claim_name: str | None = None
    device_name: str | None = None
    name: str = required(str)
    request_name: str | None = None
    tag: str | None = None


class Input(Api):
    """A pointing device."""

    bus: str | None = None
    name: str = required(str)
    type: str = required(str)


class PanicDevice(Api):
    """Lets the guest report that its kernel crashed."""

    model: str | None = None


class Rng(Api):
    """A source of entropy."""


class SoundDevice(Api):
    """A sound card."""

    model: str | None = None
    name: str = required(str)


class TPMDevice(Api):
    """A trusted platform module."""

    enabled: bool | None = None
    persistent: bool | None = None


class VideoDevice(Api):
    """The graphics adapter."""

    type: str | None = None


class Diag288Watchdog(Api):
    """The watchdog of s390x."""

    action: str | None = None


class I6300ESBWatchdog(Api):
    """A PCI watchdog."""

    action: str | None = None


class Watchdog(Api):
    """Acts when the guest stops answering."""

    diag288: Diag288Watchdog | None = None
    i6300esb: I6300ESBWatchdog | None = None
    name: str = required(str)


class Devices(Api):
    """Everything that is plugged into the machine."""

    autoattach_graphics_device: bool | None = None
    autoattach_input_device: bool | None = None
    autoattach_mem_balloon: bool | None = None
    autoattach_pod_interface: bool | None = None
    autoattach_serial_console: bool | None = None
    autoattach_vsock: bool | None = None
    block_multi_queue: bool | None = None
    client_passthrough: ClientPassthroughDevices | None = None
    disable_hotplug: bool | None = None
    disks: Annotated[list[Disk], marks(maxItems=256)] = []
    downward_metrics: DownwardMetrics | None = None
    filesystems: Annotated[list[Filesystem], Atomic] = []
    gpus: Annotated[list[GPU], Atomic] = []
    host_devices: Annotated[list[HostDevice], Atomic] = []
    inputs: list[Input] = []
    interfaces: Annotated[list[Interface], marks(maxItems=256)] = []
    log_serial_console: bool | None = None
    network_interface_multiqueue: bool | None = None
    panic_devices: list[PanicDevice] = []
    rng: Rng | None = None
    sound: SoundDevice | None = None
    tpm: TPMDevice | None = None
    use_virtio_transitional: bool | None = None
    video: VideoDevice | None = None
    watchdog: Watchdog | None = None
