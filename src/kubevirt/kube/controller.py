"""Workers that turn keys of a queue into calls of a reconcile function, and failures into retries.

The reconcile function gets a key (`namespace/name`) and returns nothing, or the seconds after which it wants to look
again by itself. A conflict means that it decided on something outdated: it is simply run again. Any other failure is
logged once and retried with growing delays; it never ends the worker, as one object must not stop the others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.errors import Conflict
from kubevirt.kube.queue import WorkQueue

Reconcile = Callable[[str], Awaitable[float | None]]

log = logs.get("controller")

SLOW_S = 5.0


def run_workers(queue: WorkQueue, reconcile: Reconcile, workers: int, tasks: Tasks, *, name: str = "worker") -> None:
    """Starts `workers` tasks that end with `tasks`."""
    for number in range(workers):
        tasks.spawn(_work(queue, reconcile, name), name=f"{name} {number + 1}")


async def _work(queue: WorkQueue, reconcile: Reconcile, name: str) -> None:
    while True:
        key = await queue.get()
        try:
            await work_once(queue, reconcile, key, name=name)
        finally:
            queue.done(key)


async def work_once(queue: WorkQueue, reconcile: Reconcile, key: str, *, name: str = "worker") -> None:
    """One reconcile of `key` and what follows from its outcome for the queue."""
    started = time.monotonic()
    (outcome,) = await asyncio.gather(reconcile(key), return_exceptions=True)
    took_s = time.monotonic() - started
    if took_s > SLOW_S:
        log.warning("a reconcile took long", worker=name, key=key, seconds=round(took_s, 1))
    match outcome:
        case Conflict():
            queue.retry(key)
        case Problem():
            wait_s = queue.retry(key)
            log.warning("a reconcile failed and will be tried again", worker=name, key=key, cause=str(outcome),
                        again_in_s=round(wait_s, 2), failures=queue.failures(key))
        case BaseException():
            wait_s = queue.retry(key)
            log.error("a reconcile hit a defect and will be tried again", outcome, worker=name, key=key,
                      again_in_s=round(wait_s, 2))
        case _:
            queue.forget(key)
            if outcome is not None:
                queue.add_after(key, outcome)
