"""The pages of docs/api: one per kind, made from its types.

    python -m kubevirt.api.reference_docs docs/api

A table per type, in the order in which a reader meets them. Types that several kinds share have a page of their own,
`machine.md`, so that no text stands in two places. Nothing in the pages is written by hand; a test compares them.
"""

import sys
import types
import typing
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

from kubevirt.api.base import Required
from kubevirt.api.crd_table import DEFINITIONS
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.schema import field_description
from kubevirt.kit.quantity import Quantity

SHARED: Final = "machine.md"
_SCALARS: Final[dict[object, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    datetime: "time",
    Quantity: "quantity",
    Any: "anything",
}
_OF_EVERY_OBJECT: Final = {
    "api_version": "Group and version of the API that the object is written in.",
    "kind": "What the object is.",
    "metadata": "Name, namespace, labels, annotations, owners: as with every object of Kubernetes.",
}
_RULES: Final = {"minimum": "at least", "maximum": "at most", "maxItems": "at most (items)", "default": "default"}


def pages() -> dict[str, str]:
    """The text of each page, by its name."""
    reached = {d.type_.__name__: list(_reached(d.type_)) for d in DEFINITIONS}
    users: dict[type[msgspec.Struct], int] = {}
    for found in reached.values():
        for type_ in found:
            users[type_] = users.get(type_, 0) + 1
    shared = {type_ for type_, number in users.items() if number > 1}
    made = {"README.md": _index()}
    for definition in DEFINITIONS:
        own = [type_ for type_ in reached[definition.type_.__name__] if type_ not in shared]
        versions = ", ".join(f"`{definition.group}/{version.name}`" for version in definition.versions)
        facts = f"Served as {versions}. {'One for the whole cluster' if definition.cluster_scoped else 'Namespaced'}."
        names = ", ".join(f"`{name}`" for name in (definition.plural, *definition.short))
        kind = definition.type_.__name__
        head = [f"# {kind}", "", _text(definition.type_), "", facts, f"Names for kubectl: {names}."]
        made[f"{kind.lower()}.md"] = _page(head, own, shared)
    common = [type_ for type_ in users if type_ in shared]
    head = ["# Types that several kinds share", "", "What machines are made of, and what describes their state."]
    made[SHARED] = _page(head, common, set())
    return made


def _index() -> str:
    rows = [
        f"| [{d.type_.__name__}]({d.type_.__name__.lower()}.md) | `{d.group}` | {_cell(_text(d.type_))} |"
        for d in DEFINITIONS
    ]
    head = ["# The API", "", "Made from the types by `python -m kubevirt.api.reference_docs docs/api`.", ""]
    return "\n".join([*head, "| kind | group | |", "|---|---|---|", *rows, "", f"[Shared types]({SHARED})", ""])


def _page(head: Sequence[str], described: Sequence[type[msgspec.Struct]], shared: set[type[msgspec.Struct]]) -> str:
    lines = list(head)
    for number, type_ in enumerate(described):
        if number or not lines[0].endswith(type_.__name__):
            lines += ["", f"## {type_.__name__}", "", _text(type_)]
        rows = [_row(type_, field, shared) for field in msgspec.structs.fields(type_)]
        if rows:
            lines += ["", "| field | type | what it does |", "|---|---|---|", *sorted(rows)]
    return "\n".join(lines) + "\n"


def _row(type_: type[msgspec.Struct], field: msgspec.structs.FieldInfo, shared: set[type[msgspec.Struct]]) -> str:
    hint = typing.get_type_hints(type_, include_extras=True)[field.name]
    text = field_description(type_, field.name) or _OF_EVERY_OBJECT.get(field.name, "")
    if isinstance(field.default_factory, Required):
        text = f"Required. {text}"
    rules = "; ".join(_rules(hint))
    return f"| `{field.encode_name}` | {_type(hint, shared)} | {_cell(' '.join(filter(None, (text, rules))))} |"


def _type(hint: object, shared: set[type[msgspec.Struct]]) -> str:
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(arguments[0], shared)
    if origin in (Union, types.UnionType):
        members = [a for a in arguments if a is not type(None)]
        return _type(members[0], shared) if len(members) == 1 else "integer or string"
    if origin is list:
        return f"list of {_type(arguments[0], shared)}"
    if origin is dict:
        return f"map of {_type(arguments[1], shared)}"
    if hint is ObjectMeta:
        return "metadata"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        page = SHARED if hint in shared else ""
        return f"[{hint.__name__}]({page}#{hint.__name__.lower()})"
    return "anything"


def _rules(hint: object) -> Iterator[str]:
    """What the API server checks, from the marks of the type."""
    if get_origin(hint) is not Annotated:
        return
    for mark in get_args(hint)[1:]:
        marks = mark.extra_json_schema or {}
        if "enum" in marks:
            yield "One of: " + ", ".join(f"`{value}`" for value in marks["enum"])
        for key, words in _RULES.items():
            if key in marks:
                yield f"{words}: {marks[key]}"
        for rule in marks.get("x-kubernetes-validations", ()):
            yield f"Rule: {rule['message']}"


def _reached(type_: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The type and those of its members, each once, depth first."""
    seen: dict[type[msgspec.Struct], None] = {}

    def visit(hint: object) -> None:
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            if hint is not ObjectMeta and hint not in seen:
                seen[hint] = None
                for member in typing.get_type_hints(hint, include_extras=True).values():
                    visit(member)
            return
        for argument in get_args(hint):
            visit(argument)

    visit(type_)
    yield from seen


def _text(type_: type) -> str:
    return " ".join((type_.__doc__ or "").replace("``", "`").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
