"""Sparing each launcher the question what QEMU can do.

libvirtd asks QEMU at its first domain and keeps the answer in a cache file; that is 0.6 s and more CPU time than all
the rest of a start. The answer depends on the image alone as long as there is no KVM, so the image brings it along, and
the launcher puts it in place with the stamps by which libvirt tells a stale cache: change times of QEMU, of QEMU's
module directory and of libvirt itself, which are only known where the image was unpacked. A wrong or missing stamp
costs the 0.6 s and nothing else: libvirt then asks again. So it does by itself where KVM is usable.
`make_capability_seed` makes the file.
"""

import hashlib
import os
import re
from pathlib import Path

import msgspec

EMULATOR = Path("/usr/bin/qemu-system-x86_64")
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
SEED = Path("/usr/share/kubevirt/qemu-capabilities.xml")

_STAMPS = re.compile(rb"<(qemuctime|qemumoddirmtime|selfctime)>\d*</\1>")


class Stamps(msgspec.Struct, frozen=True, kw_only=True):
    """By which libvirt tells whether its cache is of the software in front of it; whole seconds since the epoch."""

    qemu_changed: int
    modules_modified: int
    libvirt_changed: int

    @classmethod
    def of_this_system(cls) -> "Stamps":
        """Raises OSError where QEMU or libvirt is not installed in Debian's way."""
        libvirt = [LIBRARIES / "libvirt.so.0", LIBRARIES / "libvirt/connection-driver/libvirt_driver_qemu.so"]
        return cls(
            qemu_changed=int(EMULATOR.stat().st_ctime),
            modules_modified=int((LIBRARIES / "qemu").stat().st_mtime),
            libvirt_changed=max(int(file.stat().st_ctime) for file in libvirt),
        )


def stamped(seed: bytes, stamps: Stamps) -> bytes:
    """The cache file's content for a system with these stamps."""
    values = {
        b"qemuctime": stamps.qemu_changed,
        b"qemumoddirmtime": stamps.modules_modified,
        b"selfctime": stamps.libvirt_changed,
    }
    return _STAMPS.sub(lambda found: b"<%b>%d</%b>" % (found[1], values[found[1]], found[1]), seed)


def cache_file(cache_dir: Path) -> Path:
    """Where libvirt looks, below $XDG_CACHE_HOME."""
    name = hashlib.sha256(os.fsencode(EMULATOR)).hexdigest()
    return cache_dir / "libvirt" / "qemu" / "cache" / "capabilities" / f"{name}.xml"


def plant(cache_dir: Path, seed: Path = SEED) -> bool:
    """Put the seed into libvirt's cache; False, and nothing done, where there is no seed or an unusual system."""
    try:
        content = stamped(seed.read_bytes(), Stamps.of_this_system())
    except OSError:
        return False
    file = cache_file(cache_dir)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return True
