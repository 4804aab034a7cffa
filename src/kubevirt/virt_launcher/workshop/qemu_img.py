"""`qemu-img`, with limits, and its complaints in words for the user.

A disk image is whatever somebody put into a container image; reading a header must not cost the node more than the
limits here say, however it is made.
"""

import subprocess
from pathlib import Path

import msgspec

from kubevirt.kit.errors import Problem

ADDRESS_SPACE_BYTES = 2_097_152_000
CPU_S = 10
TIMEOUT_S = 60

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "MALLOC_ARENA_MAX": "1"}


class QemuImgFailed(Problem):
    """What qemu-img said, in one line."""


class DataFile(msgspec.Struct):
    """The format-specific part of a qcow2."""

    corrupt: bool = False
    data_file: str | None = msgspec.field(name="data-file", default=None)


class FormatSpecific(msgspec.Struct):
    data: DataFile = msgspec.field(default_factory=DataFile)


class ImageInfo(msgspec.Struct):
    """`qemu-img info --output=json`, the part that matters."""

    format: str
    virtual_size: int = msgspec.field(name="virtual-size")
    backing_file: str | None = msgspec.field(name="backing-filename", default=None)
    specific: FormatSpecific | None = msgspec.field(name="format-specific", default=None)


def info(path: Path) -> ImageInfo:
    """Raises QemuImgFailed."""
    output = _run("info", "-U", "--output=json", str(path))
    try:
        return msgspec.json.decode(output, type=ImageInfo)
    except msgspec.DecodeError as error:
        raise QemuImgFailed(cause="qemu-img describes it in a way that is not understood") from error


def create_overlay(path: Path, *, backing: Path, backing_format: str) -> None:
    """Raises QemuImgFailed."""
    _create(path, "-b", str(backing), "-F", backing_format, str(path))


def create_empty(path: Path, *, size_bytes: int) -> None:
    """Raises QemuImgFailed."""
    _create(path, str(path), str(size_bytes))


def _create(path: Path, *arguments: str) -> None:
    try:
        _run("create", "-q", "-f", "qcow2", *arguments)
    except QemuImgFailed as error:
        path.unlink(missing_ok=True)  # half of one would be taken for a disk the next time
        raise why_not_created(path, error.cause) from error


def why_not_created(path: Path, said: str) -> QemuImgFailed:
    """In words for the user. The file lies in a directory, or has a name, that says of which volume it is."""
    said = said.removeprefix(f"{path}: ")
    volume = path.parent.name if path.name == "disk.qcow2" else path.stem
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return QemuImgFailed(cause=f"the node has no disk space left for volume {volume}",
                             remedy="free space on the node, or let the guest run on another one")
    if "too large" in said:
        return QemuImgFailed(cause=f"volume {volume} is larger than a disk image can be",
                             remedy="give it less capacity; a disk image holds up to 2 PiB")
    return QemuImgFailed(cause=f"the disk of volume {volume} could not be made: {said}",
                         remedy="see the log of the launcher pod's container 'compute'")


def _run(*arguments: str) -> bytes:
    limits = ["prlimit", f"--as={ADDRESS_SPACE_BYTES}", f"--cpu={CPU_S}", "--core=0", "--"]
    try:
        done = subprocess.run(
            [*limits, "qemu-img", *arguments], env=_ENVIRONMENT, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise QemuImgFailed(cause=f"qemu-img did not finish within {TIMEOUT_S} s") from error
    if done.returncode < 0:
        raise QemuImgFailed(cause=f"qemu-img went over its limits of {CPU_S} CPU-seconds and 2 GB of memory")
    if done.returncode > 0:
        raise QemuImgFailed(cause=complaint(done.stderr.decode(errors="replace"), path=arguments[-1]))
    return done.stdout


def complaint(stderr: str, *, path: str) -> str:
    """qemu-img's last line without its own name and the file's: these are said by whoever uses it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    text = lines[-1] if lines else "qemu-img gives no reason"
    for prefix in ("qemu-img: ", f"{path}: ", f"Could not open '{path}': ", "Could not read snapshots: "):
        text = text.removeprefix(prefix)
    return text
