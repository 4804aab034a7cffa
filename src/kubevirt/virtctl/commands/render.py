"""`virtctl render`: what a manifest becomes, without a cluster. Exit codes: 0 admitted, 1 refused, 2 not readable.

The files may hold the cluster's side too: a KubeVirt object with its configuration, claims, namespaces, quotas, network
attachment definitions, instance types, preferences and presets, and what volumes are made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click
import msgspec
import yaml

from kubevirt.api import codec
from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.instancetypes.volume_sources import DATA_SOURCES, DATA_VOLUMES, VOLUME_SNAPSHOTS
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.objects import Namespace, NetworkAttachmentDefinition, PersistentVolumeClaim, ResourceQuota
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.resources import CONTROLLER_REVISIONS, Resource
from kubevirt.api.validation import Cause
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kube.cache import metadata_of
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.manifests import Manifest, Unreadable, read_manifests
from kubevirt.virtctl.rendering import Machine, Rendered, Surroundings, render
from kubevirt.virtctl.typos import typos

T = TypeVar("T", bound=msgspec.Struct)

REFUSED = 1
MACHINES: dict[str, type[VirtualMachine] | type[VirtualMachineInstance]] = {
    "VirtualMachine": VirtualMachine,
    "VirtualMachineInstance": VirtualMachineInstance,
}


OFFERED: tuple[Resource[msgspec.Struct], ...] = (
    INSTANCETYPES, CLUSTER_INSTANCETYPES, PREFERENCES, CLUSTER_PREFERENCES, CONTROLLER_REVISIONS,
    DATA_VOLUMES, DATA_SOURCES, VOLUME_SNAPSHOTS,
)  # fmt: skip


class NotReadable(CommandError):
    """What was given cannot be made sense of."""

    exit_code = 2


@command("render", help="Show what a VM or VMI becomes: defaults, admission, launcher pod, libvirt domain.")
@click.argument("more", nargs=-1, metavar="[FILE...]")
@click.option("-f", "--filename", "files", multiple=True, metavar="FILE",
              help="YAML or JSON of the machine and of the objects around it; - is standard input; may be repeated")
@click.option("--output-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write defaulted.yaml, admission.json, pod.yaml and domain.xml there")
@click.option("-o", "--output", type=click.Choice(["yaml", "xml"]),
              help="What to print: everything as YAML (when there is no --output-dir), or only the domain")
@click.pass_context
def render_command(ctx: click.Context, /, more: tuple[str, ...], files: tuple[str, ...], output_dir: Path | None,
                   output: str | None) -> None:  # fmt: skip
    """Read, render, write, and say what was refused."""
    if not files and not more:
        raise CommandError("no file is named; name the machine's manifest, or - for standard input")
    flags = ctx.obj if isinstance(ctx.obj, Globals) else Globals()
    try:
        machines, around = sort(read_manifests((*files, *more)), namespace=flags.namespace or "default")
    except Unreadable as e:
        raise NotReadable(str(e)) from e
    refused = False
    for manifest, machine in machines:
        rendered = render(machine, around)
        if output_dir is not None:
            folder = output_dir if len(machines) == 1 else output_dir / f"{machine.metadata.namespace}_{_name(machine)}"
            write(rendered, folder)
        if output or output_dir is None:
            click.echo(_printed(rendered, output or "yaml"), nl=False)
        for line in complaints(manifest, rendered):
            click.echo(line, err=True)
        refused = refused or not rendered.verdict.allowed
    ctx.exit(REFUSED if refused else 0)


def sort(manifests: list[Manifest], *, namespace: str) -> tuple[list[tuple[Manifest, Machine]], Surroundings]:
    """The machines, and everything else as what stands around them. Raises Unreadable."""
    around = Surroundings()
    put: dict[str, Callable[[Manifest], object]] = {
        "KubeVirt": lambda m: setattr(around, "kubevirt", _typed(m, KubeVirt)),
        "Namespace": lambda m: around.namespaces.append(_typed(m, Namespace)),
        "PersistentVolumeClaim": lambda m: around.claims.append(_typed(m, PersistentVolumeClaim)),
        "ResourceQuota": lambda m: around.quotas.append(_typed(m, ResourceQuota)),
        "NetworkAttachmentDefinition": lambda m: around.networks.append(_typed(m, NetworkAttachmentDefinition)),
        "VirtualMachineInstancePreset": lambda m: around.presets.append(_typed(m, VirtualMachineInstancePreset)),
        **{resource.kind: _offer(around, resource, namespace) for resource in OFFERED},
    }
    machines: list[tuple[Manifest, Machine]] = []
    for manifest in manifests:
        if manifest.kind in MACHINES:
            machine = _typed(manifest, MACHINES[manifest.kind])
            machine.metadata.namespace = machine.metadata.namespace or namespace
            machines.append((manifest, machine))
        elif manifest.kind in put:
            put[manifest.kind](manifest)
        else:
            click.echo(f"{manifest.where()}: {manifest.kind} objects change nothing here and are passed over", err=True)
    if not machines:
        raise Unreadable(
            where=", ".join(dict.fromkeys(m.file for m in manifests)) or "the files",
            cause="there is no VirtualMachine or VirtualMachineInstance in there",
            remedy="name a file that holds one",
        )
    return machines, around


def _offer(
    around: Surroundings, resource: Resource[msgspec.Struct], default_namespace: str
) -> Callable[[Manifest], object]:
    def put(manifest: Manifest) -> None:
        found = _typed(manifest, resource.type_)
        metadata = metadata_of(found)
        namespace = (metadata.namespace or default_namespace) if resource.namespaced else ""
        around.offered[resource.kind, namespace, metadata.name] = found

    return put


def _typed(manifest: Manifest, type_: type[T]) -> T:
    try:
        return codec.convert(manifest.body, type_)
    except Refused as e:
        raise Unreadable(where=manifest.where(e.field), cause=e.cause, field=e.field, remedy=e.remedy) from e


def _name(machine: Machine) -> str:
    return machine.metadata.name or machine.metadata.generate_name or "unnamed"


def documents(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """File name and content of every part that there is."""
    yield "defaulted.yaml", _yaml(rendered.defaulted)
    yield "admission.json", msgspec.json.format(codec.encode(rendered.verdict)).decode() + "\n"
    if rendered.pod is not None:
        yield "pod.yaml", _yaml(rendered.pod)
    if rendered.domain is not None:
        yield "domain.xml", rendered.domain


def write(rendered: Rendered, folder: Path) -> None:
    """The parts as files; what an earlier rendering left there goes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in ("pod.yaml", "domain.xml"):
            (folder / stale).unlink(missing_ok=True)
        for name, text in documents(rendered):
            (folder / name).write_text(text)
    except OSError as e:
        cause = (e.strerror or str(e)).lower()
        raise NotReadable(f"{e.filename}: {cause}; name a directory that can be written") from e


