"""The sub-resources of an instance over HTTP: checked here (`instance_rules`), carried out by the node's
virt-handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from kubevirt.api.options import PauseOptions, UnpauseOptions
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_api import instance_rules
from kubevirt.virt_api.lifecycle import Declined
from kubevirt.virt_api.objects import find_vm, read_options, read_vm, read_vmi
from kubevirt.virt_api.portforward import forward_port
from kubevirt.virt_api.replies import StatusError, conflict
from kubevirt.virt_api.server import AGENTS, CLIENT
from kubevirt.virt_api.streams import join_handler, must_be_a_stream

Check = Callable[[VirtualMachineInstance], None]
Route = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(instances: str, machines: str) -> list[web.RouteDef]:
    """The routes below the two kinds' paths (each with version and namespace in it)."""
    return [
        web.get(instances + "/{name}/console", _stream("console", instance_rules.may_open_console)),
        web.get(instances + "/{name}/vnc", _stream("vnc", instance_rules.may_open_vnc)),
        web.get(instances + "/{name}/usbredir", _stream("usbredir", instance_rules.may_redirect_usb)),
        web.get(instances + r"/{name}/portforward/{port:\d+}", port_forward),
        web.get(instances + r"/{name}/portforward/{port:\d+}/{protocol:tcp|udp}", port_forward),
        web.get(machines + r"/{name}/portforward/{port:\d+}", port_forward_of_machine),
        web.get(machines + r"/{name}/portforward/{port:\d+}/{protocol:tcp|udp}", port_forward_of_machine),
        web.put(instances + "/{name}/pause", _action("pause", instance_rules.may_pause, PauseOptions)),
        web.put(instances + "/{name}/unpause", unpause),
        web.put(instances + "/{name}/softreboot", _action("softreboot", instance_rules.may_soft_reboot, None)),
        web.put(instances + "/{name}/reset", _action("reset", instance_rules.may_reset, None)),
    ]


def _action(action: str, check: Check, options_type: type[msgspec.Struct] | None) -> Route:
    async def put(request: web.Request) -> web.Response:
        options = await read_options(request, options_type) if options_type is not None else None
        vmi = await checked(request, check)
        if options is None or not getattr(options, "dry_run", None):
            await request.app[AGENTS].put(vmi, action)
        return web.Response(status=202)

    return put


async def unpause(request: web.Request) -> web.Response:
    """PUT unpause: not while the instance's machine is held still for a snapshot."""
    options = await read_options(request, UnpauseOptions)
    client, namespace, name = request.app[CLIENT], request.match_info["namespace"], request.match_info["name"]
    vmi = await read_vmi(client, namespace, name)
    owner = vmi.metadata.controller
    has_machine = owner is not None and owner.kind == "VirtualMachine"
    machine = await find_vm(client, namespace, owner.name) if owner is not None and has_machine else None
    allowed(name, lambda: instance_rules.may_unpause(vmi, machine))
    if not options.dry_run:
        await request.app[AGENTS].put(vmi, "unpause")
    return web.Response(status=202)


def _stream(action: str, check: Check) -> Route:
    async def get(request: web.Request) -> web.StreamResponse:
        vmi = await checked(request, check)
        must_be_a_stream(request)
        agents = request.app[AGENTS]
        return await join_handler(request, agents, await agents.url(vmi, action))

    return get


async def port_forward(request: web.Request) -> web.StreamResponse:
    """GET portforward of an instance."""
    vmi = await checked(request, instance_rules.may_forward_port)
    address = next((i.ip_address for i in vmi.status.interfaces if i.ip_address), None)
    if not address:
        raise StatusError(409, "the instance has no address yet; wait until its guest has booted")
    protocol = request.match_info.get("protocol", "tcp")
    return await forward_port(request, address, int(request.match_info["port"]), protocol)


async def port_forward_of_machine(request: web.Request) -> web.StreamResponse:
    """GET portforward of a VM: that of its instance."""
    await read_vm(request.app[CLIENT], request.match_info["namespace"], request.match_info["name"])
    return await port_forward(request)


async def checked(request: web.Request, check: Check) -> VirtualMachineInstance:
    """The instance, once a rule has let the request pass. Raises StatusError."""
    name = request.match_info["name"]
    vmi = await read_vmi(request.app[CLIENT], request.match_info["namespace"], name)
    allowed(name, lambda: check(vmi))
    return vmi


def allowed(name: str, rule: Callable[[], None]) -> None:
    """Ask a rule about an instance; what it declines becomes a StatusError."""
    try:
        rule()
    except Declined as e:
        if e.code == 409:
            raise conflict("virtualmachineinstance", name, e.message) from e
        raise StatusError(e.code, e.message) from e
