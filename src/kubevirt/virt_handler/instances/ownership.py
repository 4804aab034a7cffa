"""Giving a launcher the device nodes of its pod.

The container runtime makes them with the node's owner and mode, which is root's alone, while QEMU runs as user 107.
The owner is changed inside the pod's own /dev only. A pod's file system is not trusted: no symbolic link is followed,
and the file must be the very device that it should be.
"""

import os
import stat
from pathlib import Path

from kubevirt.kit.errors import Problem

LAUNCHER_UID = 107
_DEVICES = {"kvm": (10, 232), "net/tun": (10, 200), "vhost-net": (10, 238)}


def own_devices(pid: int, *, proc: Path = Path("/proc")) -> None:
    """Make user 107 own the known devices in the root file system of process `pid`; absent ones are left out."""
    try:
        dev = _directory(proc / str(pid) / "root" / "dev")
    except OSError as e:
        raise Problem(
            cause=f"the devices of the launcher's pod cannot be reached: {e.strerror}",
            remedy="the launcher has probably just ended; its pod's status tells why",
        ) from e
    try:
        for name, number in _DEVICES.items():
            _own(dev, name, number)
    finally:
        os.close(dev)


def _own(dev: int, name: str, number: tuple[int, int]) -> None:
    *above, file = name.split("/")
    try:
        directory = _directory(above[0], inside=dev) if above else os.dup(dev)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        status = os.stat(file, dir_fd=directory, follow_symlinks=False)
        is_device = stat.S_ISCHR(status.st_mode) and (os.major(status.st_rdev), os.minor(status.st_rdev)) == number
        if is_device and status.st_uid != LAUNCHER_UID:
            os.chown(file, LAUNCHER_UID, LAUNCHER_UID, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    finally:
        os.close(directory)


def _directory(path: Path | str, *, inside: int | None = None) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=inside)
