"""Container disks: find the disk image in a mounted container image, and see whether a guest can run from it.

A container image holds its disk as the only file of `/disk`, or at the path the VMI names. It must be raw or qcow2,
whole, and not lean on other files: those would be files of the pod, chosen by whoever made the image.
"""

import os
from pathlib import Path

import msgspec

from kubevirt.kit.errors import Problem, Refused
from kubevirt.machine import paths
from kubevirt.virt_launcher.workshop import qemu_img

DISK_DIR = "disk"
SECTOR_BYTES = 512

_PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_REMEDY = "put one raw or qcow2 file into /disk/ of the container image, readable for user 107"


class Image(msgspec.Struct, frozen=True, kw_only=True):
    path: Path
    format: str
    virtual_bytes: int


class ImageShelf:
    """The container images mounted into this pod. What was looked at once is not looked at again."""

    def __init__(self, root: Path = Path(paths.IMAGE_VOLUME_DIR)) -> None:
        self._root = root
        self._known: dict[Path, Image] = {}

    def look_around(self) -> bool:
        """Look at every image with a disk in the usual place, while there is time. Complains about nothing yet.

        Whether there is any image.
        """
        mounts = sorted(self._root.glob("disk_*"))
        for mount in mounts:
            try:
                self._probe(find(mount, ""))
            except Problem:
                continue
        return bool(mounts)

    def image(self, mount: Path, *, path: str, field: str, reference: str) -> Image:
        """The disk of a mounted container image. Raises Refused, telling what is wrong with it and what to do."""
        try:
            return self._probe(find(mount, path))
        except Problem as problem:
            raise Refused(
                field=field,
                cause=f"the container disk {reference} cannot be used: {problem.cause}",
                remedy=problem.remedy or "build the image anew from a disk that 'qemu-img check' accepts",
            ) from problem

    def _probe(self, file: Path) -> Image:
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = probe(file)
        return known


def find(mount: Path, path: str) -> Path:
    """The disk image below the mount point of its container image. Raises Problem."""
    if path:
        file = mount / path.lstrip("/")
        if not file.resolve().is_relative_to(mount.resolve()):
            raise Problem(cause=f"{path} leads out of the container image", remedy=_REMEDY)
        if not file.is_file():
            raise Problem(cause=f"there is no file {path} in it", remedy="correct containerDisk.path")
        return file
    directory = mount / DISK_DIR
    if not directory.is_dir():
        raise Problem(cause="there is no directory /disk in it", remedy=_REMEDY)
    try:
        names = sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
    except PermissionError as error:
        raise Problem(cause="its directory /disk is not readable for user 107", remedy=_REMEDY) from error
    if len(names) != 1:
        found = f"{len(names)} files" if names else "no file"
        raise Problem(cause=f"its directory /disk holds {found} instead of one", remedy=_REMEDY)
    if names[0].is_symlink() or not names[0].is_file():
        raise Problem(cause=f"/disk/{names[0].name} in it is not an ordinary file", remedy=_REMEDY)
    return names[0]


def probe(file: Path) -> Image:
    """Raises Problem for what is no usable disk image."""
    try:
        with file.open("rb") as opened:
            start = opened.read(8)
            size = os.fstat(opened.fileno()).st_size
    except OSError as error:
        cause = f"/{DISK_DIR}/{file.name} is not readable ({os.strerror(error.errno or 0)})"
        raise Problem(cause=cause, remedy=_REMEDY) from error
    for magic, packer in _PACKED.items():
        if start.startswith(magic):
            raise Problem(cause=f"{file.name} is packed with {packer}", remedy="unpack it before building the image")
    try:
        info = qemu_img.info(file)
    except qemu_img.QemuImgFailed as problem:
        raise Problem(cause=f"{file.name} is not a readable disk image ({problem.cause})") from problem
    _accept(file, info, size)
    return Image(path=file, format=info.format, virtual_bytes=info.virtual_size)


def _accept(file: Path, info: qemu_img.ImageInfo, size: int) -> None:
    if info.format not in ("raw", "qcow2"):
        raise Problem(
            cause=f"{file.name} has the format {info.format}",
            remedy=f"convert it with: qemu-img convert -O qcow2 {file.name} disk.qcow2",
        )
    data = info.specific.data if info.specific is not None else qemu_img.DataFile()
    if info.backing_file or data.data_file:
        other = info.backing_file or data.data_file
        raise Problem(
            cause=f"{file.name} is only part of a disk: it refers to another file ({other})",
            remedy=f"make it whole with: qemu-img convert -O qcow2 {file.name} disk.qcow2",
        )
    if data.corrupt:
        raise Problem(cause=f"{file.name} is marked as corrupt", remedy="repair it with qemu-img check -r all")
    if info.format == "raw" and (size == 0 or size % SECTOR_BYTES):
        raise Problem(
            cause=f"{file.name} is neither qcow2 nor a raw disk: {size} bytes are not a whole number of sectors",
        )
