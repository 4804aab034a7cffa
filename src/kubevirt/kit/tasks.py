"""Background tasks with an owner, a name and a defined end.

    async with Tasks() as tasks:
        tasks.spawn(informer.run(), name="pod informer")
        ...

Nothing here is fire-and-forget: a task that ends in an exception is logged and told to `on_failure` at once, and
whatever still runs when the block is left is cancelled and awaited. Unlike asyncio.TaskGroup the block is not torn down
by a failing task: whether the program can go on is for its owner to decide. This is the one module that catches every
exception.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar

from kubevirt.kit import logs

log = logs.get("tasks")

T = TypeVar("T")
OnFailure = Callable[[str, BaseException], None]


class Tasks:
    """Owns background tasks; see the module's text. `on_failure(name, error)` is called on the event loop."""

    def __init__(self, on_failure: OnFailure | None = None) -> None:
        self._on_failure = on_failure
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running)

    def spawn(self, work: Coroutine[object, object, object], *, name: str) -> asyncio.Task[None]:
        """Run `work` in the background until it ends or the owner leaves its block."""
        if self._closed:
            work.close()
            raise RuntimeError(f"the task {name!r} was started after its owner had ended")
        task = asyncio.create_task(self._guard(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # A task that is cancelled before its first step never awaits its work; closing finished work changes nothing.
        task.add_done_callback(lambda _: work.close())
        return task

    def __len__(self) -> int:
        return len(self._running)

    async def _guard(self, work: Coroutine[object, object, object], name: str) -> None:
        try:
            await work
        except Exception as e:  # noqa: BLE001 - the guard that the rest of the code relies on
            log.error("a background task ended in an error", e, task=name)
            if self._on_failure is not None:
                self._on_failure(name, e)


async def attempt(work: Awaitable[T]) -> T | Exception:
    """The outcome of `work`: its result, or the exception it raised. Cancellation passes through.

    For runners of many independent pieces of work, where a mistake in one must not end the others.
    """
    try:
        return await work
    except Exception as e:  # noqa: BLE001 - see the module's text
        return e


async def until_first_ends(*works: Coroutine[object, object, None]) -> None:
    """Run all until one has ended, then end the others: the two directions of a stream.

    A connection that breaks is an ordinary end; what else goes wrong in one of them is raised.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError):
            raise result
