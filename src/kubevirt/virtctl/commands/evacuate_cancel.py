"""`virtctl evacuate-cancel`: a machine that was to leave its node stays there."""

from __future__ import annotations

import click

from kubevirt.kit.json import JsonObject, dig
from kubevirt.virtctl.commands.lifecycle import dry_run_flag
from kubevirt.virtctl.errors import CommandError, count_error
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import KINDS, Kind, Target


@command("evacuate-cancel", help="Let a machine stay on its node after all, although it was to be evacuated.")
@click.argument("words", nargs=-1, metavar="vm|vmi NAME")
@dry_run_flag
@click.pass_obj
def evacuate_cancel(flags: Globals, words: tuple[str, ...], dry_run: bool) -> None:
    """PUT evacuate/cancel with the node that the instance is on."""
    parts = words[0].split("/") if len(words) == 1 and "/" in words[0] else list(words)
    if len(parts) != 2:
        raise count_error(len(words), 2, 2)
    kind = KINDS.get(parts[0].lower())
    if kind not in (Kind.VM, Kind.VMI):
        raise CommandError(f'unsupported resource type "{parts[0]}"')
    target = Target(kind=kind, name=parts[1])
    if dry_run:
        click.echo("Dry Run execution")
    click.echo(run(flags, lambda session: _cancel(session, target, dry_run=dry_run)))


async def _cancel(session: Session, target: Target, *, dry_run: bool) -> str:
    short = "VM" if target.kind is Kind.VM else "VMI"
    what = f"{short} {session.namespace}/{target.name}"
    with session.explaining(f"error retrieving VMI for evacuation cancel for {what}: {{}}"):
        vmi = await session.get(Target(kind=Kind.VMI, name=target.name))
    node = dig(vmi, "status", "nodeName")
    if not node:
        raise CommandError(f"{what} doesn't report Node name")
    body: JsonObject = {"evacuationNodeName": node}
    if dry_run:
        body["dryRun"] = ["All"]
    with session.explaining(f"error canceling evacuation for {what}: {{}}"):
        await session.put_subresource(target, "evacuate/cancel", body)
    return f"{what} was canceled evacuation"
