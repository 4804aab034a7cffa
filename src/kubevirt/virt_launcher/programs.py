"""Starting a program without a fork of Python, before or after there is an event loop."""

import os
import signal
from collections.abc import Mapping, Sequence


def start(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """A program in a process group of its own, with the signals as they usually are. Its pid; raises OSError."""
    return os.posix_spawnp(
        argv[0],
        list(argv),
        dict(env),
        setsigdef=[signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD],
        setpgroup=0,
    )
