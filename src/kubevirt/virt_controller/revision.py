"""ControllerRevisions as virt-controller reads them: the stored spec stays undecoded.

There is one for each VM that was ever started, and its content is wanted only when the VM's template has changed. Kept
as bytes it takes a tenth of the memory.
"""

from __future__ import annotations

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


START_REVISIONS: Final = Resource(
    group="apps", version="v1", plural="controllerrevisions", kind="ControllerRevision", type_=StartRevision
)
