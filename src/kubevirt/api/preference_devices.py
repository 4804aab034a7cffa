"""What preferences say about devices."""

from kubevirt.api.base import Api, renamed
from kubevirt.api.devices import Rng, TPMDevice, VGPUOptions
from kubevirt.api.disks import BlockSize
from kubevirt.api.network import InterfaceMasquerade


class DevicePreferences(Api):
    """How devices are set up where machine and instance type say nothing."""

    preferred_autoattach_graphics_device: bool | None = None
    """Whether there is a graphics adapter."""
    preferred_autoattach_input_device: bool | None = None
    """Whether there is a pointing device."""
    preferred_autoattach_mem_balloon: bool | None = None
    """Whether there is a memory balloon."""
    preferred_autoattach_pod_interface: bool | None = None
    """Whether a machine without networks gets the pod's."""
    preferred_autoattach_serial_console: bool | None = None
    """Whether there is a serial console."""
    preferred_block_multi_queue: bool | None = None
    """Whether disks get a queue per CPU."""
    preferred_cdrom_bus: str | None = None
    """Bus of CD-ROMs: sata, scsi or usb."""
    preferred_disable_hotplug: bool | None = None
    """Whether nothing can be plugged in while the guest runs."""
    preferred_disk_block_size: BlockSize | None = None
    """Sector sizes of disks."""
    preferred_disk_bus: str | None = None
    """Bus of disks: virtio, sata, scsi or usb."""
    preferred_disk_cache: str | None = None
    """Cache mode of disks: none, writethrough or writeback."""
    preferred_disk_dedicated_io_thread: bool | None = None
    """Whether each virtio disk gets a thread of its own."""
    preferred_disk_io: str | None = renamed("preferredDiskIO", None)
    """I/O mode of disks: native or threads."""
    preferred_input_bus: str | None = None
    """Bus of pointing devices: virtio or usb."""
    preferred_input_type: str | None = None
    """Kind of pointing devices: tablet."""
    preferred_interface_masquerade: InterfaceMasquerade | None = None
    """Connects interfaces without binding by masquerade."""
    preferred_interface_model: str | None = None
    """Model of network interfaces: virtio, e1000e and others."""
    preferred_lun_bus: str | None = None
    """Bus of LUNs: scsi, sata or virtio."""
    preferred_network_interface_multi_queue: bool | None = None
    """Whether network interfaces get a queue per CPU."""
    preferred_panic_device_model: str | None = None
    """Model of panic devices: hyperv, isa or pvpanic."""
    preferred_rng: Rng | None = None
    """A source of entropy."""
    preferred_sound_model: str | None = None
    """Model of sound cards: ich9 or ac97."""
    preferred_tpm: TPMDevice | None = renamed("preferredTPM", None)
    """A trusted platform module."""
    preferred_use_virtio_transitional: bool | None = None
    """Whether virtio devices also serve old drivers."""
    preferred_video_type: str | None = None
    """Model of the graphics adapter."""
    preferred_virtual_gpu_options: VGPUOptions | None = renamed("preferredVirtualGPUOptions", None)
    """Settings of virtual GPUs."""
