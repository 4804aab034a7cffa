"""start, stop and restart of a VirtualMachine over HTTP: read both objects, decide (`lifecycle`), send the patches."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from kubevirt.api.options import RestartOptions, StartOptions, StopOptions
from kubevirt.api.resources import VMIS, VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kube.client import Client
from kubevirt.virt_api import lifecycle
from kubevirt.virt_api.lifecycle import Declined, Patches
from kubevirt.virt_api.objects import find_vmi, patch, read_options, read_vm
from kubevirt.virt_api.replies import StatusError, conflict
from kubevirt.virt_api.server import CLIENT

Options = StartOptions | StopOptions | RestartOptions
Decide = Callable[[VirtualMachine, VirtualMachineInstance | None], Patches]

ATTEMPTS = 5  # the controller writes the same status; a patch that lost the race is decided anew from fresh objects


def routes(base: str) -> list[web.RouteDef]:
    """The routes under `base`, which holds the version, the namespace and the kind."""
    return [
        web.put(base + "/{name}/start", start),
        web.put(base + "/{name}/stop", stop),
        web.put(base + "/{name}/restart", restart),
    ]


async def start(request: web.Request) -> web.Response:
    """PUT start."""
    options = await read_options(request, StartOptions)
    return await _carry_out(request, lambda vm, vmi: lifecycle.start(vm, vmi, options), dry_run=bool(options.dry_run))


async def stop(request: web.Request) -> web.Response:
    """PUT stop."""
    options = await read_options(request, StopOptions)
    return await _carry_out(request, lambda vm, vmi: lifecycle.stop(vm, vmi, options), dry_run=bool(options.dry_run))


async def restart(request: web.Request) -> web.Response:
    """PUT restart."""
    options = await read_options(request, RestartOptions)
    return await _carry_out(request, lambda vm, vmi: lifecycle.restart(vm, vmi, options), dry_run=bool(options.dry_run))


async def _carry_out(request: web.Request, decide: Decide, *, dry_run: bool) -> web.Response:
    client = request.app[CLIENT]
    namespace, name = request.match_info["namespace"], request.match_info["name"]
    for attempt in range(1, ATTEMPTS + 1):
        vm = await read_vm(client, namespace, name)
        vmi = await find_vmi(client, namespace, name)
        try:
            patches = decide(vm, vmi)
        except Declined as e:
            if e.code == 409:
                raise conflict("virtualmachine", name, e.message) from e
            raise StatusError(e.code, e.message) from e
        except Refused as e:
            raise StatusError(400, str(e)) from e
        try:
            await _send(client, namespace, name, vmi, patches, dry_run=dry_run)
        except StatusError as e:
            if e.code != 409 or attempt == ATTEMPTS:
                raise
            continue
        break
    return web.Response(status=202)


async def _send(
    client: Client, namespace: str, name: str, vmi: VirtualMachineInstance | None, patches: Patches, *, dry_run: bool
) -> None:
    if patches.instance:
        await patch(client, VMIS, namespace, name, patches.instance, dry_run=dry_run)
    try:
        if patches.spec:
            await patch(client, VMS, namespace, name, patches.spec, dry_run=dry_run)
        if patches.status:
            await patch(client, VMS, namespace, name, patches.status, subresource="status", dry_run=dry_run)
    except StatusError:
        if vmi is not None and patches.instance and not dry_run:
            await patch(client, VMIS, namespace, name, lifecycle.undo_grace(vmi, patches))
        raise
