"""Memory that a guest with host devices holds fast: devices reach into it, so the kernel must not move it.

How much a process may hold fast is a limit that only the node agent can raise. It has to be raised before libvirt
starts QEMU, which has its limits from libvirtd; the launcher's other processes get the same.
"""

import os
import resource
from collections.abc import Callable
from pathlib import Path

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit import logs
from kubevirt.machine.domain import models
from kubevirt.machine.overhead import overhead, passes_devices_on

log = logs.get("pinning")

Limit = Callable[[int, int], None]


def _raise_limit(pid: int, limit_bytes: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_MEMLOCK, (limit_bytes, limit_bytes))


def allow_pinning(vmi: VirtualMachineInstance, launcher_pid: int, *, proc: Path = Path("/proc"),
                  limit: Limit = _raise_limit) -> None:
    """Let the launcher and its children hold fast all that the guest may need; of other guests nothing is done."""
    if not passes_devices_on(vmi):
        return
    limit_bytes = models.guest_memory(vmi.spec.domain).bytes + overhead(vmi).peak_bytes
    for pid in processes(launcher_pid, proc):
        try:
            limit(pid, limit_bytes)
        except OSError as e:
            log.warning("a limit could not be raised; devices of the host may fail", pid=pid,
                        cause=os.strerror(e.errno or 0))


def processes(pid: int, proc: Path) -> list[int]:
    """A process and all that came from it."""
    found = [pid]
    for task in sorted((proc / str(pid) / "task").glob("*/children")):
        try:
            children = task.read_text().split()
        except OSError:
            continue  # it has just ended
        for child in children:
            found += processes(int(child), proc)
    return found
