"""Others' parts in histories of what makes many, a set or a pool: the garbage collector, and owners of finalizers."""

from __future__ import annotations

from typing import Any

from controller_api import Api

from kubevirt.api.resources import VMIS, VMS, Resource
from kubevirt.virt_controller.revision import START_REVISIONS


class Crowds(Api):
    """The API server, whose garbage collector knows machines."""

    collected = (VMS, VMIS, START_REVISIONS)

    def orphan(self, res: Resource[Any], name: str) -> None:
        """Takes the owners off an object, as the garbage collector does for an orphan deletion."""
        self.update(res, name, lambda o: o["metadata"].pop("ownerReferences", None))


def is_deleting(obj: dict[str, Any]) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def finish(api: Crowds, res: Resource[Any], obj: dict[str, Any], *finalizers: str) -> None:
    """Takes finalizers off an object, as their owners do; an object that is deleting goes with its last."""
    held = obj["metadata"].get("finalizers", [])
    left = [f for f in held if f not in finalizers]
    if left == held:
        return
    if is_deleting(obj) and not left:
        api.vanish(res, obj["metadata"]["name"])
    else:
        api.update(res, obj["metadata"]["name"], lambda o: o["metadata"].update(finalizers=left))
