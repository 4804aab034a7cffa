"""Revisions of a pool: its spec at the generations that machines or running guests were made from.

A machine names its revision in a label, and so does its instance, who got it from the machine at its start. Comparing
the two tells what a running guest has not seen yet.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from kubevirt.api import codec, names
from kubevirt.api.base import Api
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.pool import VirtualMachinePool, VirtualMachineTemplateSpec
from kubevirt.kit.errors import Problem
from kubevirt.virt_controller.actions import Action, Create, Delete, FailureWords
from kubevirt.virt_controller.crowd import controlled_by
from kubevirt.virt_controller.pool.observed import Member, Observed
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.revision import START_REVISIONS
from kubevirt.virt_controller.vm.revisions import stored_form

FAILED = FailureWords(reason="FailedRevision")


class _Data(Api):
    """What is read of a revision."""

    virtual_machine_template: VirtualMachineTemplateSpec | None = None


class Change(Enum):
    """What lies between the revision that a guest was started from and that of its machine."""

    UNKNOWN = "the guest's revision is not known any more"
    NONE = "nothing"
    DISKS = "other data volumes"
    GUEST = "another guest"
    NAME = "nothing that the guest would notice"


def name(pool: VirtualMachinePool) -> str:
    """The name of the revision of the pool as it is now."""
    return f"{pool.metadata.name}-{pool.metadata.generation}"


def record(pool: VirtualMachinePool) -> Create:
    """Keeps the pool's present spec."""
    metadata = ObjectMeta(name=name(pool), namespace=pool.metadata.namespace,
                          owner_references=[controlled_by(POOLS, pool.metadata)])
    body = {
        "metadata": codec.to_builtins(metadata),
        "data": stored_form(codec.to_builtins(pool.spec)),
        "revision": pool.metadata.generation,
    }
    return Create(resource=START_REVISIONS, body=body, failed=FAILED)


class Revisions:
    """The templates of a pool's revisions, each decoded at most once, when asked for."""

    def __init__(self, o: Observed) -> None:
        self._raw = {r.metadata.name: r.data for r in o.revisions}
        self._read: dict[str, VirtualMachineTemplateSpec | None] = {}
        self.current = name(o.pool)
        self.has_current = self.current in self._raw

    def template(self, revision: str) -> VirtualMachineTemplateSpec | None:
        """The template of that revision; None when there is no such revision, or none that can be read."""
        if revision not in self._read:
            raw = self._raw.get(revision)
            self._read[revision] = None if raw is None else _template_in(bytes(raw))
        return self._read[revision]

    def is_outdated(self, member: Member, pool: VirtualMachinePool) -> bool:
        """The machine was not made from the pool's present template, or nobody knows from which."""
        revision = member.vm.metadata.labels.get(names.LABEL_POOL_REVISION, "")
        template = self.template(revision) if revision else None
        return template is None or template != pool.spec.virtual_machine_template

    def change(self, member: Member) -> Change:
        """What the member's guest has not seen yet of what its machine has become."""
        if member.vmi is None:
            return Change.NONE
        ours = member.vm.metadata.labels.get(names.LABEL_POOL_REVISION, "")
        theirs = member.vmi.metadata.labels.get(names.LABEL_POOL_REVISION, "")
        if ours == theirs:
            return Change.NONE
        new, old = self.template(ours), self.template(theirs) if theirs else None
        if old is None or new is None:
            return Change.UNKNOWN
        if old.spec.data_volume_templates != new.spec.data_volume_templates:
            return Change.DISKS
        return Change.GUEST if old.spec.template != new.spec.template else Change.NAME


@lru_cache(maxsize=32)
def _template_in(data: bytes) -> VirtualMachineTemplateSpec | None:
    try:
        return codec.decode(_Data, data).virtual_machine_template
    except Problem:  # written by a version whose spec this one cannot read: the same as not knowing it
        return None


def prune(o: Observed) -> tuple[tuple[Action, ...], ...]:
    """Removes revisions that no machine and no instance names."""
    used = {m.vm.metadata.labels.get(names.LABEL_POOL_REVISION, "") for m in o.owned}
    used |= {m.vmi.metadata.labels.get(names.LABEL_POOL_REVISION, "") for m in o.owned if m.vmi is not None}
    return tuple((Delete(resource=START_REVISIONS, target=r, failed=FAILED),)
                 for r in o.revisions if r.metadata.name not in used and r.metadata.deletion_timestamp is None)
