"""Every request of the add-on's programs to the API server, from its audit log and what was rotated out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """What was asked for, by which account, and whether the account had the right to it."""

    account: str
    group: str
    resource: str
    verb: str
    namespace: str
    was_allowed: bool

    def __str__(self) -> str:
        place = f" in {self.namespace}" if self.namespace else ""
        return f"{self.account}: {self.verb} {self.resource}.{self.group or 'core'}{place}"


def seen(log: Path, accounts: str, since: str) -> Iterator[Asked]:
    """The requests of accounts whose names begin so, from a time on (RFC 3339, UTC), each as often as it was sent.

    `was_allowed` is the authorizer's word: a quota or a namespace that is being removed also answers 403.
    """
    mark = accounts.encode()
    for part in sorted(log.parent.glob(f"{log.stem}*{log.suffix}")):
        with part.open("rb") as lines:
            for line in lines:
                if mark not in line:
                    continue
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:  # the last line is still being written
                    break
                if (asked := _asked(entry, accounts)) is not None and entry["requestReceivedTimestamp"] >= since:
                    yield asked


def _asked(entry: dict[str, object], accounts: str) -> Asked | None:
    user, ref, notes = entry.get("user"), entry.get("objectRef"), entry.get("annotations")
    if not isinstance(user, dict) or not isinstance(ref, dict) or "impersonatedUser" in entry:
        return None
    if not str(user.get("username", "")).startswith(accounts):
        return None
    resource = str(ref.get("resource", ""))
    return Asked(
        account=str(user["username"]).removeprefix(accounts),
        group=str(ref.get("apiGroup", "")),
        resource=f"{resource}/{ref['subresource']}" if ref.get("subresource") else resource,
        verb=str(entry.get("verb", "")),
        namespace=str(ref.get("namespace", "")),
        was_allowed=not (isinstance(notes, dict) and notes.get("authorization.k8s.io/decision") == "forbid"),
    )
