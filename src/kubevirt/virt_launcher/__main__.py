"""`virt-launcher`: one guest, from its pod's start to its end."""

from kubevirt.virt_launcher import lean  # noqa: F401, I001

import asyncio
import fcntl
import gc
import os
import sys
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine import paths
from kubevirt.virt_launcher.options import Options, parse


def main() -> None:
    try:
        options = parse(sys.argv[1:])
    except Problem as problem:
        sys.stderr.write(f"virt-launcher: {problem}\n")
        sys.exit(2)
    logs.setup("virt-launcher", options.log_level)
    lock = hold_alive_lock(Path(paths.ALIVE_LOCK))
    code = asyncio.run(_run(options))
    logs.get("launcher").info("leaving", exit_code=code)
    sys.stderr.flush()
    # Threads of libvirt may hang in calls that nobody waits for any more. The lock is freed by the kernel.
    os._exit(code if lock >= 0 else 1)


def hold_alive_lock(path: Path) -> int:
    """Lock the file for as long as this process lives: the pod's other containers end when they get the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _run(options: Options) -> int:
    from kubevirt.virt_launcher.launcher import Launcher  # loads libvirt: after the lock

    launcher = Launcher(options)
    gc.collect()
    gc.freeze()
    return await launcher.run()


if __name__ == "__main__":
    main()
