"""`virtctl guestosinfo`, `userlist` and `fslist`: what the guest's own agent says, as JSON."""

from __future__ import annotations

import click
import msgspec

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, parse_name

A_LIST: JsonObject = {"metadata": {}, "items": None}
"""What readers find even where the server leaves it out."""
names_argument = click.argument("names", nargs=-1, metavar="(VMI)")


@command("guestosinfo", help="Show what the guest agent tells of the guest.")
@names_argument
@click.pass_obj
def guestosinfo(flags: Globals, names: tuple[str, ...]) -> None:
    """Print the answer of guestosinfo."""
    _print(flags, names, "guestosinfo", "Error getting guestosinfo of VirtualMachineInstance {name}, {{}}",
           always={"fsInfo": {"disks": None}, "os": {}})  # fmt: skip


@command("userlist", help="Show who is logged in inside the guest.")
@names_argument
@click.pass_obj
def userlist(flags: Globals, names: tuple[str, ...]) -> None:
    """Print the answer of userlist."""
    _print(flags, names, "userlist", "Error listing users of VirtualMachineInstance {name}, {{}}", always=A_LIST)


@command("fslist", help="Show the file systems that are mounted inside the guest.")
@names_argument
@click.pass_obj
def fslist(flags: Globals, names: tuple[str, ...]) -> None:
    """Print the answer of filesystemlist."""
    _print(flags, names, "filesystemlist", "Error listing filesystems of VirtualMachineInstance {name}, {{}}",
           always=A_LIST)  # fmt: skip


def _print(flags: Globals, names: tuple[str, ...], fact: str, failure: str, *, always: JsonObject) -> None:
    target = parse_name(names, Kind.VMI)

    async def ask(session: Session) -> JsonObject:
        with session.explaining(failure.format(name=target.name)):
            return await session.read(session.subresource_path(target, fact))

    click.echo(as_text(always | run(flags, ask)))


def as_text(answer: JsonObject) -> str:
    """The answer without kind and version, which readers of this output never had in it."""
    shown = {key: value for key, value in answer.items() if key not in ("kind", "apiVersion")}
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
