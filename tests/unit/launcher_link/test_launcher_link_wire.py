"""Messages of the link as lines: what is understood, what is ignored, what ends the link. Sockets are in `_link`."""

import asyncio

import pytest

from kubevirt.launcher_link.messages import Event, Failure, Hello, Message, Reply, Request
from kubevirt.launcher_link.streams import next_message
from kubevirt.launcher_link.wire import LinkGarbled, from_line, to_line


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"GET / HTTP/1.1\n", id="another protocol"),
        pytest.param(b'{"message": "request"}\n', id="a request without id and verb"),
        pytest.param(b'{"message": "request", "id": "1", "verb": "sync"}\n', id="a wrong type"),
        pytest.param(b'["message"]\n', id="not an object"),
        pytest.param(b'{"id": 1}\n', id="no kind"),
    ],
)
def test_what_is_not_this_protocol_is_refused(line: bytes) -> None:
    with pytest.raises(LinkGarbled):
        from_line(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b'{"message": "telemetry", "id": 1}\n', None, id="a kind that only newer software knows"),
        pytest.param(
            b'{"message": "hello", "versions": [1, 2], "verbs": [], "mood": "fine"}\n',
            Hello(versions=[1, 2]),
            id="a member that only newer software knows",
        ),
    ],
)
def test_newer_software_is_understood_as_far_as_it_goes(line: bytes, expected: Message | None) -> None:
    assert from_line(line) == expected


@pytest.mark.parametrize(
    "message",
    [
        Hello(versions=[1], verbs=["sync"], software="virt-launcher/1.9.0"),
        Request(id=7, verb="sync"),
        Reply(id=7, error=Failure(cause="no", field="spec", remedy="yes")),
        Event(kind="domain"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_is_one_line_and_comes_back(message: Message) -> None:
    line = to_line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == message


async def test_half_a_line_at_the_end_is_nothing() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(to_line(Event(kind="domain")) + b'{"message": "ev')
    reader.feed_eof()
    assert await next_message(reader) == Event(kind="domain")
    assert await next_message(reader) is None


async def test_a_line_without_end_is_refused() -> None:
    reader = asyncio.StreamReader(limit=100)
    reader.feed_data(b"x" * 1000)
    with pytest.raises(LinkGarbled):
        await next_message(reader)
