"""Pushing to a registry: what is sent, what is not sent twice, how it logs in.

The registry here keeps what it is sent and checks digests and tokens as a real one does.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from images import layers, oci, push
from images.layers import Entry
from images.oci import Image
from images.steps import CannotBuild

LOGIN = "Basic " + base64.b64encode(b"me:secret").decode()


class SmallRegistry:
    """The part of the distribution API that pushes use, with a token service."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.uploads = 0
        self.address = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.path == "/token":
            known = request.headers.get("Authorization") == LOGIN
            return web.json_response({"token": "t"}) if known else web.Response(status=401)
        if request.headers.get("Authorization") != "Bearer t":
            challenge = f'Bearer realm="http://{self.address}/token",service="here"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        content = await request.read()
        match request.method, request.path.rsplit("/", 2)[1:]:
            case "HEAD", ["blobs", digest]:
                return web.Response(status=200 if digest in self.blobs else 404)
            case "POST", ["uploads", ""]:
                return web.Response(status=202, headers={"Location": f"{request.path}{self.uploads}?state=x"})
            case "PUT", ["uploads", _]:
                assert request.query["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
                self.uploads += 1
                self.blobs[request.query["digest"]] = content
                return web.Response(status=201)
            case "PUT", ["manifests", _]:
                parts = json.loads(content)
                assert {p["digest"] for p in [*parts["layers"], parts["config"]]} <= self.blobs.keys()
                self.manifests[request.path] = content
                return web.Response(status=201)
        return web.Response(status=404)


@pytest.fixture
async def registry() -> AsyncIterator[SmallRegistry]:
    server = SmallRegistry()
    application = web.Application(client_max_size=1 << 26)
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
def image_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layers, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(oci, "OUTPUT", tmp_path / "out/images")
    monkeypatch.setattr(push, "OUTPUT", tmp_path / "out/images")
    (tmp_path / "file").write_text("content")
    layer = layers.from_entries("x", "x", [Entry(name="x", source=tmp_path / "file")], key="k", compress=False)
    return oci.write(Image(repository="docker.io/kubevirt/virt", layers=[layer]), "virt")


def log_in(directory: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    logins = {f"https://{address}/v1/": {"auth": LOGIN.split()[1]}}
    (directory / "config.json").write_text(json.dumps({"auths": logins}))
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))


async def test_without_a_login_the_user_is_told_what_to_do(
    registry: SmallRegistry, image_tar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(CannotBuild, match="log in"):
        await push.push_all(f"http://{registry.address}/team")
    assert not registry.blobs


async def test_an_unreachable_registry_is_named(image_tar: Path) -> None:
    with pytest.raises(CannotBuild, match=r"127\.0\.0\.1:9 cannot be reached"):
        await push.push_all("http://127.0.0.1:9/team")


async def test_a_push_is_complete_and_sends_nothing_twice(
    registry: SmallRegistry,
    image_tar: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_in(tmp_path, monkeypatch, registry.address)
    await push.push_all(f"http://{registry.address}/team")
    tag = json.loads(image_tar.with_suffix(".json").read_text())["reference"].rpartition(":")[2]
    assert list(registry.manifests) == [f"/v2/team/virt/manifests/{tag}"]
    assert f"--image {registry.address}/team/virt:{tag}" in capsys.readouterr().out
    assert registry.uploads == 2
    await push.push_all(f"http://{registry.address}/team")
    assert registry.uploads == 2


async def test_a_registry_without_a_path_is_fine(
    registry: SmallRegistry, image_tar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(tmp_path, monkeypatch, registry.address)
    async with aiohttp.ClientSession() as session:
        pushed = await push.Registry(f"http://{registry.address}", session).push(image_tar, "virt", "v1")
    assert pushed == f"{registry.address}/virt:v1"
