"""`make bench`: every promise that this machine can measure, from one run, on one page.

    python -m benchmarks [--runs 10] [--crowd 20] [--only code,start,writes,memory,crowd]
    python -m benchmarks --only pending,scale [--instances 10000] [--nodes 200] [--rate 20]

The second takes long, and a machine of its own.

Ratios and differences within the run are what counts; seconds depend on the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections import defaultdict
from pathlib import Path

import click

from benchmarks import admission, code, memory, scale, start_time
from benchmarks.page import MIB, line
from kubevirt.api.resources import NAMESPACES, PODS, VMIS, VMS
from kubevirt.kit import logs
from kubevirt.kube.client import Client
from kubevirt.kube.config import load_access
from kubevirt.kube.errors import AlreadyExists
from tests.e2e import machine
from tests.e2e.audit import AuditLog, table, until_running
from tests.e2e.harness import BIN, run
from tests.e2e.manifests import vm

GUEST_BYTES = 96 * MIB
CROWD_GUEST_BYTES = 64 * MIB
PARTS = ("code", "start", "writes", "memory", "crowd")


@click.command()
@click.option("--runs", default=10, help="How many pods and instances to start one after the other")
@click.option("--crowd", default=20, help="How many machines to create at once")
@click.option("--only", default=",".join(PARTS), help="Which parts to run; there are also: pending, scale")
@click.option("--instances", default=10_000, help="Part scale: how many simulated machines")
@click.option("--nodes", default=200, help="Part scale: how many simulated nodes")
@click.option("--rate", default=20.0, help="Part scale: machines created in a second")
def main(runs: int, crowd: int, only: str, instances: int, nodes: int, rate: float) -> None:
    """Measure and print."""
    parts = only.split(",")
    if "code" in parts:
        code.measure()
        admission.measure()
    if {"start", "writes", "memory", "crowd"} & set(parts):
        asyncio.run(measure(runs, crowd, parts))
    if {"pending", "scale"} & set(parts):
        asyncio.run(simulated(parts, instances, nodes, rate))


async def simulated(only: list[str], instances: int, nodes: int, rate: float) -> None:
    """The parts about the control plane under many machines."""
    logs.setup("benchmarks", "warning")
    async with Client(load_access(), program="benchmarks") as client:
        if "pending" in only:
            await scale.pending(client, 1000)
        if "scale" in only:
            await scale.scale(client, instances=instances, node_count=nodes, rate=rate)


async def measure(runs: int, crowd: int, only: list[str]) -> None:
    """The parts about real machines in turn; each prints its lines as soon as it has them."""
    async with Client(load_access(), program="benchmarks") as client:
        with contextlib.suppress(AlreadyExists):
            await client.create(NAMESPACES, {"metadata": {"name": start_time.NAMESPACE}})
        try:
            if "start" in only:
                await starts(client, runs)
            if {"writes", "memory"} & set(only):
                await one_machine(client)
            if "crowd" in only:
                await crowd_of(client, crowd)
        finally:
            await client.delete(NAMESPACES, start_time.NAMESPACE)


async def starts(client: Client, runs: int) -> None:
    """Instance against pod."""
    await start_time.compare(client, 1)  # images onto the nodes, caches warm
    found = await start_time.compare(client, runs)
    line("pod, created -> Ready, median", f"{statistics.median(found.pod_s):.2f} s")
    line("instance without disks, created -> Running, median", f"{statistics.median(found.vmi_s):.2f} s")
    line("  the instance over the pod", f"+ {found.difference_s:.2f} s", "promise: + 1.0 s")


async def one_machine(client: Client) -> None:
    """Writes and memory of one machine alone."""
    audit = AuditLog(Path(run(str(BIN / "localkube"), "audit-log").ok().out.strip()))
    manifest = vm("alone")
    manifest["metadata"]["namespace"] = start_time.NAMESPACE
    await start_time.one(client, VMS, manifest, start_time.vm_is_running, keep=True)
    writes = until_running(audit.writes())
    for program, verb, resource, count in table(writes):
        line(f"  {program} {verb} {resource}", str(count))
    line("API writes from VM created to Running, events apart", str(len(writes)), "promise: 8")
    await asyncio.sleep(20)  # the guest boots; its launcher comes to rest
    await memory_of(client, "alone", "memory beside the guest's, one booted machine alone")
    await start_time.remove(client, VMS, "alone")
    bare = start_time.diskless("bare")
    bare["spec"]["domain"]["memory"]["guest"] = f"{GUEST_BYTES // MIB}Mi"
    await start_time.one(client, VMIS, bare, start_time.is_running, keep=True)
    await asyncio.sleep(10)  # its launcher comes to rest
    await memory_of(client, "bare", "memory beside the guest's, one instance without disks alone", "promise: 100 MB")
    await start_time.remove(client, VMIS, "bare")
    control_plane = 0
    for program in ("virt-api", "virt-controller", "virt-handler", "virt-operator"):
        found = [p for p in machine.processes(f"/usr/bin/{program}") if f"/usr/bin/{program}" in p.command]
        for process in found[:1]:
            pss = memory.measure(process.pid).pss
            control_plane += pss
            line(f"  {program}, PSS", f"{pss / MIB:.1f} MiB")
    line("controllers, virt-api and one node agent together, PSS", f"{control_plane / MIB:.1f} MiB", "promise: 256 MiB")


async def memory_of(client: Client, name: str, what: str, promise: str = "") -> None:
    """Every process of a machine's launcher pod."""
    total = 0
    for process, guest in await launcher_processes(client, name, GUEST_BYTES):
        total += process.pss - guest
        note = ""
        if guest:
            code_mib = memory.translated_code(process.pid) / MIB
            note = f"{guest / MIB:.1f} MiB of them the guest's, {code_mib:.1f} MiB translated code"
        line(f"  {process.name} ({process.cpu_s:.2f} CPU-s): PSS", f"{process.pss / MIB:.1f} MiB", note)
    line(what, f"{total / 1e6:.1f} MB", promise)


