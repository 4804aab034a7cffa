"""State on a claim, put where libvirt and swtpm look for it.

The pod mounts the claim's directories beside libvirt's own, not into them: a mount point deep inside would be made by
the container runtime, with parents that only root may write. So links lead from the usual places to what is kept.
"""

from collections.abc import Mapping
from pathlib import Path

from kubevirt.machine import paths


def link(mounted: Path = Path(paths.STATE_DIR), places: Mapping[str, str] = paths.KEPT) -> list[str]:
    """Make the links for all directories that the pod has; returns which. Doing it again changes nothing.

    Raises OSError.
    """
    found = [kind for kind in places if (mounted / kind).is_dir()]
    for kind in found:
        place = Path(places[kind])
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(mounted / kind)
    return found
