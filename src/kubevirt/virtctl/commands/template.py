"""`virtctl template`: templates of virtual machines, made from machines or from another platform's, and used."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kube.errors import ApiError
from kubevirt.virtctl.commands.expand import decode
from kubevirt.virtctl.commands.vmexport import pairs
from kubevirt.virtctl.errors import CommandError, exclude
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.printing import as_json, as_yaml
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.table import LazyGroup
from kubevirt.virtctl.templates.parameters import parameters_of, processed

API_VERSION = "template.kubevirt.io/v1beta1"
SUBRESOURCES = "/apis/subresources.template.kubevirt.io/v1beta1"
NAME_TWICE = "provide name either from positional argument or from flag"

template = LazyGroup(
    "template",
    {
        "convert": ("template", "convert", "Turn an OpenShift template into one of virtual machines"),
        "create": ("template", "create", "Make a template from a virtual machine"),
        "process": ("template", "process", "Print or create the machine that a template makes"),
    },
    "Make and use templates of virtual machines.",
)
names_argument = click.argument("names", nargs=-1, metavar="[NAME]")
name_flag = click.option("--name", default="", help="The template, in the cluster")
file_flag = click.option("-f", "--file", default="", metavar="PATH", help="A file with it; - is standard input")
output_flag = click.option("-o", "--output", default="yaml", help="yaml or json")


@command("convert", help="Print an OpenShift template as a template of virtual machines.")
@names_argument
@name_flag
@file_flag
@output_flag
@click.pass_context
def convert(ctx: click.Context, names: tuple[str, ...], name: str, file: str, output: str) -> None:
    """Print the converted template."""
    name = _source(names, name, file)
    _known_format(output)

    async def remote(session: Session) -> JsonObject:
        path = f"/apis/template.openshift.io/v1/namespaces/{session.namespace}/templates/{name}"
        with session.explaining(f"error fetching remote Template {session.namespace}/{name}: {{}}"):
            return await session.read(path)

    found = _read(file) if file else run(ctx.obj, remote)
    _print(converted(found), output)


def converted(openshift: JsonObject) -> JsonObject:
    """The VirtualMachineTemplate with what the other template holds. CommandError when it is not one object."""
    objects = openshift.get("objects")
    count = len(objects) if isinstance(objects, list) else 0
    if not isinstance(objects, list) or count != 1:
        raise CommandError(f"template must contain exactly one object, found {count}")
    kept = ("name", "namespace", "labels", "annotations")
    metadata: JsonObject = {key: value for key in kept if (value := dig(openshift, "metadata", key)) is not None}
    spec: JsonObject = {"virtualMachine": objects[0]}
    for key in ("message", "parameters"):
        if openshift.get(key):
            spec[key] = openshift[key]
    return {"apiVersion": API_VERSION, "kind": "VirtualMachineTemplate", "metadata": metadata, "spec": spec}


@command("create", help="Make a template from a virtual machine.")
@click.option("--vm-name", required=True, help="The machine")
@click.option("--vm-namespace", default="", help="Its namespace, where it is another one")
@click.option("--name", default="", help="Name of the template")
@click.pass_obj
def create(flags: Globals, vm_name: str, vm_namespace: str, name: str) -> None:
    """POST the request for a template."""

    async def request(session: Session) -> str:
        spec: JsonObject = {"virtualMachineRef": {"namespace": vm_namespace or session.namespace, "name": vm_name}}
        if name:
            spec["templateName"] = name
        body: JsonObject = {
            "apiVersion": API_VERSION, "kind": "VirtualMachineTemplateRequest",
            "metadata": {"generateName": f"{vm_name}-"}, "spec": spec,
        }  # fmt: skip
        path = f"/apis/{API_VERSION}/namespaces/{session.namespace}/virtualmachinetemplaterequests"
        made = await session.client.raw("POST", path, body=msgspec.json.encode(body))
        return str(dig(msgspec.json.decode(made, type=JsonObject), "metadata", "name"))

    click.echo(f"virtualmachinetemplaterequest.template.kubevirt.io/{run(flags, request)} created")


@command("process", help="Print or create the machine that a template makes.")
@names_argument
@name_flag
@file_flag
@output_flag
@click.option("-p", "--param", multiple=True, metavar="K=V", help="Value of a parameter")
@click.option("--params-file", default="", metavar="PATH", help="File with a line K=V for each parameter")
@click.option("--local", is_flag=True, help="Put the parameters in here, not in the cluster")
@click.option("--create", "creates", is_flag=True, help="Create the machine instead of printing it")
@click.option("--print-params", is_flag=True, help="Only list the parameters")
@click.pass_context
def process(ctx: click.Context, names: tuple[str, ...], name: str, file: str, output: str, param: tuple[str, ...],
            params_file: str, local: bool, creates: bool, print_params: bool) -> None:
    """Print the machine, and what the template has to say on standard error."""
    if creates and (local or print_params):
        other = "local" if local else "print-params"
        raise CommandError(f"if any flags in the group [create {other}] are set none of the others can be; "
                           f"[create {other}] were all set")  # fmt: skip
    exclude(ctx, ("file", "name"), ("file", "local"), ("param", "params-file"))
    if file and creates:
        raise CommandError("if any flags in the group [file create] are set none of the others can be; "
                           "[create file] were all set")  # fmt: skip
    name = _source(names, name, file)
    _known_format(output)
    values = _values(param, params_file)
    flags: Globals = ctx.obj
    if print_params or local or file:
        found = _read(file) if file else run(flags, lambda session: _stored(session, name))
        if print_params:
            click.echo(_table(parameters_of(found)), nl=False)
            return
        machine, message, warnings = processed(found, values)
        for warning in warnings:
            click.echo(warning, err=True)
    else:
        verb = "create" if creates else "process"
        machine, message = run(flags, lambda session: _remote(session, name, values, verb))
    if message:
        click.echo(message, err=True)
    if creates:
        click.echo(f"virtualmachine.kubevirt.io/{dig(machine, 'metadata', 'name')} created")
    else:
        _print(machine, output)


async def _stored(session: Session, name: str) -> JsonObject:
    return await session.read(f"/apis/{API_VERSION}/namespaces/{session.namespace}/virtualmachinetemplates/{name}")


async def _remote(session: Session, name: str, values: dict[str, str], verb: str) -> tuple[JsonObject, str]:
    path = f"{SUBRESOURCES}/namespaces/{session.namespace}/virtualmachinetemplates/{name}/{verb}"
    try:
        answer = await session.client.raw("POST", path, body=msgspec.json.encode({"parameters": values}))
    except ApiError as e:
        raise CommandError(e.message) from e
    document = msgspec.json.decode(answer, type=JsonObject)
    machine = dig(document, "virtualMachine")
    if not isinstance(machine, dict):
        raise CommandError("the server answered without a virtual machine")
    return machine, str(dig(document, "message") or "")


def _source(names: tuple[str, ...], name: str, file: str) -> str:
    if len(names) > 1:
        raise CommandError(f"accepts at most 1 arg(s), received {len(names)}")
    if names and name:
        raise CommandError(NAME_TWICE)
    name = name or (names[0] if names else "")
    if name and file:
        raise CommandError("only one of name or file can be provided")
    if not name and not file:
        raise CommandError("name or file must be provided")
    return name


def _known_format(output: str) -> None:
    if output not in ("yaml", "json"):
        raise CommandError(f"not supported output format: {output}")


def _values(given: tuple[str, ...], file: str) -> dict[str, str]:
    if not file:
        return pairs(given, "param")
    lines = (line.strip() for line in _text(file).splitlines())
    return pairs(tuple(line for line in lines if line and not line.startswith("#")), "params-file")


def _read(file: str) -> JsonObject:
    return decode(_text(file), "error decoding template: {}")


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as e:
        raise CommandError(f"open {file}: {(e.strerror or str(e)).lower()}") from e


def _table(parameters: list[JsonObject]) -> str:
    rows = [("NAME", "DESCRIPTION", "GENERATOR", "VALUE")]
    rows += [
        (str(p.get("name") or ""), str(p.get("description") or ""), str(p.get("generate") or ""),
         str(p.get("from") if p.get("generate") else p.get("value") or ""))
        for p in parameters
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) + 3 for column in range(4)]
    return "".join("".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)


def _print(document: Json, output: str) -> None:
    click.echo(as_yaml(document) if output == "yaml" else as_json(document, indent=1), nl=False)
