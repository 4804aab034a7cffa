"""The work queue's contract, and what workers make of the outcomes of a reconcile."""

import asyncio

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.backoff import Backoff
from kubevirt.kube.controller import run_workers, work_once
from kubevirt.kube.errors import Conflict
from kubevirt.kube.queue import WorkQueue


async def test_a_key_added_twice_is_worked_on_once() -> None:
    queue = WorkQueue()
    queue.add("a")
    queue.add("a")
    assert await queue.get() == "a"
    assert len(queue) == 0


async def test_a_key_added_during_its_work_comes_again_afterwards_and_not_before() -> None:
    queue = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_of_two_delays_the_shorter_counts() -> None:
    queue = WorkQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0.001)
    queue.add_after("a", 1800)
    async with asyncio.timeout(5):
        assert await queue.get() == "a"


async def test_no_delay_is_now() -> None:
    queue = WorkQueue()
    queue.add_after("a", 0)
    assert len(queue) == 1


async def test_delays_of_failures_grow_and_are_forgotten() -> None:
    queue = WorkQueue(retry_start_s=10, retry_limit_s=1000)
    first, second, third = (queue.retry("a") for _ in range(3))
    assert 10 <= first <= 15
    assert 20 <= second <= 30
    assert 40 <= third <= 60
    assert queue.failures("a") == 3
    queue.forget("a")
    assert queue.failures("a") == 0
    assert queue.retry("a") <= 15


async def test_a_cancelled_worker_takes_no_key_with_it() -> None:
    queue = WorkQueue()
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    async with asyncio.timeout(5):
        assert await second == "a"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_never_two_workers_on_one_key() -> None:
    queue = WorkQueue()
    working: set[str] = set()
    seen: list[str] = []
    enough = asyncio.Event()

    async def reconcile(key: str) -> float | None:
        assert key not in working
        working.add(key)
        for _ in range(3):
            await asyncio.sleep(0)
            if not enough.is_set():
                queue.add(key)
        working.discard(key)
        seen.append(key)
        if len(seen) >= 100:
            enough.set()
        return None

    async with asyncio.timeout(10), Tasks() as tasks:
        run_workers(queue, reconcile, 4, tasks)
        for key in ("a", "b", "c"):
            queue.add(key)
        await enough.wait()
    assert set(seen) == {"a", "b", "c"}


@pytest.mark.parametrize(("outcome", "failures"), [
    pytest.param(None, 0, id="success clears the failures"),
    pytest.param(3600.0, 0, id="a wish to look again is no failure"),
    pytest.param(Conflict(status=409, reason="Conflict", message="changed"), 3, id="a conflict is tried again"),
    pytest.param(Problem(cause="no space"), 3, id="a problem is tried again"),
    pytest.param(ZeroDivisionError("defect"), 3, id="a defect is tried again and ends nothing"),
])
async def test_outcomes(outcome: float | Exception | None, failures: int) -> None:
    queue = WorkQueue(retry_start_s=3600, retry_limit_s=7200)
    queue.retry("a")
    queue.retry("a")

    async def reconcile(_key: str) -> float | None:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    await work_once(queue, reconcile, "a")
    assert queue.failures("a") == failures


@pytest.mark.parametrize(("failures", "expected"), [(0, 0.5), (3, 4.0), (10, 30.0), (5000, 30.0)])
def test_backoff_is_bounded(failures: int, expected: float) -> None:
    backoff = Backoff(start_s=0.5, limit_s=30.0, jitter=0.5, chance=lambda: 0.0, failures=failures)
    assert backoff.next() == expected
