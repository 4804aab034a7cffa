"""What users ask of a running guest, beyond its life cycle: its agent's facts, frozen file systems, its screen.

virt-api has checked the request against the instance; here it is carried to the launcher, and a refusal of the
launcher travels back with its own words.
"""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.options import FreezeUnfreezeTimeout
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.times import parse_duration
from kubevirt.launcher_link.client import LauncherLink
from kubevirt.launcher_link.messages import FreezeRequest, ScreenshotRequest
from kubevirt.launcher_link.wire import LinkError, LinkUnavailable
from kubevirt.machine.domain_report import AgentReport
from kubevirt.machine.guest_information import filesystem_list, guest_agent_info, user_list
from kubevirt.virt_handler.instances.launchers import Launcher

Find = Callable[[web.Request], Launcher]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Work = Callable[[web.Request, LauncherLink], Awaitable[web.StreamResponse]]

log = logs.get("server")


def guest_routes(instance: str, find: Find) -> list[web.RouteDef]:
    """The routes below an instance's path."""
    return [
        web.get(instance + "guestosinfo", _on_link(find, _told(guest_agent_info))),
        web.get(instance + "userlist", _on_link(find, _told(user_list))),
        web.get(instance + "filesystemlist", _on_link(find, _told(filesystem_list))),
        web.get(instance + "usage", _on_link(find, _usage)),
        web.get(instance + "vnc/screenshot", _on_link(find, _screenshot)),
        web.put(instance + "freeze", _on_link(find, _freeze)),
        web.put(instance + "unfreeze", _on_link(find, _unfreeze)),
    ]


def _on_link(find: Find, work: Work) -> Handler:
    async def carry_out(request: web.Request) -> web.StreamResponse:
        launcher = find(request)
        try:
            return await work(request, launcher.open_link())
        except LinkUnavailable as e:
            raise web.HTTPServiceUnavailable(text=str(e)) from e
        except LinkError as e:
            raise web.HTTPInternalServerError(text=str(e)) from e

    return carry_out


def _told(answer: Callable[[AgentReport], msgspec.Struct]) -> Work:
    async def get(_request: web.Request, link: LauncherLink) -> web.StreamResponse:
        report = await link.guest_info()
        return web.Response(body=codec.encode(answer(report)), content_type="application/json")

    return get


async def _usage(_request: web.Request, link: LauncherLink) -> web.StreamResponse:
    return web.Response(body=msgspec.json.encode(await link.stats()), content_type="application/json")


async def _screenshot(request: web.Request, link: LauncherLink) -> web.StreamResponse:
    wake = request.query.get("moveCursor") == "true"
    picture = await link.screenshot(ScreenshotRequest(wake=wake))
    return web.Response(body=picture.data, content_type=picture.mime)


async def _freeze(request: web.Request, link: LauncherLink) -> web.StreamResponse:
    body = await request.read()
    try:
        given = codec.decode(FreezeUnfreezeTimeout, body) if body.strip() else FreezeUnfreezeTimeout()
        after_s = parse_duration(given.unfreeze_timeout or "0s").total_seconds()
    except Problem as e:
        raise web.HTTPBadRequest(text=f"Can not unmarshal Request body to struct, error: {e}") from e
    await link.freeze(FreezeRequest(unfreeze_after_s=after_s))
    log.info("file systems frozen", path=request.path)
    return web.Response(status=202)


async def _unfreeze(request: web.Request, link: LauncherLink) -> web.StreamResponse:
    await link.unfreeze()
    log.info("file systems thawed", path=request.path)
    return web.Response(status=202)
