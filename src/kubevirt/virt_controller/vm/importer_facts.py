"""What a VM controller knows of the importer's objects that a VM has to do with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubevirt.virt_controller.datavolumes import DataSource, DataVolume, Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class ImporterFacts:
    """As the caches had it; empty in a cluster without the importer."""

    presence: Presence = Presence.ABSENT
    data_volumes: Mapping[str, DataVolume] = field(default_factory=dict)  # of templates and volumes, by name
    data_sources: Mapping[str, DataSource] = field(default_factory=dict)  # that templates refer to, by namespace/name
    source_claims: frozenset[str] = frozenset()  # namespace/name of the claims to be copied that exist
    standing_in: frozenset[str] = frozenset()  # templates whose claim was there before and which the importer declined
