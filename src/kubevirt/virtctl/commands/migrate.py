"""`virtctl migrate` and `migrate-cancel`: a machine moves to another node, or stays after all."""

from __future__ import annotations

import click
import msgspec

from kubevirt.api.phase import is_final
from kubevirt.kit.json import JsonObject
from kubevirt.kube.errors import ApiError
from kubevirt.virtctl.commands.lifecycle import dry_run_flag
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import GROUP_VERSION, Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_name

names_argument = click.argument("names", nargs=-1, metavar="(VM)")


@command("migrate", help="Move a running virtual machine to another node.")
@names_argument
@click.option("--addedNodeSelector", "selectors", multiple=True, metavar="K=V,...", help="Labels of the target node")
@dry_run_flag
@click.pass_obj
def migrate(flags: Globals, names: tuple[str, ...], selectors: tuple[str, ...], dry_run: bool) -> None:
    """PUT migrate."""
    target = parse_name(names, Kind.VM)
    body: JsonObject = {}
    if selectors:
        body["addedNodeSelector"] = dict(_label(pair) for text in selectors for pair in text.split(","))
    if dry_run:
        click.echo("Dry Run execution")
        body["dryRun"] = ["All"]

    async def request(session: Session) -> None:
        with session.explaining("Error migrating VirtualMachine {}"):
            await session.put_subresource(target, "migrate", body)

    run(flags, request)
    click.echo(f"VM {target.name} was scheduled to migrate")


def _label(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals:
        raise CommandError(f'invalid argument "{pair}" for "--addedNodeSelector" flag: {pair} must be formatted as '
                           "key=value")  # fmt: skip
    return key, value


@command("migrate-cancel", help="Let a virtual machine stay on its node after all.")
@names_argument
@dry_run_flag
@click.pass_obj
def migrate_cancel(flags: Globals, names: tuple[str, ...], dry_run: bool) -> None:
    """DELETE the migration that is under way."""
    target = parse_name(names, Kind.VM)
    if dry_run:
        click.echo("Dry Run execution")
    run(flags, lambda session: _cancel(session, target, dry_run=dry_run))
    click.echo(f"VM {target.name} was scheduled to migrate-cancel")


async def _cancel(session: Session, target: Target, *, dry_run: bool) -> None:
    base = f"/apis/{GROUP_VERSION}/namespaces/{session.namespace_of(target)}/virtualmachineinstancemigrations"
    query = [("labelSelector", f"kubevirt.io/vmi-name=={target.name}")]
    with session.explaining("Error fetching virtual machine instance migration list  {}"):
        answer = msgspec.json.decode(await session.client.raw("GET", base, query=query), type=JsonObject)
    items = answer.get("items")
    name = next((found for item in (items if isinstance(items, list) else []) if (found := unfinished(item))), "")
    if not name:
        raise CommandError(f"Found no migration to cancel for {target.name}")
    options: JsonObject = {"dryRun": ["All"]} if dry_run else {}
    try:
        await session.client.raw("DELETE", f"{base}/{name}", body=msgspec.json.encode(options))
    except ApiError as e:
        raise CommandError(
            f"Error canceling migration {name} of a VirtualMachine {target.name}: {e.message}"
        ) from e


def unfinished(item: object) -> str:
    """The name of a migration that has not ended, else nothing."""
    if not isinstance(item, dict):
        return ""
    status, metadata = item.get("status"), item.get("metadata")
    if isinstance(status, dict) and is_final(str(status.get("phase"))):
        return ""
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
