"""Downloads, uploads and forwarded pod ports over real connections; a small web server plays cluster and storage."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.client import Client
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.export import work
from kubevirt.virtctl.export.order import Order
from kubevirt.virtctl.pod_streams import forwarded
from kubevirt.virtctl.session import Session
from kubevirt.virtctl.upload import order as uploads
from kubevirt.virtctl.upload import sending, steps

DATA = bytes(range(256)) * 4096
EXPORTS = "/apis/export.kubevirt.io/v1/namespaces/ns/virtualmachineexports"
CORE = "/api/v1/namespaces/ns"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class World:
    """A web server with routes, and what was asked of it."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Handler] = {}
        self.asked: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, body: Json = None, *, status: int = 200) -> None:
        """A route with a fixed answer."""

        async def reply(_: web.Request) -> web.StreamResponse:
            return web.json_response(body if body is not None else {}, status=status)

        self.routes[method, path] = reply

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path.rpartition('/')[2]}")
        handler = self.routes.get((request.method, request.path))
        if handler is None:
            return web.json_response({"kind": "Status", "reason": "NotFound", "code": 404, "message": "not found"},
                                     status=404)  # fmt: skip
        return await handler(request)


@asynccontextmanager
async def world() -> AsyncIterator[tuple[World, Session]]:
    made = World()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with Client(ClusterAccess(server=made.url), program="virtctl") as client:
        yield made, Session(client=client, namespace="ns")
    await runner.cleanup()


def export(made: World, name: str = "x") -> None:
    """An export that is ready, with one volume, packed."""
    formats: list[Json] = [{"format": "gzip", "url": f"{made.url}/volumes/disk.img.gz"}]
    links: JsonObject = {"external": {"volumes": [{"name": "disk", "formats": formats}]}}
    status: JsonObject = {"phase": "Ready", "links": links, "tokenSecretRef": "secret"}
    made.answer("GET", f"{EXPORTS}/{name}", {"metadata": {"name": name}, "status": status})
    made.answer("GET", f"{CORE}/secrets/secret", {"data": {"token": base64.b64encode(b"key").decode()}})

    async def disk(request: web.Request) -> web.StreamResponse:
        assert request.headers["x-kubevirt-export-token"] == "key"
        return web.Response(body=gzip.compress(DATA))

    made.routes["GET", "/volumes/disk.img.gz"] = disk


