"""Manifests from files, with the line on which each of their fields stands: what is wrong should be found at once.

YAML as `kubectl` reads it: any number of documents a file, lists of objects opened, JSON as a part of YAML. Dates stay
the text they are, because JSON knows none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject

STANDARD_INPUT = "-"
MAX_DEPTH = 100
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


# Which of the two is the base, the build of PyYAML decides; mypy takes no class that is chosen so.
class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """The safe loader without dates."""

    yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class Unreadable(Refused):
    """A file, or an object in it, that cannot be made sense of. `where` is the file and the line."""

    def __init__(self, *, where: str, cause: str, field: str = "", remedy: str) -> None:
        super().__init__(cause=cause, field=field, remedy=remedy)
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {super().__str__()}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One object of a file."""

    file: str
    body: JsonObject
    node: yaml.Node

    @property
    def kind(self) -> str:
        return str(self.body.get("kind") or "")

    @property
    def group(self) -> str:
        return str(self.body.get("apiVersion") or "").rpartition("/")[0]

    def where(self, field: str = "") -> str:
        """File and line of a field such as `spec.domain.devices.disks[1].cache`, or of what of its path is there."""
        node = self.node
        for name, index in _STEP.findall(field):
            found = _member(node, name) if name else _item(node, int(index))
            if found is None:
                break
            node = found
        return f"{self.file}:{node.start_mark.line + 1}"


def _member(node: yaml.Node, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    # Paths name members as the API or as Go calls them, so `Name` is found at `name`.
    return next((value for key, value in node.value if str(key.value).lower() == name.lower()), None)


def _item(node: yaml.Node, index: int) -> yaml.Node | None:
    return node.value[index] if isinstance(node, yaml.SequenceNode) and index < len(node.value) else None


def read_manifests(files: Iterable[str]) -> list[Manifest]:
    """Every object of the files, in order; `-` is standard input. Raises Unreadable."""
    return [manifest for file in files for manifest in _read(file)]


def _read(file: str) -> Iterator[Manifest]:
    shown = "<stdin>" if file == STANDARD_INPUT else file
    loader = _Loader(_text(file, shown))
    try:
        while loader.check_node():
            node = loader.get_node()
            yield from _objects(shown, node, loader.construct_document(node))
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise Unreadable(
            where=f"{shown}:{mark.line + 1}" if mark else shown,
            cause=f"not YAML: {e.problem or e.context}",
            remedy="check the indentation and the quotes around this line",
        ) from e
    except (yaml.YAMLError, ValueError) as e:
        raise Unreadable(where=shown, cause=f"not YAML: {e}", remedy="check what wrote this file") from e
    finally:
        loader.dispose()


def _text(file: str, shown: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return data.decode()
    except OSError as e:
        raise Unreadable(
            where=shown, cause=(e.strerror or str(e)).lower(), remedy="name a file that exists and can be read"
        ) from e
    except UnicodeDecodeError as e:
        raise Unreadable(where=shown, cause="not text in UTF-8", remedy="name a file of YAML or JSON") from e


def _objects(file: str, node: yaml.Node, value: object) -> Iterator[Manifest]:
    if value is None:
        return  # an empty document, such as after a last `---`
    where = f"{file}:{node.start_mark.line + 1}"
    body = _json(value, where)
    if not isinstance(body, dict) or not body.get("kind") or not body.get("apiVersion"):
        raise Unreadable(
            where=where, cause="not an object of the API: apiVersion and kind are missing",
            remedy="begin the object with both, for example kubevirt.io/v1 and VirtualMachine",
        )
    items = body.get("items")
    if str(body["kind"]).endswith("List") and isinstance(items, list):
        listed = _member(node, "items")
        for i, item in enumerate(items):
            inner = _item(listed, i) if listed is not None else None
            yield from _objects(file, inner or node, item)
        return
    yield Manifest(file=file, body=body, node=node)


def _json(value: object, where: str, depth: int = 0) -> Json:
    """What YAML holds as JSON holds it: keys are text."""
    if depth > MAX_DEPTH:
        raise Unreadable(where=where, cause="the object is nested too deeply", remedy="check what wrote it")
    if isinstance(value, dict):
        return {_key(key): _json(member, where, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_json(item, where, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise Unreadable(
        where=where, cause=f"values of type {type(value).__name__} cannot stand in an object of the API",
        remedy="use text, numbers, lists and maps only",
    )


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)
