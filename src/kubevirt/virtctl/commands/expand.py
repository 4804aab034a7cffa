"""`virtctl expand`: a machine with its instance type and preference written out, as it would run."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from kubevirt.kit.json import JsonObject, dig
from kubevirt.virtctl.errors import CommandError, exclude
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.printing import as_json, as_yaml
from kubevirt.virtctl.session import SUBRESOURCES, Session, run
from kubevirt.virtctl.targets import Kind, Target


@command("expand", help="Print a machine with its instance type and preference written out.")
@click.option("--vm", default="", metavar="NAME", help="A machine in the cluster")
@click.option("-f", "--file", default="", metavar="PATH", help="A manifest; - is standard input")
@click.option("-o", "--output", default="yaml", help="yaml or json")
@click.pass_context
def expand(ctx: click.Context, vm: str, file: str, output: str) -> None:
    """GET expand-spec, or PUT expand-vm-spec."""
    exclude(ctx, ("file", "vm"))
    if not vm and not file:
        raise CommandError("error invalid arguments - VirtualMachine name or file must be provided")
    if output not in ("yaml", "json"):
        raise CommandError(f"error not supported output format defined: {output}")
    flags: Globals = ctx.obj
    if vm:
        expanded = run(flags, lambda session: _of_machine(session, vm))
    else:
        manifest = read_machine(file)
        expanded = run(flags, lambda session: _of_manifest(session, manifest))
    click.echo(as_yaml(expanded) if output == "yaml" else as_json(expanded, indent=1), nl=False)


async def _of_machine(session: Session, name: str) -> JsonObject:
    with session.explaining(f"error expanding VirtualMachine - {name} in namespace - {session.namespace}: {{}}"):
        return await session.read(session.subresource_path(Target(kind=Kind.VM, name=name), "expand-spec"))


async def _of_manifest(session: Session, manifest: JsonObject) -> JsonObject:
    name = dig(manifest, "metadata", "name") or ""
    path = f"{SUBRESOURCES}/v1/namespaces/{session.namespace}/expand-vm-spec"
    with session.explaining(f"error expanding VirtualMachine - {name} in namespace - {session.namespace}: {{}}"):
        answer = await session.client.raw("PUT", path, body=msgspec.json.encode(manifest))
    return msgspec.json.decode(answer, type=JsonObject)


def read_machine(file: str) -> JsonObject:
    """The VirtualMachine in a file of YAML or JSON, or on standard input."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as e:
        source = "from stdin: " if file == "-" else "file "
        raise CommandError(f"error reading {source}{_reason(e, file)}") from e
    return decode(text, "error decoding VirtualMachine {}")


def decode(text: str, failure: str) -> JsonObject:
    """One object of YAML or JSON; `failure` frames why it is none."""
    import yaml

    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as e:
        raise CommandError(failure.format(str(e).replace("\n", " "))) from e
    if not isinstance(found, dict):
        raise CommandError(failure.format("the manifest holds no object"))
    return found


def _reason(error: OSError, file: str) -> str:
    return f"open {file}: {(error.strerror or str(error)).lower()}"
