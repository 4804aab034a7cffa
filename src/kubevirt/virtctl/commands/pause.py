"""`virtctl pause` and `unpause`: stop and resume the processors of a running guest."""

from __future__ import annotations

import click

from kubevirt.kit.json import JsonObject
from kubevirt.kube.errors import ApiError
from kubevirt.virtctl.commands.lifecycle import dry_run_flag
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_target

target_argument = click.argument("names", nargs=-1, metavar="vm|vmi NAME")


@command("pause", help="Stop the processors of a virtual machine; its memory stays.")
@target_argument
@dry_run_flag
@click.pass_obj
def pause(flags: Globals, names: tuple[str, ...], dry_run: bool) -> None:
    """Pause the instance of the named machine."""
    _change(flags, names, "pause", "pausing", dry_run=dry_run)


@command("unpause", help="Let a paused virtual machine go on.")
@target_argument
@dry_run_flag
@click.pass_obj
def unpause(flags: Globals, names: tuple[str, ...], dry_run: bool) -> None:
    """Resume the instance of the named machine."""
    _change(flags, names, "unpause", "unpausing", dry_run=dry_run)


def _change(flags: Globals, names: tuple[str, ...], verb: str, doing: str, *, dry_run: bool) -> None:
    target = parse_target(names, default=Kind.VM)
    body: JsonObject = {}
    if dry_run:
        click.echo("Dry Run execution")
        body = {"dryRun": ["All"]}
    run(flags, lambda session: _request(session, target, verb, doing, body))
    click.echo(f"VMI {target.name} was scheduled to {verb}")


async def _request(session: Session, target: Target, verb: str, doing: str, body: JsonObject) -> None:
    run_strategy = ""
    if target.kind is Kind.VM:
        with session.explaining(f"Error getting VirtualMachine {target.name}: {{}}"):
            vm = await session.get(target)
        run_strategy = _run_strategy(vm)
    instance = Target(kind=Kind.VMI, name=target.name, namespace=target.namespace)
    failed = f"Error {doing} VirtualMachineInstance {target.name}"
    try:
        await session.put_subresource(instance, verb, body)
    except ApiError as e:
        if e.status == 404 and run_strategy == "Halted" and verb == "pause":
            raise CommandError(f"{failed}. VirtualMachine {target.name} is not set to run") from e
        if e.status == 404 and target.kind is Kind.VM and verb == "pause":
            raise CommandError(f"{failed}, it was not found") from e
        raise CommandError(f"{failed}: {e.message}") from e


def _run_strategy(vm: JsonObject) -> str:
    spec = vm.get("spec")
    assert isinstance(spec, dict)  # noqa: S101 - the API server stores no VM without a spec
    if "running" in spec:
        return "Always" if spec["running"] else "Halted"
    return str(spec.get("runStrategy", "Halted"))
