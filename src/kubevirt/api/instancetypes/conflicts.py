"""Where a machine says itself what its instance type says: the paths, and the words for them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from kubevirt.kit.errors import Refused


@dataclass(frozen=True)
class Conflict:
    """A field of the machine that its instance type does not leave to it. `said` replaces the usual sentence."""

    path: str
    said: str = ""

    @property
    def message(self) -> str:
        """What is wrong with the field."""
        return self.said or sentence([self])


Conflicts: TypeAlias = Iterator[Conflict]


def paths(conflicts: Iterable[Conflict]) -> str:
    """All fields in one line."""
    return ", ".join(conflict.path for conflict in conflicts)


def sentence(conflicts: Iterable[Conflict]) -> str:
    """The sentence that clients look for, with all fields in it."""
    return f"VM field(s) {paths(conflicts)} conflicts with selected instance type"


class Conflicting(Refused):
    """A machine that cannot have the instance type it names."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        said = next((conflict.said for conflict in conflicts if conflict.said), "")
        super().__init__(
            cause=said or sentence(conflicts),
            field=conflicts[0].path,
            remedy="leave these fields out of the machine, or choose another instance type",
        )
        self.conflicts = conflicts
