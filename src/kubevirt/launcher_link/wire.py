"""Messages to lines and back, for both ends of the link, and for whoever talks over pipes in the same way."""

from typing import TypeVar

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import Event, Hello, Message, Reply, Request

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Hello | Request | Reply | Event)
_untyped = msgspec.json.Decoder()


class LinkError(Problem):
    """The other side refused, or could not do, what it was asked for."""


class LinkUnavailable(LinkError):
    """There is no link: no socket, nobody listening, the other side gone or silent."""


class LinkGarbled(LinkError):
    """What arrived is not this protocol."""

_Body = TypeVar("_Body", bound=msgspec.Struct)


def encode_body(body: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(body))


def decode_body(type_: type[_Body], body: msgspec.Raw | bytes) -> _Body:
    """A body without API objects in it. Raises LinkGarbled."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise LinkGarbled(cause=f"the body of a message has the wrong form: {error}") from error


def to_line(message: Message) -> bytes:
    return _encoder.encode(message) + b"\n"


def from_line(line: bytes) -> Message | None:
    """The message of a line; None for a kind of message that only newer software knows. Raises LinkGarbled."""
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError as error:
        if _is_of_unknown_kind(line):
            return None
        raise LinkGarbled(cause=f"a message has the wrong form: {error}") from error
    except msgspec.DecodeError as error:
        raise LinkGarbled(cause=f"a line is not JSON: {error}") from error


def _is_of_unknown_kind(line: bytes) -> bool:
    raw = _untyped.decode(line)
    if not isinstance(raw, dict):
        return False
    kind = raw.get("message")
    return isinstance(kind, str) and kind not in ("hello", "request", "reply", "event")
