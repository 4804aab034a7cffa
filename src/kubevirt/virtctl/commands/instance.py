"""`virtctl soft-reboot` and `reset`: the guest begins anew, asked politely or not asked at all."""

from __future__ import annotations

import click

from kubevirt.virtctl import log
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_name

names_argument = click.argument("names", nargs=-1, metavar="(VMI)")


@command("soft-reboot", help="Ask the guest to reboot, through its agent or its power button.")
@names_argument
@click.pass_obj
def soft_reboot(flags: Globals, names: tuple[str, ...]) -> None:
    """PUT softreboot."""
    target = parse_name(names, Kind.VMI)
    log.line("SoftReboot VMI")
    _put(flags, target, "softreboot", f"Error soft rebooting VirtualMachineInstance {target.name}: {{}}")
    click.echo(f"VMI {target.name} was scheduled to soft-reboot")


@command("reset", help="Press the reset button: the guest starts anew at once and is not asked.")
@names_argument
@click.pass_obj
def reset(flags: Globals, names: tuple[str, ...]) -> None:
    """PUT reset."""
    target = parse_name(names, Kind.VMI)
    log.line("Reset VMI")
    _put(flags, target, "reset", f"Error reseting VirtualMachineInstance {target.name}: {{}}")
    click.echo(f"VMI {target.name} was scheduled to reset")


def _put(flags: Globals, target: Target, verb: str, failure: str) -> None:
    async def request(session: Session) -> None:
        with session.explaining(failure):
            await session.client.raw("PUT", session.subresource_path(target, verb))

    run(flags, request)
