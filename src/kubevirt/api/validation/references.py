"""Rules that snapshots, restores, exports, clones and backups share: references to other objects, JSON patches."""

from collections.abc import Iterator, Sequence

from kubevirt.api import codec, names
from kubevirt.api.references import TypedLocalObjectReference
from kubevirt.api.validation.causes import Cause, Causes, invalid, not_found
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject

IMMUTABLE = "spec in immutable after creation"


def check_machine(field: str, reference: TypedLocalObjectReference) -> Causes:
    """That a reference is to a VirtualMachine."""
    if reference.api_group is None:
        yield not_found(f"{field}.apiGroup", "missing apiGroup")
    elif reference.api_group != names.GROUP:
        yield invalid(f"{field}.apiGroup", "invalid apiGroup")
    elif reference.kind != "VirtualMachine":
        yield invalid(f"{field}.kind", "invalid kind")


def unchanged(old: object, new: object) -> list[Cause]:
    """That a spec stays as it was made."""
    return [] if old == new else [invalid("spec", IMMUTABLE)]


def is_same(one: TypedLocalObjectReference, other: TypedLocalObjectReference) -> bool:
    """Whether two references, of one namespace, mean one object."""
    return (one.api_group or "", one.kind, one.name) == (other.api_group or "", other.kind, other.name)


def operations_in(patches: Sequence[str]) -> Iterator[tuple[str, JsonObject | None]]:
    """Each JSON patch operation written as a text, and what it says; None where it is not one."""
    for text in patches:
        try:
            operation: Json = codec.decode_json(text)
        except Refused:
            operation = None
        yield text, operation if isinstance(operation, dict) else None
