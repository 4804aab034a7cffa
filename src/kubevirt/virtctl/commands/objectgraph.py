"""`virtctl objectgraph`: the objects that a machine depends on, as the server knows them."""

from __future__ import annotations

import click
import msgspec

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.printing import as_json, as_yaml
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_name


@command("objectgraph", help="Print the objects that a virtual machine depends on.")
@click.argument("names", nargs=-1, metavar="NAME")
@click.option("--vmi", "of_instance", is_flag=True, help="Of an instance instead of a machine")
@click.option("--exclude-optional", is_flag=True, help="Leave out what the machine could do without")
@click.option("--selector", multiple=True, metavar="K=V,...", help="Only objects with these labels")
@click.option("-o", "--output", default="json", help="json or yaml")
@click.pass_obj
def objectgraph(flags: Globals, names: tuple[str, ...], of_instance: bool, exclude_optional: bool,
                selector: tuple[str, ...], output: str) -> None:
    """GET objectgraph, with the wishes as its body."""
    target = parse_name(names, Kind.VMI if of_instance else Kind.VM)
    body = options(selector, include_optional=not exclude_optional)
    graph = run(flags, lambda session: _ask(session, target, body))
    if output not in ("json", "yaml"):
        raise CommandError(f"unsupported output format: {output} (must be 'json' or 'yaml')")
    click.echo(as_json(graph, indent=2) if output == "json" else as_yaml(graph))


def options(selector: tuple[str, ...], *, include_optional: bool) -> JsonObject:
    """The body of the request."""
    labels: JsonObject = {}
    for pair in (pair for text in selector for pair in text.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f'invalid argument "{pair}" for "--selector" flag: {pair} must be formatted as '
                               "key=value")  # fmt: skip
        labels[key] = value
    return {"includeOptionalNodes": include_optional, "labelSelector": {"matchLabels": labels}}


async def _ask(session: Session, target: Target, body: JsonObject) -> JsonObject:
    with session.explaining(f"error listing object graph of {target.kind.api_kind} {target.name}: {{}}"):
        path = session.subresource_path(target, "objectgraph")
        answer = await session.client.raw("GET", path, body=msgspec.json.encode(body))
    return msgspec.json.decode(answer, type=JsonObject)
