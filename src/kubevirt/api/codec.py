"""From bytes to API objects and back, the one way all programs do it.

Decoding ignores members that the types do not know, and takes null for "not given", as Go clients do. What cannot be
read is refused with the path of the field.
"""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar, cast

import msgspec

from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject, without_nulls
from kubevirt.kit.quantity import Quantity, parse

T = TypeVar("T")
_LARGE: Final = 256 * 1024
"""Bytes from which a document is worth pausing the garbage collector for."""


def decode(type_: type[T], data: bytes | str) -> T:
    """Read a JSON document as `type_`. Raises Refused."""
    try:
        if len(data) < _LARGE:
            return _decoder(type_).decode(data)
        with _uncollected():
            return _decoder(type_).decode(data)
    except msgspec.ValidationError:
        return convert(decode_json(data), type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise _unreadable(e) from e


def decode_json(data: bytes | str) -> Json:
    """Read a JSON document as plain data. Raises Refused."""
    try:
        document: Json = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise _unreadable(e) from e
    return document


def convert(value: object, type_: type[T]) -> T:
    """Plain data (JSON in Python's types) as `type_`; `value` is not changed. Raises Refused."""
    try:
        return msgspec.convert(without_nulls(cast(Json, value)), type_, dec_hook=_read, strict=True)
    except msgspec.ValidationError as e:
        raise _misfit(e) from e
    except RecursionError as e:
        raise _unreadable(e) from e


def encode(value: object) -> bytes:
    """An API object as a JSON document; members that have their default are left out."""
    return _ENCODER.encode(value)


def to_json(value: object) -> Json:
    """An API object, or part of one, as plain data."""
    data: Json = msgspec.to_builtins(value, enc_hook=_write)
    return data


def to_builtins(value: msgspec.Struct) -> JsonObject:
    """An API object as plain data."""
    data: JsonObject = msgspec.to_builtins(value, enc_hook=_write)
    return data


def clone(value: T) -> T:
    """A copy that shares nothing with the original that could be changed."""
    return _decoder(type(value)).decode(_ENCODER.encode(value))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Decoding a long list makes hundreds of thousands of objects and no garbage; collecting doubles its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(type_: type, value: object) -> object:
    """msgspec's hook for types of our own. A ValueError becomes its ValidationError, which knows the path."""
    if type_ is Quantity:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"expected a quantity, got `{type(value).__name__}`")
        try:
            return parse(str(value).strip())
        except Refused as e:
            raise ValueError(e.cause) from e
    raise NotImplementedError(f"{type_.__name__} is not a type of API objects")


def _write(value: object) -> object:
    if isinstance(value, Quantity):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not a type of API objects")


_ENCODER = msgspec.json.Encoder(enc_hook=_write)
_DECODERS: dict[type, msgspec.json.Decoder[object]] = {}


def _decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _DECODERS.get(type_)
    if decoder is None:
        decoder = _DECODERS[type_] = msgspec.json.Decoder(type_, dec_hook=_read)
    return decoder  # type: ignore[return-value]  # the table holds each decoder by its type


_PATH = re.compile(r"^(?P<cause>.*?)(?: - at `(?:key )?(?P<path>[^`]*)`)?$", re.DOTALL)


_QUOTED = re.compile(r"`([^`]*)`")
_KINDS = {"int": "integer", "str": "string", "bool": "boolean", "float": "number", "list": "array", "dict": "object"}


def _misfit(error: msgspec.ValidationError) -> Refused:
    """msgspec's ``Expected `int | null`, got `str` - at `$.spec.x``` as a field and a cause, in JSON's words."""
    match = _PATH.match(str(error))
    cause, path = (match["cause"], match["path"] or "") if match else (str(error), "")
    return Refused(
        cause=_QUOTED.sub(_in_words, cause[:1].lower() + cause[1:]),
        field=path.removeprefix("$").removeprefix("."),
        remedy="compare the manifest with what `kubectl explain` says",
    )


def _in_words(types: re.Match[str]) -> str:
    """The types that a misfit is about; null is never what somebody wanted to write."""
    named = [_KINDS.get(kind, kind) for kind in types[1].split(" | ")]
    return " or ".join(kind for kind in named if kind != "null") or "null"


def _unreadable(error: Exception) -> Refused:
    if isinstance(error, RecursionError):
        return Refused(cause="the document is nested too deeply", remedy="check what wrote it")
    return Refused(cause=f"not a JSON document: {error}", remedy="send JSON, encoded as UTF-8")
