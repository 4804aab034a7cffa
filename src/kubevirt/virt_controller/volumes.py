"""Which claims the volumes of a VMI stand for."""

from __future__ import annotations

from collections.abc import Iterable

from kubevirt.api.volumes import Volume


def claim_name(volume: Volume) -> str:
    """The claim behind a volume; empty for volumes without one. A DataVolume's claim has its name."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    if volume.data_volume is not None:
        return volume.data_volume.name
    if volume.ephemeral is not None and volume.ephemeral.persistent_volume_claim is not None:
        return volume.ephemeral.persistent_volume_claim.claim_name
    return ""


def is_hotpluggable(volume: Volume) -> bool:
    """The volume is attached beside the launcher pod, not by it."""
    return volume.is_hotpluggable or volume.memory_dump is not None


def claim_names(volumes: Iterable[Volume]) -> list[str]:
    """The claims that the launcher pod needs, in order, each once."""
    return list(dict.fromkeys(
        name for volume in volumes if not is_hotpluggable(volume) and (name := claim_name(volume))
    ))
