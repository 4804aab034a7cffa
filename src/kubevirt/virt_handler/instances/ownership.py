"""Giving a launcher the device nodes of its pod, those it was given.

The container runtime makes them with the node's owner and mode, which is root's alone, while QEMU runs as user 107.
The owner is changed inside the pod's own /dev only. A pod's file system is not trusted: no symbolic link is followed,
and the file must be the very device that it should be. Numbers that the kernel chooses are those of the node's own
device; so it is with host devices, which are whatever the pod has below /dev/vfio and /dev/bus/usb.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from kubevirt.kit.errors import Problem

LAUNCHER_UID = 107
_DEVICES = {"kvm": (10, 232), "net/tun": (10, 200), "vhost-net": (10, 238), "vhost-vsock": (10, 241)}
_NUMBERED_AT_START = ("sev", "iommu")
_HOST_DEVICES = ("vfio", "bus/usb")
_NODE = Path("/proc/1/root/dev")
"""Unlike the handler's own /dev, it has what came after the handler."""


def own_devices(pid: int, *, proc: Path = Path("/proc"), node: Path = _NODE) -> None:
    """Make user 107 own the known devices in the root file system of process `pid`; absent ones are left out."""
    try:
        dev = _directory(proc / str(pid) / "root" / "dev")
    except OSError as e:
        raise Problem(
            cause=f"the devices of the launcher's pod cannot be reached: {e.strerror}",
            remedy="the launcher has probably just ended; its pod's status tells why",
        ) from e
    try:
        for name, number in (_DEVICES | _numbers(node, [*_NUMBERED_AT_START, *_host_devices(dev)])).items():
            _own(dev, name, number)
    finally:
        os.close(dev)


def _numbers(node: Path, device_names: Iterable[str]) -> dict[str, tuple[int, int]]:
    found = {}
    for name in device_names:
        try:
            device = (node / name).stat().st_rdev
        except OSError:
            continue
        found[name] = (os.major(device), os.minor(device))
    return found


def _host_devices(dev: int) -> list[str]:
    """Names below /dev, out of the pod."""
    found = []
    for top in _HOST_DEVICES:
        for name in _listed(dev, top):
            found += [f"{top}/{name}/{file}" for file in _listed(dev, f"{top}/{name}")] or [f"{top}/{name}"]
    return found


def _listed(dev: int, path: str) -> list[str]:
    try:
        above = _below(dev, path.split("/"))
    except OSError:
        return []  # not there, or no directory
    try:
        directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
    finally:
        os.close(above)
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries)
    finally:
        os.close(directory)


def _own(dev: int, name: str, number: tuple[int, int]) -> None:
    *above, file = name.split("/")
    try:
        directory = _below(dev, above)
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


def _below(dev: int, names: list[str]) -> int:
    """A directory below /dev, step by step, so that no link is followed on the way."""
    directory = os.dup(dev)
    for name in names:
        try:
            next_one = _directory(name, inside=directory)
        finally:
            os.close(directory)
        directory = next_one
    return directory


def _directory(path: Path | str, *, inside: int | None = None) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=inside)
