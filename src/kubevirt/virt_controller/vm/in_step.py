"""Which annotations and labels a VMI keeps in step with its VM's template while it runs.

Some always, further ones as virt-controller is told by its flags. They are for programs beside KubeVirt, such as the
descheduler, that look at running instances only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubevirt.kit.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """Keys that VMIs keep in step with their VM's template: exact ones, and `prefix*`."""

    annotations: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def patterns_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Keys and `prefix*`, as they are given on the command line, with commas between them. Raises Refused."""
    found = tuple(part.strip() for text in texts for part in text.split(",") if part.strip())
    if "*" in found:
        raise Refused(cause="'*' alone would keep every key in step",
                      remedy="name the keys, or a prefix such as team/*")
    return found


def in_step(has: dict[str, str], wanted: Mapping[str, str], patterns: Iterable[str]) -> dict[str, str]:
    """`has` with all keys that fit one of the patterns as `wanted` has them."""
    patterns = tuple(patterns)
    kept = {k: v for k, v in has.items() if k in wanted or not fits(k, patterns)}
    return kept | {k: v for k, v in wanted.items() if fits(k, patterns)}


def fits(key: str, patterns: Iterable[str]) -> bool:
    """The key is one of these, or begins with a `prefix*` among them."""
    return any(key.startswith(p[:-1]) if p.endswith("*") else key == p for p in patterns)
