"""Reading and patching the objects behind a sub-resource, with the errors that clients of the aggregated API expect."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.resources import VMIS, VMS, Resource
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import ApiError, Conflict, NotFound
from kubevirt.virt_api.replies import StatusError, conflict, not_found

T = TypeVar("T", bound=msgspec.Struct)


async def read_vm(client: Client, namespace: str, name: str) -> VirtualMachine:
    """The VM as the API server has it now; 404 in the API's wording."""
    found = await find_vm(client, namespace, name)
    if found is None:
        raise not_found("virtualmachine", name)
    return found


async def find_vm(client: Client, namespace: str, name: str) -> VirtualMachine | None:
    """The VM, or None."""
    try:
        return await client.get(VMS, name, namespace)
    except NotFound:
        return None


async def find_vmi(client: Client, namespace: str, name: str) -> VirtualMachineInstance | None:
    """The instance, or None."""
    try:
        return await client.get(VMIS, name, namespace)
    except NotFound:
        return None


async def read_vmi(client: Client, namespace: str, name: str) -> VirtualMachineInstance:
    """The instance as the API server has it now; 404 in the API's wording."""
    found = await find_vmi(client, namespace, name)
    if found is None:
        raise not_found("virtualmachineinstance", name)
    return found


async def patch(
    client: Client,
    res: Resource[T],
    namespace: str,
    name: str,
    operations: list[JsonObject],
    *,
    subresource: str = "",
    dry_run: bool = False,
) -> None:
    """Send a JSON patch; a failed test is a 409, since the object changed between reading and patching."""
    kind = "virtualmachine" if res.plural == VMS.plural else "virtualmachineinstance"
    try:
        await client.patch(res, name, namespace, operations, subresource=subresource, dry_run=dry_run)
    except NotFound as e:
        raise not_found(kind, name) from e
    except Conflict as e:
        raise conflict(kind, name, e.message) from e
    except ApiError as e:
        raise StatusError(500, f"unable to patch {kind} {name}: {e.message}") from e


async def read_options(request: web.Request, type_: type[T]) -> T:
    """The request's body as options; an empty body means none were given. 400 for what cannot be read."""
    body = await request.read()
    if not body.strip():
        return type_()
    try:
        options = codec.decode(type_, body)
    except Problem as e:
        raise StatusError(400, f"Can not unmarshal Request body to struct, error: {e}") from e
    dry_run = getattr(options, "dry_run", None)
    if dry_run and dry_run != ["All"]:
        raise StatusError(400, f"invalid dryRun {dry_run!r}: only All is supported")
    return options
