"""ControllerRevisions as virt-controller reads them: the stored spec stays undecoded.

There is one for each VM that was ever started, and its content is wanted only when the VM's template has changed. Kept
as bytes it takes a tenth of the memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from kubevirt.api.base import Api, Int64, constant, present
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resources import Resource


class StartRevision(Api):
    """A ControllerRevision with its data as JSON text."""

    api_version: str = constant("apps/v1")
    kind: str = constant("ControllerRevision")
    metadata: ObjectMeta = present(ObjectMeta)
    data: msgspec.Raw = present(msgspec.Raw)
    revision: Int64 = 0

    def __post_init__(self) -> None:
        # A Raw that was decoded keeps the whole message alive that it came in.
        self.data = self.data.copy()


START_PREFIX: Final = "revision-start-vm-"
"""What the name of a start revision begins with; the VM's uid and its generation follow."""


def started_uid(name: str) -> str:
    """The uid of the VM of whose start a revision of this name tells; empty where it is about something else."""
    return name.removeprefix(START_PREFIX).rpartition("-")[0] if name.startswith(START_PREFIX) else ""


def is_stray(revision: StartRevision) -> bool:
    """It tells of a VM's start, and nothing controls it: its VM was deleted without its dependents."""
    return revision.metadata.controller is None and started_uid(revision.metadata.name) != ""


def machine_of_stray(revision: StartRevision) -> Iterable[str]:
    """Index: the uid of the VM that a stray revision was parted from."""
    return (started_uid(revision.metadata.name),) if is_stray(revision) else ()


START_REVISIONS: Final = Resource(
    group="apps", version="v1", plural="controllerrevisions", kind="ControllerRevision", type_=StartRevision
)
