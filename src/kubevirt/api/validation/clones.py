"""Rules for clones."""

from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.config import ClusterConfig
from kubevirt.api.references import TypedLocalObjectReference
from kubevirt.api.validation.addresses import mac_fault
from kubevirt.api.validation.causes import Cause, Causes, invalid
from kubevirt.api.validation.references import operations_in

SOURCE_KINDS = ("VirtualMachine", "VirtualMachineSnapshot")
FILTER_RULES = (
    "a filter is a key, or the beginning of keys followed by the wildcard character '*'; the negation character '!' "
    "in front excludes them"
)


def clone_obstacle(config: ClusterConfig) -> str:
    """Why there can be no clones, or an empty text."""
    return "" if config.has_gate("Snapshot") else "snapshot feature gate is not enabled"


def validate_clone(clone: VirtualMachineClone) -> list[Cause]:
    """What is wrong with a clone."""
    return list(_rules(clone))


def _rules(clone: VirtualMachineClone) -> Causes:
    spec = clone.spec
    yield from _filters("spec.annotationFilters", spec.annotation_filters)
    yield from _filters("spec.labelFilters", spec.label_filters)
    if spec.template is not None:
        yield from _filters("spec.template.annotationFilters", spec.template.annotation_filters)
        yield from _filters("spec.template.labelFilters", spec.template.label_filters)
    yield from _ends(spec.source, spec.target)
    for interface, address in sorted(spec.new_mac_addresses.items()):
        if mac_fault(address) is not None:
            yield invalid(
                "spec.newMacAddresses", f"interface {interface} has malformed MAC address ({address})."
            )
    for text, operation in operations_in(spec.patches):
        if operation is None:
            yield invalid("spec.patches", f"patch is not valid JSON ({text})")


def _ends(source: TypedLocalObjectReference, target: TypedLocalObjectReference | None) -> Causes:
    at = "spec.source"
    if source == TypedLocalObjectReference():
        yield invalid(at, "Source cannot be nil")
        return
    if not source.api_group:
        yield invalid(f"{at}.apiGroup", "Source's APIGroup cannot be empty")
    if not source.kind:
        yield invalid(f"{at}.kind", "Source's Kind cannot be empty")
    elif source.kind not in SOURCE_KINDS:
        yield invalid(f"{at}.kind", "Source kind is not supported")
    if not source.name:
        yield invalid(f"{at}.name", "Source's name cannot be empty")
    if target is None:
        return
    if target.kind != "VirtualMachine":
        yield invalid("spec.target.kind", "Target kind is not supported")
    elif source.kind == "VirtualMachine" and source.name and target.name == source.name:
        yield invalid(
            "spec.target.name", "Target name cannot be equal to source name when both are VirtualMachines"
        )


def _filters(field: str, filters: list[str]) -> Causes:
    for text in filters:
        if text == "!":
            yield invalid(field, "a negation character is not a valid filter")
            continue
        for character, rest, place in (("!", text[1:], "beginning"), ("*", text[:-1], "end")):
            if character in rest:
                yield invalid(
                    field,
                    f"{field} filter {text} is invalid: cannot contain a {character} character "
                    f"(it can stand only at the {place}); FilterRules: {FILTER_RULES}",
                )
