"""Finding and removing whatever a cluster left on the machine, by its names alone.

Nothing here trusts a record: processes are found by control group, links and rules by the cluster's tag, mounts by the
state directory they lie in. So it works after anything was killed, and after a crash of localkube itself.
"""

from __future__ import annotations

from pathlib import Path

from localkube import cgroups, network
from localkube.commands import succeeds
from localkube.layout import Layout


def exist(layout: Layout) -> bool:
    return bool(cgroups.processes(f"/{layout.tag}") or network.links(layout) or mounts(layout))


def remove(layout: Layout) -> None:
    cgroups.kill(f"/{layout.tag}")
    network.down(layout)
    for place in mounts(layout):
        succeeds("umount", "--lazy", str(place))
    cgroups.remove(f"/{layout.tag}")


def is_mounted_somewhere(path: Path) -> bool:
    """Whether a process of another cluster has something mounted there; removing the directory would take it away."""
    seen = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            namespace = (process / "ns" / "mnt").readlink()
            if namespace in seen:
                continue
            seen.add(namespace)
            if any(line.split()[4] == str(path) for line in (process / "mountinfo").read_text().splitlines()):
                return True
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended; or it has rights that root lacks here, as a container's outer init has: none of ours
    return False


def mounts(layout: Layout) -> list[Path]:
    """Mounts below the state directory, the innermost first."""
    prefix = f"{layout.root}/"
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [Path(place) for place in sorted(places, reverse=True) if place.startswith(prefix)]
