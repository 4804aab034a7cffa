"""`virtctl top`: what virtual machines use of processors, memory, disks and network, now or live.

Each figure is a difference of two readings of the sub-resource `usage`, so it needs no rights but those on the machines
themselves, and no metrics server. Figures, sums and units are `virtctl.usage`'s.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
import msgspec

from kubevirt.api.pods import Node
from kubevirt.api.resources import NODES, VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.cache import key_of
from kubevirt.kube.errors import ApiError, Forbidden
from kubevirt.machine.domain_stats import DomainStats
from kubevirt.virtctl import usage
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import SUBRESOURCES, Session, run, seconds
from kubevirt.virtctl.usage import Row

if TYPE_CHECKING:
    from rich.table import Table

AT_ONCE = 16
SHORT = {"vms": "vm", "virtualmachine": "vm", "virtualmachines": "vm", "vmis": "vmi", "virtualmachineinstance": "vmi",
         "virtualmachineinstances": "vmi", "nodes": "node", "no": "node"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which machines are shown, and how."""

    kind: str
    names: frozenset[str]
    everywhere: bool
    selector: str
    order: str


@command("top", help="Show what virtual machines use of processors, memory, disks and network.")
@click.argument("kind", metavar="[vm | vmi | node]", default="vm")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("-A", "--all-namespaces", is_flag=True, help="Machines of all namespaces.")
@click.option("-l", "--selector", default="", help="Only machines whose instances have these labels.")
@click.option("-w", "--watch", is_flag=True, help="Go on until interrupted.")
@click.option("--interval", default="1s", show_default=True, help="Time between two readings.")
@click.option("--sort-by", type=click.Choice(sorted(usage.ORDERS)), default="name", show_default=True,
              help="What the rows are sorted by.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="Rows for people, or JSON for programs.")
@click.pass_obj
def top(flags: Globals, /, kind: str, names: tuple[str, ...], **options: str) -> None:
    """Print the figures once, or show them live."""
    kind = SHORT.get(kind, kind)
    if kind not in ("vm", "vmi", "node"):
        raise CommandError(f'unknown kind "{kind}": top shows vm, vmi or node')
    pause_s = seconds(options["interval"], "interval")
    if pause_s <= 0:
        raise CommandError(f'invalid argument "{options["interval"]}" for "--interval" flag: it must be longer than 0')
    choice = Choice(kind=kind, names=frozenset(names), everywhere=bool(options["all_namespaces"]),
                    selector=options["selector"], order=options["sort_by"])
    watch, as_json = bool(options["watch"]), options["output"] == "json"
    show = _watch if watch else _once
    run(flags, lambda session: show(Reader(session, choice), pause_s, as_json=as_json),
        waiting_for="" if watch else "two readings of the machines")


@dataclass
class Reader:
    """Reads the machines again and again; each reading is compared with the one before."""

    session: Session
    choice: Choice
    last: dict[str, DomainStats] = field(default_factory=dict)

    async def rows(self) -> list[Row]:
        """The figures as of now, in order. Raises CommandError for a machine that does not run."""
        machines, choice = await self._machines(), self.choice
        gate = asyncio.Semaphore(AT_ONCE)

        async def read(vmi: VirtualMachineInstance) -> DomainStats | str:
            async with gate:
                return await self._usage(vmi)

        readings = await asyncio.gather(*map(read, machines))
        rows, seen = [], {}
        for vmi, reading in zip(machines, readings, strict=True):
            if isinstance(reading, str):
                rows.append(usage.row(vmi, None, None, note=reading))
            else:
                rows.append(usage.row(vmi, self.last.get(key_of(vmi)), reading))
                seen[key_of(vmi)] = reading
        self.last = seen
        if choice.kind == "node":
            nodes = {node.metadata.name: node for node in await self._nodes()}
            rows = [r for r in usage.per_node(rows, nodes) if not choice.names or r.name in choice.names]
        return sorted(rows, key=usage.ORDERS[choice.order])

    async def _machines(self) -> list[VirtualMachineInstance]:
        choice = self.choice
        everywhere = choice.everywhere or choice.kind == "node"
        namespace = None if everywhere else self.session.namespace
        found = [vmi for vmi in await self.session.client.list(VMIS, namespace, labels=choice.selector)
                 if vmi.status.phase == "Running"]
        if choice.kind == "vm":
            found = [v for v in found if v.metadata.controller is not None
                     and v.metadata.controller.kind == "VirtualMachine"]
        if choice.kind == "node" or not choice.names:
            return found
        if missing := choice.names - {v.metadata.name for v in found}:
            raise CommandError(f"not running: {choice.kind} {', '.join(sorted(missing))}")
        return [v for v in found if v.metadata.name in choice.names]

    async def _usage(self, vmi: VirtualMachineInstance) -> DomainStats | str:
        """The counters, or why there are none: one machine in trouble must not hide the others."""
        meta = vmi.metadata
        path = f"{SUBRESOURCES}/v1/namespaces/{meta.namespace}/virtualmachineinstances/{meta.name}/usage"
        try:
            return msgspec.json.decode(await self.session.client.raw("GET", path), type=DomainStats)
        except ApiError as e:
            return e.message

    async def _nodes(self) -> list[Node]:
        try:
            return list(await self.session.client.list(NODES))
        except Forbidden:  # most users may not; then only nodes with their machines are shown, without sizes
            return []


async def _once(reader: Reader, pause_s: float, *, as_json: bool) -> None:
    await reader.rows()
    await asyncio.sleep(pause_s)
    rows = await reader.rows()
    if as_json:
        click.echo(json.dumps([usage.as_data(r) for r in rows], indent=2))
    elif not rows:
        where = "" if reader.choice.everywhere else f" in namespace {reader.session.namespace}"
        click.echo(f"No {reader.choice.kind} is running{where}.", err=True)
    else:
        _print(table(rows, reader.choice))


async def _watch(reader: Reader, pause_s: float, *, as_json: bool) -> None:
    await reader.rows()
    if as_json:
        while True:
            await asyncio.sleep(pause_s)
            click.echo(json.dumps([usage.as_data(r) for r in await reader.rows()]))
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(), auto_refresh=False, screen=False) as live:
        while True:
            await asyncio.sleep(pause_s)
            live.update(table(await reader.rows(), reader.choice), refresh=True)


def table(rows: list[Row], choice: Choice) -> Table:
    """The rows as a table."""
    from rich.table import Table

    of_nodes = choice.kind == "node"
    shown = Table(box=None, pad_edge=False, header_style="")
    for title in (*(["NAMESPACE"] if choice.everywhere and not of_nodes else []), "NAME",
                  "MACHINES" if of_nodes else "NODE", "CPU", "MEMORY", "DISK READ  WRITE", "NETWORK IN  OUT"):
        shown.add_column(title, no_wrap=True)
    for r in rows:
        shown.add_row(
            *([r.namespace] if choice.everywhere and not of_nodes else []), r.name,
            str(r.machines) if of_nodes else r.node, usage.cores(r),
            usage.share(r.memory_used_bytes, r.memory_bytes),
            r.note or usage.flow(r.disk_read_bytes_per_second, r.disk_write_bytes_per_second),
            "" if r.note else usage.flow(r.network_receive_bytes_per_second, r.network_transmit_bytes_per_second),
        )
    return shown


def _print(shown: Table) -> None:
    """Whole lines, also where the output is no terminal."""
    from rich.console import Console

    plain = Console()
    console = plain if plain.is_terminal else Console(width=250)
    console.print(shown)
