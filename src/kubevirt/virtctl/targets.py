"""Which object a user means: `NAME`, `vm NAME`, `vm/NAME`, and with a namespace `vm/NAME/NAMESPACE`.

The established clients take a bare NAME for some commands and KIND NAME for others, and guides mix them; here every
command that acts on one machine takes all of these forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kubevirt.virtctl.errors import CommandError, count_error


class Kind(StrEnum):
    """The kinds that commands act on, valued with the plural that stands in request paths."""

    VM = "virtualmachines"
    VMI = "virtualmachineinstances"
    REPLICASET = "virtualmachineinstancereplicasets"

    @property
    def api_kind(self) -> str:
        """The kind's name in the API."""
        return {
            Kind.VM: "VirtualMachine",
            Kind.VMI: "VirtualMachineInstance",
            Kind.REPLICASET: "VirtualMachineInstanceReplicaSet",
        }[self]


KINDS: dict[str, Kind] = {
    **dict.fromkeys(("vm", "vms", "virtualmachine", "virtualmachines"), Kind.VM),
    **dict.fromkeys(("vmi", "vmis", "virtualmachineinstance", "virtualmachineinstances"), Kind.VMI),
    **dict.fromkeys(
        ("vmirs", "vmirss", "virtualmachineinstancereplicaset", "virtualmachineinstancereplicasets"), Kind.REPLICASET
    ),
}


@dataclass(frozen=True, kw_only=True)
class Target:
    """One object: `typed` is the kind as the user wrote it (lower case), for messages that repeat it."""

    kind: Kind
    name: str
    namespace: str | None = None
    typed: str = ""


def kind_of(word: str) -> Kind:
    """The kind behind a word such as `vm` or `VirtualMachines`."""
    found = KINDS.get(word.lower())
    if found is None:
        raise CommandError(f"unsupported resource type '{word}'")
    return found


def parse_target(words: tuple[str, ...], *, default: Kind) -> Target:
    """Read the positional arguments of a command that acts on one object."""
    match words:
        case (word,) if "/" in word:
            return parse_path(word)
        case (name,):
            return Target(kind=default, name=_named(name), typed="")
        case (kind, name):
            return Target(kind=kind_of(kind), name=_named(name), typed=kind.lower())
    raise count_error(len(words), 1, 1 if not words else 2)


def parse_path(word: str) -> Target:
    """Read `KIND/NAME` or `KIND/NAME/NAMESPACE`."""
    parts = word.split("/")
    match parts:
        case [kind, name]:
            return Target(kind=kind_of(kind), name=_named(name), typed=kind.lower())
        case [kind, name, namespace]:
            if not namespace:
                raise CommandError("namespace cannot be empty")
            return Target(kind=kind_of(kind), name=_named(name), namespace=namespace, typed=kind.lower())
        case [_]:
            raise CommandError("target must contain type and name separated by '/'")
    raise CommandError("target is not valid with more than two '/'")


def _named(name: str) -> str:
    if not name:
        raise CommandError("name cannot be empty")
    return name


def parse_stream_target(word: str) -> Target:
    """Read `KIND/NAME` or `KIND/NAME/NAMESPACE` of a machine or an instance, for ports and secure shells."""
    if not word:
        raise CommandError("target cannot be empty")
    target = parse_path(word)
    if target.kind is Kind.REPLICASET:
        raise CommandError(f"unsupported resource type '{word.split('/')[0]}'")
    return target


def parse_name(names: tuple[str, ...], kind: Kind) -> Target:
    """The one name of a command about one kind; `vmi/NAME`, and `vm/NAME` for the instance of a machine, do as well."""
    target = parse_target(names, default=kind)
    return Target(kind=kind, name=target.name, namespace=target.namespace)