@pytest.mark.parametrize("format_", ["gzip", "raw"])
async def test_a_volume_is_downloaded(format_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "disk"
    async with world() as (made, session):
        export(made)
        await work.download(session, Order(name="x", output=str(file), format=format_))
        assert "DELETE x" not in made.asked, "an export that was there before stays"
    got = file.read_bytes()
    assert (got if format_ == "raw" else gzip.decompress(got)) == DATA
    unpacking = ["Decompressing image:"] if format_ == "raw" else []
    assert capsys.readouterr().out.splitlines() == [*unpacking, "Download finished successfully"]


async def test_manifests_with_the_secret_that_they_refer_to(tmp_path: Path) -> None:
    file = tmp_path / "manifests"
    async with world() as (made, session):
        export(made)
        kinds: list[Json] = [{"type": each, "url": f"{made.url}/{each}"} for each in ("auth-header-secret", "all")]
        links: JsonObject = {"manifests": kinds}
        made.answer("GET", f"{EXPORTS}/x", {"status": {"phase": "Ready", "links": {"external": links},
                                                       "tokenSecretRef": "secret"}})  # fmt: skip

        async def manifest(request: web.Request) -> web.StreamResponse:
            assert request.headers["Accept"] == "application/json"
            return web.Response(text=f"{request.path}\n")

        made.routes |= {("GET", "/all"): manifest, ("GET", "/auth-header-secret"): manifest}
        order = Order(name="x", output=str(file), manifest=True, include_secret=True, manifest_format="json")
        await work.download(session, order)
    assert file.read_text() == "/all\n/auth-header-secret\n"


async def test_a_download_through_a_forwarded_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The export's server is reached through its pod; the address in the link is one of the cluster's own."""
    file = tmp_path / "disk"
    async with world() as (made, session):
        export(made)
        formats: list[Json] = [{"format": "gzip", "url": "http://server.ns.svc/volumes/disk.img.gz"}]
        links: JsonObject = {"internal": {"volumes": [{"name": "disk", "formats": formats}]}}
        made.answer("GET", f"{EXPORTS}/x", {"status": {"phase": "Ready", "links": links, "serviceName": "server",
                                                       "tokenSecretRef": "secret"}})  # fmt: skip
        ports: list[Json] = [{"port": 80, "targetPort": 80}, {"port": 443, "targetPort": 8443}]
        made.answer("GET", f"{CORE}/services/server", {"spec": {"selector": {"export": "x"}, "ports": ports}})
        made.answer("GET", f"{CORE}/pods", {"items": [{"metadata": {"name": "pod"}}]})
        made.routes["GET", f"{CORE}/pods/pod/portforward"] = pod_with_a_port(8443, made.url)
        await work.download(session, Order(name="x", output=str(file), port_forward=True))
    assert gzip.decompress(file.read_bytes()) == DATA
    assert capsys.readouterr().out.splitlines() == ["Port forwarding is ready.", "Download finished successfully"]


def pod_with_a_port(port: int, server: str) -> Handler:
    """The kubelet's protocol, a byte for the channel and the port's number first; behind it is a server of ours."""

    async def forward(request: web.Request) -> web.StreamResponse:
        assert request.query["ports"] == str(port)
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        for channel in (b"\0", b"\1"):
            await socket.send_bytes(channel + port.to_bytes(2, "little"))
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.rpartition(":")[2]))

        async def answer() -> None:
            while data := await reader.read(65536):
                await socket.send_bytes(b"\0" + data)

        async with Tasks() as tasks:
            tasks.spawn(answer(), name="answers of the server")
            async for message in socket:
                writer.write(message.data[1:])
        writer.close()
        return socket

    return forward


async def test_an_export_made_for_a_download_goes_with_it(tmp_path: Path) -> None:
    async with world() as (made, session):

        async def create(_: web.Request) -> web.StreamResponse:
            export(made)
            return web.json_response({"metadata": {"name": "x", "uid": "u"}})

        made.routes["POST", EXPORTS] = create
        made.answer("POST", f"{CORE}/secrets")
        made.answer("DELETE", f"{EXPORTS}/x")
        await work.download(session, Order(name="x", kind="pvc", source="p", output=str(tmp_path / "disk")))
        assert made.asked[-1] == "DELETE x"
        posted = [each for each in made.asked if each.startswith("POST")]
        assert posted == ["POST virtualmachineexports", "POST secrets"]


async def test_a_bad_answer_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "POLL_S", 0)
    async with world() as (made, session):
        export(made)
        made.answer("GET", "/volumes/disk.img.gz", status=503)
        with pytest.raises(CommandError, match="retry count reached, exiting unsuccessfully"):
            await work.download(session, Order(name="x", output=str(tmp_path / "disk"), retry=1))
    assert capsys.readouterr().out.splitlines() == [
        "Bad status: 503 Service Unavailable", "Retrying...", "Bad status: 503 Service Unavailable",
    ]  # fmt: skip


async def test_an_export_that_never_gets_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "POLL_S", 0)
    async with world() as (made, session):
        made.answer("GET", f"{EXPORTS}/x", {"status": {"phase": "Pending"}})
        with pytest.raises(CommandError, match="context deadline exceeded"):
            await work.download(session, Order(name="x", output=str(tmp_path / "f"), readiness_timeout_s=0.01))


CLAIMS = f"{CORE}/persistentvolumeclaims"
TOKENS = "/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/ns/uploadtokenrequests"


def with_path(path: Path) -> uploads.Order:
    path.write_bytes(DATA)
    return uploads.Order(kind="pvc", name="p", path=str(path), size="1Mi", retry=2)


async def test_an_upload_from_the_claim_to_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "POLL_S", 0)
    monkeypatch.setattr(sending, "LONGEST_PAUSE_S", 0)
    received: list[bytes] = []
    annotations: JsonObject = {}
    tokens = iter(("old", "new"))
    async with world() as (made, session):

        async def create(_: web.Request) -> web.StreamResponse:
            annotations["cdi.kubevirt.io/storage.pod.ready"] = "true"
            made.answer("GET", f"{CLAIMS}/p", {"metadata": {"name": "p", "annotations": annotations}})
            return web.json_response({})

        async def token(_: web.Request) -> web.StreamResponse:
            return web.json_response({"status": {"token": next(tokens)}})

        async def take(request: web.Request) -> web.StreamResponse:
            if request.headers["Authorization"] != "Bearer new":
                return web.Response(status=401, text="stale")
            received.append(await request.read())
            annotations["cdi.kubevirt.io/storage.pod.phase"] = "Succeeded"
            made.answer("GET", f"{CLAIMS}/p", {"metadata": {"name": "p", "annotations": annotations}})
            return web.Response()

        made.routes |= {("POST", CLAIMS): create, ("POST", TOKENS): token, ("POST", "/v1beta1/upload"): take}
        made.answer("GET", "/apis/cdi.kubevirt.io/v1beta1/cdiconfigs/config", {"status": {"uploadProxyURL": made.url}})
        order = with_path(tmp_path / "image")
        await steps.upload(session, order)
        url = made.url
    assert received == [DATA]
    assert capsys.readouterr().out.splitlines() == [
        "PVC ns/p not found ", "PersistentVolumeClaim ns/p created", f"Uploading data to {url}",
        "Uploading data completed successfully, waiting for processing to complete, you can hit ctrl-c without "
        "interrupting the progress", "Processing completed successfully", f"Uploading {order.path} completed "
        "successfully",
    ]  # fmt: skip


async def test_an_upload_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LONGEST_PAUSE_S", 0)
    async with world() as (made, session):
        made.answer("POST", TOKENS, {"status": {"token": "t"}})
        made.answer("HEAD", "/v1beta1/upload-async")
        made.answer("POST", "/v1beta1/upload-async", {"full": True}, status=500)
        with pytest.raises(CommandError, match="error uploading image after 2 retries: unexpected return value 500, "):
            await sending.send_file(session, with_path(tmp_path / "image"), made.url)
        assert made.asked.count("POST upload-async") == 3


async def test_a_port_of_a_pod() -> None:
    """The kubelet's protocol: a byte for the channel, the port's number first."""

    async def pod(request: web.Request) -> web.StreamResponse:
        assert request.query["ports"] == "8443"
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        for channel in (b"\0", b"\1"):
            await socket.send_bytes(channel + (8443).to_bytes(2, "little"))
        async for message in socket:
            assert message.type is aiohttp.WSMsgType.BINARY
            await socket.send_bytes(b"\0" + message.data[1:].upper())
        return socket

    async with world() as (made, session):
        made.routes["GET", f"{CORE}/pods/server/portforward"] = pod
        async with forwarded(session, "server", 8443, 0) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            assert await asyncio.wait_for(reader.readexactly(5), 5) == b"HELLO"
            writer.close()
            await writer.wait_closed()
