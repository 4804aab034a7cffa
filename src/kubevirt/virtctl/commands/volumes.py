"""`virtctl addvolume` and `removevolume`: ask for a volume to be plugged into a running machine, or pulled out."""

from __future__ import annotations

import asyncio
import random

import click

from kubevirt.kit.json import JsonObject
from kubevirt.kube.errors import OUTDATED_PATCH_MESSAGE, ApiError, NotFound
from kubevirt.virtctl.commands.lifecycle import dry_run_flag
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_name

names_argument = click.argument("names", nargs=-1, metavar="(VMI)")
volume_flag = click.option("--volume-name", required=True, help="Name of the data volume or claim")
persist_flag = click.option("--persist", is_flag=True, hidden=True)
LONGEST_NAME = 63
ATTEMPTS = 15
LONGEST_PAUSE_S = 0.01


@command("addvolume", help="Plug a volume into a running virtual machine.")
@names_argument
@volume_flag
@click.option("--disk-name", default="", help="Name of the disk in the machine; default: the volume's")
@click.option("--serial", default="", help="Serial number of the disk; default: its name")
@click.option("--cache", default="", help="none, writethrough or writeback")
@click.option("--disk-type", default="disk", help="disk or lun")
@click.option("--bus", default="scsi", help="scsi, or virtio for a disk")
@persist_flag
@dry_run_flag
@click.pass_obj
def addvolume(flags: Globals, names: tuple[str, ...], volume_name: str, disk_name: str, serial: str, cache: str,
              disk_type: str, bus: str, persist: bool, dry_run: bool) -> None:
    """PUT addvolume on the machine, or on an instance without one."""
    target = parse_name(names, Kind.VM)
    options = {"disk_name": disk_name, "serial": serial, "cache": cache, "disk_type": disk_type, "bus": bus}

    async def request(session: Session) -> None:
        source = await _source(session, target, volume_name)
        body = add_request(volume_name, source, **options)
        await _put(session, target, "addvolume", _dry(body, dry_run), "error adding volume, {}")

    run(flags, request)
    click.echo(f"Successfully submitted add volume request to VM {target.name} for volume {volume_name}")


@command("removevolume", help="Pull a volume out of a running virtual machine.")
@names_argument
@volume_flag
@persist_flag
@dry_run_flag
@click.pass_obj
def removevolume(flags: Globals, names: tuple[str, ...], volume_name: str, persist: bool, dry_run: bool) -> None:
    """PUT removevolume on the machine, or on an instance without one."""
    target = parse_name(names, Kind.VM)
    body = _dry({"name": volume_name}, dry_run)
    run(flags, lambda session: _put(session, target, "removevolume", body, "error removing volume, {}"))
    click.echo(f"Successfully submitted remove volume request to VM {target.name} for volume {volume_name}")


def add_request(
    volume: str, source: JsonObject, *, disk_name: str, serial: str, cache: str, disk_type: str, bus: str
) -> JsonObject:
    """The body of addvolume. Raises CommandError for what no machine can have."""
    name = disk_name or volume
    if disk_name and len(disk_name) > LONGEST_NAME:
        raise CommandError(f"Invalid disk name {disk_name}, must not exceed 63 characters")
    if not disk_name and len(volume) > LONGEST_NAME:
        raise CommandError(f"Invalid volume name {volume}, must not exceed 63 characters. "
                           "Use in conjunction with --disk-name to specify a shorter name")  # fmt: skip
    match disk_type, bus:
        case ("disk", "scsi" | "virtio") | ("lun", "scsi"):
            disk: JsonObject = {"name": "", disk_type: {"bus": bus}, "serial": serial or name}
        case "disk", _:
            raise CommandError(f"Invalid bus type '{bus}' for disk. Only 'scsi' and 'virtio' are supported.")
        case "lun", _:
            raise CommandError(f"Invalid bus type '{bus}' for LUN disk. Only 'scsi' bus is supported.")
        case _:
            raise CommandError(f"Invalid disk type '{disk_type}'. Only LUN and Disk are supported.")
    if cache and cache not in ("none", "writethrough", "writeback"):
        raise CommandError(f"error adding volume, invalid cache value {cache}")
    if cache:
        disk["cache"] = cache
    return {"name": name, "disk": disk, "volumeSource": source}


def _dry(body: JsonObject, dry_run: bool) -> JsonObject:
    return {**body, "dryRun": ["All"]} if dry_run else body


async def _source(session: Session, target: Target, volume: str) -> JsonObject:
    namespace = session.namespace_of(target)
    places = (
        (f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{namespace}/datavolumes/{volume}", "dataVolume", "name"),
        (f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{volume}", "persistentVolumeClaim", "claimName"),
    )
    for path, kind, member in places:
        try:
            await session.read(path)
        except ApiError:
            continue
        return {kind: {member: volume, "hotpluggable": True}}
    raise CommandError(f"error adding volume, Volume {volume} is not a DataVolume or PersistentVolumeClaim")


async def _put(session: Session, target: Target, verb: str, body: JsonObject, failure: str) -> None:
    """PUT, again while the server's own patch is overtaken by somebody else's change of the object."""
    for _ in range(ATTEMPTS):
        try:
            await _put_once(session, target, verb, body)
        except ApiError as e:
            if e.message != OUTDATED_PATCH_MESSAGE:
                raise CommandError(failure.format(e.message)) from e
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 - not a secret
        else:
            return
    raise CommandError(f"{failure.partition(',')[0]} after {ATTEMPTS} retries")


async def _put_once(session: Session, target: Target, verb: str, body: JsonObject) -> None:
    try:
        await session.put_subresource(target, verb, body)
    except NotFound:
        instance = Target(kind=Kind.VMI, name=target.name, namespace=target.namespace)
        await session.put_subresource(instance, verb, body)
