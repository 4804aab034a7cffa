"""`virt-launcher`: one guest, from its pod's start to its end."""

from kubevirt.virt_launcher import lean  # noqa: F401, I001

import contextlib
import fcntl
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine import paths
from kubevirt.virt_launcher import early
from kubevirt.virt_launcher.options import Options, parse


def main() -> None:
    try:
        options = parse(sys.argv[1:])
    except Problem as problem:
        sys.stderr.write(f"virt-launcher: {problem}\n")
        sys.exit(2)
    logs.setup("virt-launcher", options.log_level)
    started = early.start()
    with alive(Path(paths.ALIVE_LOCK)):
        import asyncio  # as everything that only this process needs: after the workshop has gone its own way

        code = asyncio.run(_run(options, started))
        if code and options.keep_after_failure:
            _stay()
        logs.get("launcher").info("leaving", exit_code=code)
        sys.stderr.flush()
        os._exit(code)  # threads of libvirt may hang in calls that nobody waits for any more


@contextlib.contextmanager
def alive(path: Path) -> Iterator[None]:
    """Keep the file locked: the pod's other containers end when they get the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stay() -> None:
    """Until the pod is told to end. Everything of the guest has ended; what it left is still there."""
    endings = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)  # process 1 has no default action for them
    logs.get("launcher").warning("the launcher has failed and stays to be looked at, as its annotation asks")
    sys.stderr.flush()
    signal.sigwait(endings)


async def _run(options: Options, started: early.Started) -> int:
    from kubevirt.virt_launcher.launcher import Launcher

    launcher = Launcher(options, started)
    gc.freeze()
    gc.enable()
    return await launcher.run()


if __name__ == "__main__":
    main()
