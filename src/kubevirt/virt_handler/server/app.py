"""The server that virt-api speaks to: streams and life-cycle verbs of the instances on this node, on port 8186.

Mutual TLS, and only one client is let in: whoever holds virt-api's certificate for handlers. Users are authenticated
and authorized by virt-api; here nobody asks again. /healthz is plain HTTP on a port of its own, for the kubelet's
probes.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.certs import CertificateFiles, ServerTls
from kubevirt.launcher_link.client import LauncherLink
from kubevirt.launcher_link.wire import LinkError, LinkUnavailable
from kubevirt.virt_handler.instances.launchers import Launcher, Launchers
from kubevirt.virt_handler.server.guest_routes import guest_routes
from kubevirt.virt_handler.server.streams import CONSOLE, USB, USB_SLOTS, VNC, Kind, Streams
from kubevirt.virt_handler.settings import Settings

CLIENT_NAME = "kubevirt.io:system:client:virt-handler"
"""Common name of the certificate that virt-api shows."""
_INSTANCE = "/v1/namespaces/{namespace}/virtualmachineinstances/{name}/"
_SHUTDOWN_S = 5.0

log = logs.get("server")

Verb = Callable[[LauncherLink], Awaitable[None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_VERBS: dict[str, Verb] = {
    "pause": LauncherLink.pause,
    "unpause": LauncherLink.unpause,
    "softreboot": LauncherLink.soft_reboot,
    "reset": LauncherLink.reset,
}


@asynccontextmanager
async def serving(settings: Settings, launchers: Launchers) -> AsyncIterator[None]:
    """Serve until left; open streams are then told why they end."""
    tls = ServerTls(
        CertificateFiles.mounted(settings.server_certificate, settings.authorities), client_required=True
    )
    health = web.Application()
    health.router.add_get("/healthz", _answer_health)
    app = web.Application(middlewares=[only_virt_api])
    async with Tasks() as tasks, AsyncExitStack() as servers:
        streams = Streams(tasks)
        servers.callback(streams.close)
        app.router.add_routes(routes(launchers, streams))
        await servers.enter_async_context(_running(app, settings.port, tls.context))
        await servers.enter_async_context(_running(health, settings.health_port, None))
        try:
            yield
        finally:
            streams.end_all()


def routes(launchers: Launchers, streams: Streams) -> list[web.RouteDef]:
    """Every route of the instances."""
    return [
        *(web.get(_INSTANCE + kind.name, _stream(launchers, streams, kind)) for kind in (CONSOLE, VNC)),
        web.get(_INSTANCE + USB, _usb_stream(launchers, streams)),
        *(web.put(_INSTANCE + name, _verb(launchers, name, verb)) for name, verb in _VERBS.items()),
        *guest_routes(_INSTANCE, lambda request: _launcher(launchers, request)),
    ]


@web.middleware
async def only_virt_api(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Any certificate of our authority passes TLS; only virt-api's passes here."""
    certificate = (request.transport.get_extra_info("peercert") if request.transport is not None else None) or {}
    if CLIENT_NAME not in common_names(certificate.get("subject", ())):
        raise web.HTTPForbidden(text="only virt-api may use this server")
    return await handler(request)


Subject = tuple[tuple[tuple[str, str], ...], ...]


def common_names(subject: Subject) -> list[str]:
    """The common names in a certificate's subject, in the form that Python's ssl gives it."""
    return [value for part in subject for key, value in part if key == "commonName"]


def _launcher(launchers: Launchers, request: web.Request) -> Launcher:
    key = f"{request.match_info['namespace']}/{request.match_info['name']}"
    launcher = launchers.get(key)
    if launcher is None:
        raise web.HTTPNotFound(text=f"VirtualMachineInstance {key} is not running on this node")
    return launcher


def _stream(launchers: Launchers, streams: Streams, kind: Kind) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await streams.serve(request, _launcher(launchers, request), kind)

    return serve


def _usb_stream(launchers: Launchers, streams: Streams) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        launcher = _launcher(launchers, request)
        free = next((slot for slot in USB_SLOTS if not streams.is_taken(launcher, slot)), None)
        if free is None:
            raise web.HTTPServiceUnavailable(
                text=f"all {len(USB_SLOTS)} USB redirection slots are in use; end one of the redirections"
            )
        return await streams.serve(request, launcher, free)

    return serve


def _verb(launchers: Launchers, name: str, verb: Verb) -> Handler:
    async def carry_out(request: web.Request) -> web.StreamResponse:
        launcher = _launcher(launchers, request)
        try:
            await verb(launcher.open_link())
        except LinkUnavailable as e:
            raise web.HTTPServiceUnavailable(text=str(e)) from e
        except LinkError as e:
            raise web.HTTPInternalServerError(text=str(e)) from e
        log.info("verb carried out", vmi=launcher.key, verb=name)
        return web.Response(status=202)

    return carry_out


async def _answer_health(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


@asynccontextmanager
async def _running(app: web.Application, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, None, port, ssl_context=tls).start()
        except OSError as e:
            raise Problem(
                cause=f"port {port} cannot be served: {e.strerror}",
                remedy="see whether another virt-handler runs in the same pod or namespace",
            ) from e
        yield
    finally:
        await runner.cleanup()