async def launcher_processes(
    client: Client, name: str, guest_bytes: int
) -> list[tuple[memory.ProcessMemory, int]]:
    """The processes of a machine's launcher pod, each with the bytes of it that are the guest's own."""
    instance = await client.get(VMIS, name, start_time.NAMESPACE)
    pods = await client.list(PODS, start_time.NAMESPACE, labels=f"kubevirt.io/created-by={instance.metadata.uid}")
    return [
        (process, memory.guest_memory(process.pid, guest_bytes) if process.name.startswith("qemu") else 0)
        for process in memory.of_pod(pods[0].metadata.uid)
    ]


async def crowd_of(client: Client, count: int) -> None:
    """Many machines at once: how soon they run, and what each then costs among the others of its node."""
    async with start_time.together(client, count) as started:
        times = sorted(started.values())
        title = f"{count} VMs created together, created -> Running"
        line(f"{title}, p50", f"{statistics.median(times):.1f} s", "promise: 9 s")
        line(f"{title}, slowest", f"{times[-1]:.1f} s")
        await asyncio.sleep(15)  # the launchers come to rest
        costs: list[int] = []
        by_program: defaultdict[str, list[int]] = defaultdict(list)
        for name in started:
            found = [(p.name, p.pss - guest) for p, guest in await launcher_processes(client, name, CROWD_GUEST_BYTES)]
            costs.append(sum(cost for _, cost in found))
            for program, cost in found:
                by_program[program].append(cost)
    for program, each in by_program.items():
        line(f"  {program}: PSS, median", f"{statistics.median(each) / MIB:.1f} MiB")
    line(f"memory beside the guest's, one of {count} without disks, median", f"{statistics.median(costs) / 1e6:.1f} MB",
         "promise: 60 MB with 20 others on its node")  # fmt: skip


if __name__ == "__main__":
    main()
