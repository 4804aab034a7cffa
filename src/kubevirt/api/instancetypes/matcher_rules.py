"""How `spec.instancetype` and `spec.preference` of a machine may be written, and changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from kubevirt.api.instancetypes.matchers import IGNORE, REJECT, Matcher
from kubevirt.api.validation.causes import Cause, invalid, not_found
from kubevirt.api.vm import VirtualMachine


@dataclass(frozen=True, kw_only=True)
class _Member:
    """One of the two matchers of a machine, now and before."""

    name: str
    kind: str
    now: Matcher | None
    before: Matcher | None


def matcher_causes(vm: VirtualMachine, old: VirtualMachine | None = None) -> list[Cause]:
    """What is wrong with the matchers as they were sent; only the first kind of fault that there is."""
    before = old.spec if old is not None else None
    members = (
        _Member(name="instancetype", kind="InstancetypeMatcher", now=vm.spec.instancetype,
                before=before.instancetype if before is not None else None),
        _Member(name="preference", kind="PreferenceMatcher", now=vm.spec.preference,
                before=before.preference if before is not None else None),
    )  # fmt: skip
    for find in (_changed, _written):
        for member in members:
            if causes := list(find(member)):
                return causes
    return []


def _changed(member: _Member) -> Iterator[Cause]:
    """A machine that moves to another offer must not keep the copy of the former one."""
    now, before = member.now, member.before
    if now is None or before is None or not before.revision_name:
        return
    if now.name != before.name and now.revision_name == before.revision_name:
        yield invalid(
            f"spec.{member.name}.revisionName",
            "the Matcher Name has been updated without updating the RevisionName",
        )


def _written(member: _Member) -> Iterator[Cause]:
    matcher, at = member.now, f"spec.{member.name}"
    if matcher is None:
        return
    if not matcher.name and not matcher.infer_from_volume:
        yield not_found(at, f"Either Name or InferFromVolume should be provided within the {member.kind}")
    if matcher.infer_from_volume and matcher.name:
        yield not_found(f"{at}.name", "Name already set, should be cleared before setting inferFromVolume")
    if matcher.infer_from_volume and matcher.kind:
        yield not_found(f"{at}.kind", "Kind already set, should be cleared before setting inferFromVolume")
    policy = matcher.infer_from_volume_failure_policy
    if policy is not None and policy not in (REJECT, IGNORE):
        yield invalid(
            f"{at}.inferFromVolumeFailurePolicy", f"Invalid value '{policy}' for InferFromVolumeFailurePolicy"
        )
