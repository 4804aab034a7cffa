"""What is told of a guest in trouble: its kernel gave up, or one of its disks cannot take a write. Pure, a log apart.

Loaded by the launchers whose guest gets into some.
"""

import re
from pathlib import Path

from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.virt_launcher.libvirt_files import STATE_DIR

UNAVAILABLE = "GuestPanicked (details unavailable)"
_TAIL_BYTES = 16 * 1024
_DETAILS = re.compile(r": panic (\S.*)$", re.MULTILINE)


def disk_failed(volume: str, *, no_space: bool) -> GuestEvent:
    """QEMU stopped the guest because of a volume."""
    what = "not enough space on volume" if no_space else "IO error at the volume"
    return GuestEvent(type="Warning", reason="IOerror", message=f"VM Paused due to {what}: {volume}")


def panicked(details: str) -> GuestEvent:
    """The guest's kernel gave up."""
    return GuestEvent(type="Warning", reason="GuestPanicked", message=details or UNAVAILABLE)


def log_of(domain: str, state_dir: Path = STATE_DIR) -> Path:
    """libvirt's log of a domain."""
    return state_dir / "libvirt" / "qemu" / "log" / f"{domain}.log"


def panic_details(log: Path) -> str:
    """What came with the panic, the kind of the guest's kernel first: Windows sends five numbers, most guests nothing.
    libvirt wrote it into the log of the domain before it told of the panic."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - _TAIL_BYTES, 0))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    found = _DETAILS.findall(text)
    return str(found[-1]).strip() if found else ""
