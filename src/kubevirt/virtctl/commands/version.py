"""`virtctl version`, and the comparison of client and server that accompanies every error."""

from __future__ import annotations

import platform

import click

from kubevirt import __version__
from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import SUBRESOURCES, Session, run

FIELDS = ("gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")


def client_version() -> JsonObject:
    """This client's version in the shape of the API's version reply."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {"gitVersion": f"v{__version__}", "platform": f"{platform.system().lower()}/{machine}"}


def formatted(info: JsonObject) -> str:
    """The version reply as the one-line form that scripts know."""
    pairs = ", ".join(f'{name[0].upper()}{name[1:]}:"{info.get(name, "")}"' for name in FIELDS)
    return f"version.Info{{{pairs}}}"


async def server_version(session: Session) -> JsonObject:
    """What the add-on in the cluster says of itself; asks the preferred version of the sub-resource API."""
    group = await session.read(SUBRESOURCES)
    preferred = group.get("preferredVersion")
    if not isinstance(preferred, dict) or "groupVersion" not in preferred:
        raise CommandError("the server does not offer a preferred version of subresources.kubevirt.io")
    return await session.read(f"/apis/{preferred['groupVersion']}/version")


@command("version", help="Show the versions of client and server.")
@click.option("-c", "--client", "client_only", is_flag=True, help="Only the client's version, without asking a server")
@click.pass_obj
def version(flags: Globals, client_only: bool) -> None:
    """Print the client's version, then the server's."""
    click.echo(f"Client Version: {formatted(client_version())}")
    if client_only:
        return
    try:
        info = run(flags, server_version)
    except CommandError as e:
        raise CommandError(f"failed to get server version: {e.message}") from e
    click.echo(f"Server Version: {formatted(info)}")


def difference(flags: Globals) -> str:
    """A warning when client and server differ in major or minor version, the check's own failure, or nothing."""
    mine = str(client_version()["gitVersion"])
    try:
        theirs = str(run(flags, server_version).get("gitVersion", ""))
        different = _minor(mine) != _minor(theirs)
    except CommandError as e:
        return e.message
    except ValueError as e:
        return str(e)
    if not different:
        return ""
    return (
        "You are using a client virtctl version that is different from the KubeVirt version running in the cluster\n"
        f"Client Version: {mine}\nServer Version: {theirs}\n"
    )


def _minor(version_: str) -> tuple[int, int]:
    """Major and minor of `v1.9.0-rc.1`; ValueError names what is not a version."""
    parts = version_.removeprefix("v").split(".")
    if len(parts) < 3 or not (parts[0].isdigit() and parts[1].isdigit()):
        raise ValueError(f"{version_!r} is not a semantic version")
    return int(parts[0]), int(parts[1])