def _printed(rendered: Rendered, form: str) -> str:
    if form == "xml":
        return rendered.domain or ""
    parts = []
    for name, text in documents(rendered):
        if name == "domain.xml":
            text = "domain: |\n" + "".join(f"  {line}\n" for line in text.splitlines())
        parts.append(f"---\n# {name}\n{text}")
    return "".join(parts)


def complaints(manifest: Manifest, rendered: Rendered) -> Iterator[str]:
    """A line for each thing that is wrong, with the line of the file where it is."""
    verdict = rendered.verdict
    prefix = "spec.template." if manifest.kind == "VirtualMachine" else ""
    for typo in typos(manifest.body, MACHINES[manifest.kind]):
        yield f"{manifest.where(typo.field)}: warning: {typo}"
    for cause in verdict.causes:
        said = cause.message if cause.field in cause.message else f"{cause.field}: {cause.message}"
        yield f"{manifest.where(_path(cause, prefix))}: {said}"
    if not verdict.allowed and not verdict.causes:
        yield f"{manifest.where()}: {verdict.message}"
    yield from (f"{manifest.where()}: warning: {warning}" for warning in verdict.warnings)
    if rendered.problem is not None:
        yield f"{manifest.where(prefix + rendered.problem.field)}: no domain can be made: {rendered.problem}"


def _path(cause: Cause, prefix: str) -> str:
    """A field of the instance as a field of the machine that starts it."""
    return cause.field if cause.field.startswith(("spec.template", "metadata")) else prefix + cause.field


def _yaml(document: object) -> str:
    return yaml.dump(document, Dumper=_DUMPER, sort_keys=False, width=120)


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
