"""How fast the code itself is: reading objects, and importing the programs. Needs no cluster.

Processor time, not the clock, and the best of some rounds: what is asked is what the code costs, not how busy the
machine is. Modules are read from byte-code, as they are in the image, whatever this shell's settings are.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import msgspec

from benchmarks.page import MIB, line
from kubevirt.api import codec
from kubevirt.api.vm import VirtualMachine
from tests.e2e.manifests import vm

ROUNDS = 5
PROGRAMS = ("virt_launcher", "virt_controller", "virt_api", "virt_handler", "virt_operator", "virtctl")
_RESIDENT = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))"


def measure() -> None:
    """All of it."""
    decoding()
    with tempfile.TemporaryDirectory(prefix="byte-code-") as cache:
        bare_s, bare_bytes = importing("", cache)
        for module, promise in [("kubevirt.api.vm", "promise: + 0.060 s")] + [
            (f"kubevirt.{program}.__main__", "") for program in PROGRAMS
        ]:
            seconds, resident = importing(f"import {module}", cache)
            line(f"importing {module}, beside a bare interpreter", f"+ {seconds - bare_s:.3f} s", promise)
            line("  memory", f"+ {(resident - bare_bytes) / MIB:.1f} MiB")


def decoding(count: int = 10_000) -> None:
    """Decode many machines of an ordinary size, with the collector at rest as in a controller that lists."""
    manifest = vm("decoded")
    manifest["metadata"]["annotations"] = {f"example.org/note-{i}": "a remark of some length" for i in range(52)}
    data = msgspec.json.encode(manifest)
    codec.decode(VirtualMachine, data)
    gc.collect()
    gc.freeze()

    def all_of_them() -> None:
        for _ in range(count):
            codec.decode(VirtualMachine, data)

    seconds = min(_took(all_of_them) for _ in range(ROUNDS))
    line(f"decoding {count} VMs of {len(data)} bytes", f"{seconds:.3f} s", "promise: 0.2 s")


def importing(statement: str, cache: str) -> tuple[float, int]:
    """Processor seconds and resident bytes of an interpreter that runs the statement and ends."""
    settings = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def run() -> int:
        found = subprocess.run(
            [sys.executable, "-c", f"{statement}\n{_RESIDENT}"],
            check=True, capture_output=True, env={**settings, "PYTHONPYCACHEPREFIX": cache},
        )
        return int(found.stdout) * 1024

    run()  # makes the byte-code
    resident = run()
    return min(_took(run, resource.RUSAGE_CHILDREN) for _ in range(ROUNDS)), resident


def _took(work: Callable[[], object], who: int = resource.RUSAGE_SELF) -> float:
    """Processor seconds of this process, or of the children that it has waited for."""
    if who == resource.RUSAGE_SELF:
        begun = time.process_time()
        work()
        return time.process_time() - begun
    before = resource.getrusage(who)
    work()
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
