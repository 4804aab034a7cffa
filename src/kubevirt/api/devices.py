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
    """Whether there is a display. The default is true."""
    ram_fb: FeatureState | None = None
    """A frame buffer in memory, for the time before the driver is loaded."""


class VGPUOptions(Api):
    """Settings of a virtual GPU."""

    display: VGPUDisplayOptions | None = None
    """The display."""


class GPU(Api):
    """A GPU handed to the guest."""

    claim_name: str | None = None
    """Resource claim that the device comes from."""
    device_name: str | None = None
    """Resource name under which the cluster hands the device out."""
    name: str = required(str)
    """Name within the machine."""
    request_name: str | None = None
    """Request within the claim."""
    tag: str | None = None
    """Shown to the guest as metadata of the device."""
    virtual_gpu_options: VGPUOptions | None = None
    """Settings of a virtual GPU."""


class HostDevice(Api):
    """A host device handed to the guest."""

    claim_name: str | None = None
    """Resource claim that the device comes from."""
    device_name: str | None = None
    """Resource name under which the cluster hands the device out."""
    name: str = required(str)
    """Name within the machine."""
    request_name: str | None = None
    """Request within the claim."""
    tag: str | None = None
    """Shown to the guest as metadata of the device."""


class Input(Api):
    """A pointing device."""

    bus: str | None = None
    """virtio or usb, which is the default."""
    name: str = required(str)
    """Name within the machine."""
    type: str = required(str)
    """tablet."""


class PanicDevice(Api):
    """Lets the guest report that its kernel crashed."""

    model: str | None = None
    """hyperv, isa or pvpanic."""


class Rng(Api):
    """A source of entropy."""


class SoundDevice(Api):
    """A sound card."""

    model: str | None = None
    """ich9 (the default) or ac97."""
    name: str = required(str)
    """Name within the machine."""


class TPMDevice(Api):
    """A trusted platform module."""

    enabled: bool | None = None
    """Whether there is a TPM. The default, where it is named, is true."""
    persistent: bool | None = None
    """Keeps the TPM's contents between runs."""


class VideoDevice(Api):
    """The graphics adapter."""

    type: str | None = None
    """Model of the adapter: vga, cirrus, virtio, ramfb or bochs."""


class Diag288Watchdog(Api):
    """The watchdog of s390x."""

    action: str | None = None
    """What is done: poweroff, reset (the default) or shutdown."""


class I6300ESBWatchdog(Api):
    """A PCI watchdog."""

    action: str | None = None
    """What is done: poweroff, reset (the default) or shutdown."""


class Watchdog(Api):
    """Acts when the guest stops answering."""

    diag288: Diag288Watchdog | None = None
    """The watchdog of s390x."""
    i6300esb: I6300ESBWatchdog | None = None
    """The watchdog of amd64."""
    name: str = required(str)
    """Name within the machine."""


class Devices(Api):
    """Everything that is plugged into the machine."""

    autoattach_graphics_device: bool | None = None
    """Whether there is a graphics adapter with VNC. The default is true."""
    autoattach_input_device: bool | None = None
    """Whether there is a tablet, for graphics. The default is false."""
    autoattach_mem_balloon: bool | None = None
    """Whether there is a memory balloon. The default is true."""
    autoattach_pod_interface: bool | None = None
    """Whether a machine without networks is connected to the pod network. The default is true."""
    autoattach_serial_console: bool | None = None
    """Whether there is a serial console. The default is true."""
    autoattach_vsock: bool | None = None
    """Whether there is a VSOCK device."""
    block_multi_queue: bool | None = None
    """Gives virtio disks a queue per CPU."""
    client_passthrough: ClientPassthroughDevices | None = None
    """Lets clients redirect USB devices."""
    disable_hotplug: bool | None = None
    """Prepares nothing for devices plugged in later."""
    disks: Annotated[list[Disk], marks(maxItems=256)] = []
    """Disks, each backed by the volume of its name."""
    downward_metrics: DownwardMetrics | None = None
    """Shows host metrics over a virtio-serial port."""
    filesystems: Annotated[list[Filesystem], Atomic] = []
    """Volumes shared as file systems."""
    gpus: Annotated[list[GPU], Atomic] = []
    """GPUs of the host."""
    host_devices: Annotated[list[HostDevice], Atomic] = []
    """Other devices of the host."""
    inputs: list[Input] = []
    """Pointing devices."""
    interfaces: Annotated[list[Interface], marks(maxItems=256)] = []
    """Network interfaces, each connected to the network of its name."""
    log_serial_console: bool | None = None
    """Whether the serial console is kept as a log of the launcher pod. The default is that of the cluster."""
    network_interface_multiqueue: bool | None = None
    """Gives virtio interfaces a queue per CPU."""
    panic_devices: list[PanicDevice] = []
    """Let the guest report that its kernel crashed."""
    rng: Rng | None = None
    """A source of entropy."""
    sound: SoundDevice | None = None
    """A sound card."""
    tpm: TPMDevice | None = None
    """A trusted platform module."""
    use_virtio_transitional: bool | None = None
    """Uses virtio devices that old guests know, too."""
    video: VideoDevice | None = None
    """Model of the graphics adapter."""
    watchdog: Watchdog | None = None
    """Acts when the guest stops answering."""
