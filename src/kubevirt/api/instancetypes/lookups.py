"""Asking for objects of the cluster without knowing where they come from.

A rule that needs objects is a generator: it yields a `Lookup` and is sent the object, or None where there is none. The
webhooks answer from the API server, the controller from its caches, `virtctl render` from files.

    def rule(vm: VirtualMachine) -> Asking[str]:
        claim = yield Lookup(PVCS, "data", vm.metadata.namespace)
"""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import msgspec

from kubevirt.api.resource import Resource
from kubevirt.kit.errors import Refused

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Answer: TypeAlias = msgspec.Struct | None


@dataclass(frozen=True)
class Lookup:
    """One object. The namespace is empty for those of the whole cluster."""

    resource: Resource[msgspec.Struct]
    name: str
    namespace: str = ""


Asking: TypeAlias = Generator[Lookup, Answer, T]
Look: TypeAlias = Callable[[Lookup], Answer]
LookLater: TypeAlias = Callable[[Lookup], Awaitable[Answer]]


class Missing(Refused):
    """An object that is needed is not there."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__(
            cause=f'{lookup.resource} "{lookup.name}" not found',
            remedy=f"create the {lookup.resource.kind}, or name another one",
        )


def look_up(resource: Resource[S], name: str, namespace: str = "") -> Asking[S]:
    """The object. Raises Missing."""
    lookup = Lookup(resource, name, namespace if resource.namespaced else "")
    found = yield lookup
    if not isinstance(found, resource.type_):
        raise Missing(lookup)
    return found


def answered(asking: Asking[T], look: Look) -> T:
    """What a rule comes to, its questions answered by `look`."""
    try:
        question = next(asking)
        while True:
            question = asking.send(look(question))
    except StopIteration as e:
        outcome: T = e.value
        return outcome


async def answered_by(asking: Asking[T], look: LookLater) -> T:
    """The same, with answers that take a while."""
    try:
        question = next(asking)
        while True:
            question = asking.send(await look(question))
    except StopIteration as e:
        outcome: T = e.value
        return outcome


def nothing(_: Lookup) -> Answer:
    """The answers of an empty cluster."""
    return None
