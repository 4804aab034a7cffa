"""Sub-resources about what is inside a running guest: agent facts, frozen file systems, a picture of the screen.

The same pattern as in `instance_routes`: checked here by a pure rule, carried out by the node's virt-handler.
"""

from __future__ import annotations

from aiohttp import web

from kubevirt.api.options import FreezeUnfreezeTimeout
from kubevirt.kit.errors import Problem
from kubevirt.kit.times import parse_duration
from kubevirt.virt_api import instance_rules
from kubevirt.virt_api.instance_routes import Check, Route, checked
from kubevirt.virt_api.objects import read_options
from kubevirt.virt_api.replies import StatusError
from kubevirt.virt_api.server import AGENTS

FACTS = ("guestosinfo", "userlist", "filesystemlist")
SCREENSHOT = "vnc/screenshot"
USAGE = "usage"
"""What a guest has used so far, for whoever may see it. Not part of the API that clients know from elsewhere."""


def routes(instances: str) -> list[web.RouteDef]:
    """The routes below the instances' path."""
    return [
        *(web.get(f"{instances}/{{name}}/{fact}", _read(fact, instance_rules.may_ask_agent)) for fact in FACTS),
        web.get(f"{instances}/{{name}}/{USAGE}", _read(USAGE, instance_rules.may_be_measured)),
        web.get(f"{instances}/{{name}}/{SCREENSHOT}", _read(SCREENSHOT, instance_rules.may_open_vnc)),
        web.put(instances + "/{name}/freeze", freeze),
        web.put(instances + "/{name}/unfreeze", unfreeze),
    ]


def _read(what: str, check: Check) -> Route:
    async def get(request: web.Request) -> web.StreamResponse:
        vmi = await checked(request, check)
        answer = await request.app[AGENTS].get(vmi, what, request.query)
        return web.Response(body=answer.body, content_type=answer.content_type)

    return get


async def freeze(request: web.Request) -> web.Response:
    """PUT freeze: the guest's file systems are held still until unfreeze, or until the given time is over."""
    options = await read_options(request, FreezeUnfreezeTimeout)
    try:
        parse_duration(options.unfreeze_timeout or "0s")
    except Problem as e:
        raise StatusError(400, f"Can not unmarshal Request body to struct, error: {e}") from e
    vmi = await checked(request, instance_rules.may_freeze)
    await request.app[AGENTS].put(vmi, "freeze", body=await request.read())
    return web.Response(status=202)


async def unfreeze(request: web.Request) -> web.Response:
    """PUT unfreeze."""
    vmi = await checked(request, instance_rules.may_unfreeze)
    await request.app[AGENTS].put(vmi, "unfreeze")
    return web.Response(status=202)
