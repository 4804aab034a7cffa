"""Background tasks end with their owner, and their failures are told."""

import asyncio

import pytest

from kubevirt.kit.tasks import Tasks, attempt


async def test_a_failure_is_told_and_ends_nothing_else() -> None:
    told: list[tuple[str, str]] = []
    failed = asyncio.Event()

    def on_failure(name: str, error: BaseException) -> None:
        told.append((name, str(error)))
        failed.set()

    async def fail() -> None:
        raise ValueError("broken")

    async with Tasks(on_failure) as tasks:
        forever = tasks.spawn(asyncio.Event().wait(), name="forever")
        tasks.spawn(fail(), name="failing")
        await asyncio.wait_for(failed.wait(), 5)
        assert not forever.done()
    assert told == [("failing", "broken")]
    assert forever.cancelled()


async def test_leaving_the_block_ends_everything_even_what_never_began() -> None:
    async with Tasks() as tasks:
        task = tasks.spawn(asyncio.Event().wait(), name="never begun")
        assert len(tasks) == 1
    assert task.cancelled()
    assert len(tasks) == 0


async def test_nothing_is_started_after_the_end() -> None:
    async with Tasks() as tasks:
        pass
    with pytest.raises(RuntimeError, match="late"):
        tasks.spawn(asyncio.sleep(0), name="late")


async def test_attempt_returns_the_result_or_the_error() -> None:
    async def fail() -> int:
        raise LookupError("gone")

    async def succeed() -> int:
        return 3

    assert await attempt(succeed()) == 3
    assert isinstance(await attempt(fail()), LookupError)
