"""OpenAPI v3 schemas of API types, structural in the sense of CustomResourceDefinitions.

Everything comes from the types: annotations give the shape, `Annotated` marks the rest, and descriptions are the
docstrings: a class's own, and the string below a field. The latter exist only in the source text, so the source is
parsed; that costs nothing where no schema is made, which is everywhere but in the operator and the reference docs.
"""

import ast
import copy
import inspect
import sys
import types
import typing
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from kubevirt.api.base import Required
from kubevirt.api.meta import ObjectMeta
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.quantity import Quantity

QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
_INT_OR_STRING: JsonObject = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
_SCALARS: dict[object, JsonObject] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    Quantity: {**_INT_OR_STRING, "pattern": QUANTITY_PATTERN},
    Any: {"x-kubernetes-preserve-unknown-fields": True},
}


def schema_of(type_: type[msgspec.Struct], *, descriptions: bool = True) -> JsonObject:
    """The schema of objects of a type."""
    return _Writer(descriptions=descriptions).struct(type_)


class _Writer:
    def __init__(self, *, descriptions: bool) -> None:
        self._descriptions = descriptions

    def struct(self, type_: type[msgspec.Struct]) -> JsonObject:
        schema: JsonObject = {"type": "object"}
        if type_ is ObjectMeta:  # the API server has its own schema of metadata, and refuses even a description here
            return schema
        if self._descriptions and type_.__doc__:
            schema["description"] = _one_line(type_.__doc__)
        schema.update(getattr(type_, "schema_marks", {}))
        hints = typing.get_type_hints(type_, include_extras=True)
        properties: JsonObject = {}
        required: list[Json] = []
        for field in sorted(msgspec.structs.fields(type_), key=lambda f: f.encode_name):
            member = self._value(hints[field.name])
            text = field_description(type_, field.name)
            if self._descriptions and text:
                member["description"] = text
            properties[field.encode_name] = member
            if isinstance(field.default_factory, Required):
                required.append(field.encode_name)
        if properties:
            schema["properties"] = properties
        if required:
            schema["required"] = required
        return schema

    def _value(self, hint: object) -> JsonObject:
        if hint in _SCALARS:
            return copy.deepcopy(_SCALARS[hint])
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            schema = self._value(arguments[0])
            for mark in arguments[1:]:
                schema.update(mark.extra_json_schema or {})
            return schema
        if origin in (Union, types.UnionType):
            members = [a for a in arguments if a is not type(None)]
            return self._value(members[0]) if len(members) == 1 else copy.deepcopy(_INT_OR_STRING)
        if origin is list:
            return {"type": "array", "items": self._value(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self._value(arguments[1])}
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return self.struct(hint)
        raise TypeError(f"{hint!r} has no place in a CRD schema")


def field_description(type_: type, field: str) -> str:
    """What the string below a field says; empty where there is none. Base classes count."""
    for owner in type_.__mro__:
        if owner.__module__ in sys.modules and field in vars(owner).get("__annotations__", {}):
            return _attribute_texts(owner.__module__).get((owner.__qualname__, field), "")
    return ""


@cache
def _attribute_texts(module: str) -> dict[tuple[str, str], str]:
    """All attribute docstrings of a module, by class and attribute."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for statement, following in zip(node.body, node.body[1:], strict=False):
            match statement, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[node.name, name] = _one_line(text)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "").split())
