"""Every path inside the launcher pod, so that pod, domain, launcher and node agent agree by construction.

Only names: whether something exists there is for the programs to find out. Index `i` is the position of a volume in
`spec.volumes`, which stays the same however the disks are ordered.
"""

from __future__ import annotations

from pathlib import PurePosixPath

SHARE_DIR = "/var/run/kubevirt"
SOCKETS_DIR = f"{SHARE_DIR}/sockets"
LAUNCHER_SOCKET = f"{SOCKETS_DIR}/launcher-sock"
PROBE_SOCKET = f"{SOCKETS_DIR}/probe-sock"
"""Where the launcher answers `virt-probe`; only there for machines with probes inside the guest."""
HOTPLUG_DIR = f"{SHARE_DIR}/hotplug-disks"
PRIVATE_DIR = "/var/run/kubevirt-private"
ALIVE_LOCK = f"{PRIVATE_DIR}/alive"
"""Locked (flock) by the launcher while it lives: helper containers end when they get the lock."""
EPHEMERAL_DIR = "/var/run/kubevirt-ephemeral-disks"
IMAGE_VOLUME_DIR = "/var/run/kubevirt-image-volume"
KERNEL_BOOT_MOUNT = "/var/run/kubevirt-kernel-boot"
RUNTIME_DIR = "/var/run"
"""XDG_RUNTIME_DIR of the launcher: libvirt makes its sockets below it."""
LIBVIRT_DIR = f"{RUNTIME_DIR}/libvirt"
VIRTIOFS_DIR = f"{SHARE_DIR}/virtiofs-containers"
PR_HELPER_SOCKET = f"{SHARE_DIR}/daemons/pr/pr-helper.sock"
STATE_DIR = "/var/run/kubevirt-state"
"""Where the directories of the claim are mounted that keeps what outlives a run; absent from other pods."""
STATE_OF_TPM, STATE_OF_TPM_AUTHORITY, STATE_OF_FIRMWARE = "swtpm", "swtpm-localca", "nvram"
TERMINATION_LOG = "/dev/termination-log"
DOWNWARD_METRICS_DIR = f"{PRIVATE_DIR}/downwardmetric-disk"
DOWNWARD_METRICS_DISK = f"{PRIVATE_DIR}/downwardapi-disks/vhostmd0"
DOWNWARD_METRICS_CHANNEL = f"{PRIVATE_DIR}/downwardmetrics-channel/downwardmetrics.sock"
SERVICE_ACCOUNT_SOURCE = "/var/run/secrets/kubernetes.io/serviceaccount"
OVMF_DIR = "/usr/share/OVMF"
"""Where Debian keeps the firmware for amd64; its files carry the size of the flash in their names."""
FIRMWARE_LOG = f"{PRIVATE_DIR}/QEMUSeaBiosDebugPipe"


def machine_dir(uid: str) -> str:
    """The directory of one VMI's sockets."""
    return f"{PRIVATE_DIR}/{uid}"


def serial_socket(uid: str) -> str:
    return f"{machine_dir(uid)}/virt-serial0"


def serial_log(uid: str) -> str:
    return f"{serial_socket(uid)}-log"


def vnc_socket(uid: str) -> str:
    return f"{machine_dir(uid)}/virt-vnc"


USB_REDIRECTION_SLOTS = 4
"""So many devices of a client's machine a guest can take at a time."""


def usb_redirection_socket(uid: str, slot: int) -> str:
    return f"{machine_dir(uid)}/virt-usbredir-{slot}"


def image_volume(i: int) -> str:
    """Mount point of the image of container disk `i`; the disk is the only file of its `disk` directory, or `path`."""
    return f"{IMAGE_VOLUME_DIR}/disk_{i}"


def overlay(volume: str) -> str:
    """The qcow2 that takes the writes of a container disk or an ephemeral claim."""
    return f"{EPHEMERAL_DIR}/disk-data/{volume}/disk.qcow2"


def empty_disk(volume: str) -> str:
    return f"{EPHEMERAL_DIR}/empty-disks/{volume}.qcow2"


def volume_dir(volume: str) -> str:
    """Mount point of a claim in file system mode, or of the directory of a host disk."""
    return f"{PRIVATE_DIR}/vmi-disks/{volume}"


def volume_file(volume: str, file_name: str = "disk.img") -> str:
    return f"{volume_dir(volume)}/{file_name}"


def block_device(volume: str) -> str:
    return f"/dev/{volume}"


def hotplug_file(volume: str) -> str:
    return f"{HOTPLUG_DIR}/{volume}.img"


def hotplug_block_device(volume: str) -> str:
    return f"{HOTPLUG_DIR}/{volume}"


def cloud_init_iso(namespace: str, name: str, file_name: str) -> str:
    """`file_name` is `noCloud.iso` or `configdrive.iso`."""
    return f"{EPHEMERAL_DIR}/cloud-init-data/{namespace}/{name}/{file_name}"


def ignition_file(namespace: str, name: str) -> str:
    return f"{EPHEMERAL_DIR}/ignition-data/{namespace}/{name}/data.ign"


def secret_dir(name: str) -> str:
    return f"{PRIVATE_DIR}/secret/{name}"


def cloud_init_secret_file(volume: str, key: str) -> str:
    """One key of a secret with cloud-init data; a directory when the secret lacks the key."""
    return f"{secret_dir(volume)}/{key}"


def config_map_dir(volume: str) -> str:
    return f"{PRIVATE_DIR}/config-map/{volume}"


def downward_api_dir(volume: str) -> str:
    return f"{PRIVATE_DIR}/downwardapi/{volume}"


def sysprep_dir(volume: str) -> str:
    return f"{PRIVATE_DIR}/sysprep/{volume}"


def config_map_iso(volume: str) -> str:
    return f"{PRIVATE_DIR}/config-map-disks/{volume}.iso"


def secret_iso(volume: str) -> str:
    return f"{PRIVATE_DIR}/secret-disks/{volume}.iso"


def downward_api_iso(volume: str) -> str:
    return f"{PRIVATE_DIR}/downwardapi-disks/{volume}.iso"


def sysprep_iso(volume: str) -> str:
    return f"{PRIVATE_DIR}/sysprep-disks/{volume}.iso"


def service_account_iso() -> str:
    return f"{PRIVATE_DIR}/service-account-disk/service-account.iso"


def access_credential_dir(secret: str) -> str:
    return secret_dir(f"{secret}-access-cred")


def virtiofs_socket(filesystem: str) -> str:
    return f"{VIRTIOFS_DIR}/{filesystem}.sock"


NVRAM_DIR = f"{PRIVATE_DIR}/libvirt/qemu/nvram"
KEPT: dict[str, str] = {
    STATE_OF_TPM: f"{PRIVATE_DIR}/libvirt/qemu/swtpm",
    STATE_OF_TPM_AUTHORITY: f"{PRIVATE_DIR}/var/lib/swtpm-localca",
    STATE_OF_FIRMWARE: NVRAM_DIR,
}
"""The directories of the state claim, and where libvirt and swtpm, in session mode, look for what is in them."""


def state_dir(kind: str) -> str:
    return f"{STATE_DIR}/{kind}"


def nvram(vmi_name: str) -> str:
    return f"{NVRAM_DIR}/{vmi_name}_VARS.fd"


def kernel_boot_file(path: str) -> str:
    """A kernel or initrd given by its path in the kernel boot image."""
    return f"{KERNEL_BOOT_MOUNT}/{path.lstrip('/')}"


def host_disk_file(volume: str, host_path: str) -> str:
    return volume_file(volume, PurePosixPath(host_path).name)
