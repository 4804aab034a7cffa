"""What was written to the API server, by whom: read from its audit log.

Events, leases and access reviews are left out: events are counted apart by every budget, leases belong to a program and
not to a machine, and reviews change nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from kubevirt.kube.errors import OUTDATED_PATCH_MESSAGE

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NOT_COUNTED = frozenset({"events", "leases", "subjectaccessreviews", "tokenreviews", "selfsubjectaccessreviews"})


@dataclass(frozen=True)
class Write:
    """One request that changed (or tried to change) something."""

    program: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    message: str = ""

    @property
    def was_overtaken(self) -> bool:
        """Whether somebody else had changed the object, so that the same is written again for its new version."""
        return self.code == 409 or (self.code == 422 and self.message == OUTDATED_PATCH_MESSAGE)

    def __str__(self) -> str:
        return f"{self.program}: {self.verb} {self.resource} {self.namespace}/{self.name} -> {self.code}"


class AuditLog:
    """The log from the moment of its making on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size

    def writes(self, account_prefix: str = "system:serviceaccount:kubevirt:") -> list[Write]:
        """The writes of the add-on's accounts so far, in order."""
        found = []
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:  # the last line is still being written
                    break
                if (write := _write_in(entry, account_prefix)) is not None:
                    found.append(write)
        return found


def _write_in(entry: dict[str, object], account_prefix: str) -> Write | None:
    user, ref = entry.get("user"), entry.get("objectRef")
    assert isinstance(user, dict)
    if entry.get("stage") != "ResponseComplete" or entry.get("verb") not in WRITES or not isinstance(ref, dict):
        return None
    account = str(user.get("username", ""))
    if not account.startswith(account_prefix) or ref.get("resource") in NOT_COUNTED:
        return None
    status = entry.get("responseStatus")
    resource = str(ref.get("resource", ""))
    return Write(
        program=account.removeprefix(account_prefix),
        verb=str(entry["verb"]),
        resource=f"{resource}/{ref['subresource']}" if ref.get("subresource") else resource,
        namespace=str(ref.get("namespace", "")),
        name=str(ref.get("name", "")),
        code=int(status.get("code", 0)) if isinstance(status, dict) else 0,
        message=str(status.get("message", "")) if isinstance(status, dict) else "",
    )


def until_running(writes: list[Write]) -> list[Write]:
    """The writes of one VM's start: up to the VM status that follows virt-handler's word that the guest runs.

    The pod's readiness gate is told in the same moment, a little sooner or later. It is about Ready, and not counted.
    """
    told = next((i for i, w in enumerate(writes) if w.program == "kubevirt-handler"), len(writes))
    shown = next((i for i, w in enumerate(writes) if i > told and w.resource == "virtualmachines/status"), len(writes))
    return [w for w in writes[: shown + 1] if w.resource != "pods/status"]


def table(writes: list[Write]) -> list[tuple[str, str, str, int]]:
    """(program, verb, resource, how often), most frequent first."""
    counted = Counter((w.program, w.verb, w.resource) for w in writes)
    return [(*key, count) for key, count in counted.most_common()]
