"""`virtctl start`, `stop` and `restart`: one PUT each on a sub-resource of the VirtualMachine.

The server decides what a request means for the machine's run strategy; nothing is decided here.
"""

from __future__ import annotations

import click

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_target

FORCE_NEEDS_BOTH = "Must both use --force=true and set --grace-period."
NO_GRACE_PERIOD = -1

dry_run_flag = click.option("--dry-run", is_flag=True, help="Only say what would be done")
force_flag = click.option("--force", is_flag=True, help="Stop the guest at once; needs --grace-period=0")
grace_flag = click.option(
    "--grace-period", type=int, default=NO_GRACE_PERIOD, metavar="SECONDS", help="Time given to the guest to shut down"
)
names_argument = click.argument("names", nargs=-1, metavar="(VM)")


@command("start", help="Start a virtual machine.")
@names_argument
@click.option("--paused", is_flag=True, help="Start with the processors stopped")
@dry_run_flag
@click.pass_obj
def start(flags: Globals, names: tuple[str, ...], paused: bool, dry_run: bool) -> None:
    """Ask for a virtual machine to be started."""
    body: JsonObject = {"paused": True} if paused else {}
    _put(flags, names, "start", body, dry_run=dry_run, failure="Error starting VirtualMachine {}")


@command("stop", help="Stop a virtual machine.")
@names_argument
@force_flag
@grace_flag
@dry_run_flag
@click.pass_obj
def stop(flags: Globals, names: tuple[str, ...], force: bool, grace_period: int, dry_run: bool) -> None:
    """Ask for a virtual machine to be stopped, by default within its own grace period."""
    forced = _is_forced(force, grace_period)
    _put(
        flags,
        names,
        "stop",
        {"gracePeriod": grace_period} if forced else {},
        dry_run=dry_run,
        failure="error force stopping VirtualMachine: {}" if forced else "error stopping VirtualMachine {}",
    )


@command("restart", help="Restart a virtual machine.")
@names_argument
@force_flag
@grace_flag
@dry_run_flag
@click.pass_obj
def restart(flags: Globals, names: tuple[str, ...], force: bool, grace_period: int, dry_run: bool) -> None:
    """Ask for a virtual machine to be stopped and started again."""
    forced = _is_forced(force, grace_period)
    _put(
        flags,
        names,
        "restart",
        {"gracePeriodSeconds": grace_period} if forced else {},
        dry_run=dry_run,
        failure="error force restarting VirtualMachine: {}" if forced else "error restarting VirtualMachine: {}",
    )


def _is_forced(force: bool, grace_period: int) -> bool:
    if force != (grace_period != NO_GRACE_PERIOD):
        raise CommandError(FORCE_NEEDS_BOTH)
    return force


def _put(flags: Globals, names: tuple[str, ...], verb: str, body: JsonObject, *, dry_run: bool, failure: str) -> None:
    target = parse_target(names, default=Kind.VM)
    if target.kind is not Kind.VM:
        raise CommandError(f"{verb} acts on a VirtualMachine, not on a {target.kind.api_kind}")
    if dry_run:
        click.echo("Dry Run execution")
        body = {**body, "dryRun": ["All"]}
    run(flags, lambda session: _request(session, target, verb, body, failure))
    click.echo(f"VM {target.name} was scheduled to {verb}")


async def _request(session: Session, target: Target, verb: str, body: JsonObject, failure: str) -> None:
    with session.explaining(failure):
        await session.put_subresource(target, verb, body)
