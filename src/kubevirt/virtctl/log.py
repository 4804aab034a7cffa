"""Log lines of commands that run for a while: JSON on standard error, with the keys that scripts know.

Not `kit.logs`: a command line has no component or level to choose, and standard output belongs to the result.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import msgspec

from kubevirt.kit.times import format_micro_time


def line(message: str, *, level: str = "info") -> None:
    """Say what is going on."""
    document = {
        "component": "virtctl",
        "level": level,
        "msg": message,
        "pos": "virtctl",
        "timestamp": format_micro_time(datetime.now(UTC)),
    }
    sys.stderr.write(msgspec.json.encode(document).decode() + "\n")
