"""Doing something inside a pod's network namespace.

The namespace is entered by a thread of its own that ends with the work: the rest of the program stays where it is, and
no thread of a pool can be left in a foreign namespace. (Forking a helper instead would copy a process that has gRPC
threads, which gRPC forbids.) Reaching it through a process is safe only as long as that process lives, so the namespace
file is opened once, checked, and then used by its file descriptor.
"""

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from kubevirt.kit.errors import Problem

_T = TypeVar("_T")
_CLONE_NEWNET = 0x40000000
_NODE_NAMESPACE = Path("/proc/1/ns/net")


class PodNamespace(AbstractContextManager["PodNamespace"]):
    """An open network namespace of a pod, found through one of the pod's processes.

    Raises Problem when the process is gone, or is not in a namespace of its own: wiring networks in the namespace of
    the node or of virt-handler would break the node.
    """

    def __init__(self, pid: int, *, never: tuple[Path, ...] = (_NODE_NAMESPACE, Path("/proc/self/ns/net"))) -> None:
        try:
            self._fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as e:
            raise Problem(
                cause=f"the network namespace of process {pid} cannot be opened: {e.strerror}",
                remedy="the launcher has probably just ended; its pod's status tells why",
            ) from e
        here = os.fstat(self._fd)
        if any(_is_same(path, here) for path in never):
            os.close(self._fd)
            raise Problem(
                cause=f"process {pid} shares the network namespace of the node",
                remedy="launcher pods must not use hostNetwork",
            )

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run blocking `work` in a thread inside the namespace and return or raise what it does."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()

        def settle(result: Callable[[], None]) -> None:
            if not done.done():  # the caller may have been cancelled meanwhile
                result()

        def inside() -> None:
            try:
                _enter(self._fd)
                answer = work()
            except BaseException as e:  # noqa: BLE001 - carried over to the caller, whatever it is
                error = e
                loop.call_soon_threadsafe(settle, lambda: done.set_exception(error))
            else:
                loop.call_soon_threadsafe(settle, lambda: done.set_result(answer))

        thread = threading.Thread(target=inside, name="pod-network", daemon=True)
        thread.start()
        try:
            return await done
        finally:
            await asyncio.to_thread(thread.join)


def _is_same(path: Path, namespace: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), namespace)
    except PermissionError:  # an init process with more capabilities than this one is not to be looked at
        return False


def _enter(fd: int) -> None:
    """setns(2) for the calling thread; Python has it only from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
