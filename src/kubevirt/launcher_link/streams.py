"""Messages out of an asyncio stream."""

import asyncio

from kubevirt.launcher_link.messages import MAX_LINE_BYTES, Message
from kubevirt.launcher_link.wire import LinkGarbled, from_line


async def next_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message of a known kind; None when the other side has closed. Raises LinkGarbled."""
    while True:
        try:
            line = await reader.readline()
        except ValueError as error:
            raise LinkGarbled(cause=f"a line is longer than {MAX_LINE_BYTES} bytes") from error
        except (ConnectionResetError, BrokenPipeError):
            return None
        if not line.endswith(b"\n"):
            return None
        message = from_line(line)
        if message is not None:
            return message
