"""The life of a program that works for a cluster: from its first connection to SIGTERM.

For the programs that are nothing but controllers. virt-api ends otherwise (it lets requests end first), and a launcher
knows no cluster.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.metrics.measures import Measures

Work = Callable[[Client, asyncio.Event, Measures], Awaitable[bool]]
"""What the program does until the event is set. Tells whether that was its end, and not a lost lease or the like."""


@contextmanager
def ending_in_words(program: str) -> Iterator[None]:
    """A Problem within ends the program with code 1 and one readable line."""
    try:
        yield
    except Problem as problem:
        logs.get(program).error(f"{program} cannot run", problem)
        sys.exit(1)


async def serve(program: str, kubeconfig: str, work: Work) -> bool:
    """Work until SIGTERM or SIGINT; False where it ended before. Raises Problem.

    An empty `kubeconfig` means the places where kubectl looks, a pod's service account among them.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    measures = Measures()
    access = load_access(ConfigFlags(kubeconfig=kubeconfig))
    async with Client(access, program=program, measure=measures.requests) as client:
        return await work(client, stop, measures)
