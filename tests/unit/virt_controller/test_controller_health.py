"""What virt-controller answers of itself: to the kubelet, and to people and monitors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from kubevirt.api import codec
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kube.errors import ServerTrouble
from kubevirt.virt_controller import health

VERSION = {"major": "1", "gitVersion": "v1.34.2"}
INSTALLED = {"metadata": {"name": "kubevirt", "namespace": "kubevirt", "resourceVersion": "77"}}


class ApiServer:
    """A client of one that answers, or refuses, or says nothing."""

    def __init__(self, *, installed: bool = True, trouble: str = "") -> None:
        self.installed, self.trouble = installed, trouble

    async def raw(self, method: str, path: str) -> bytes:
        assert (method, path) == ("GET", "/version")
        if self.trouble == "silent":
            await asyncio.Event().wait()
        if self.trouble:
            raise ServerTrouble(status=500, reason="InternalError", message=self.trouble)
        return b'{"major": "1", "gitVersion": "v1.34.2"}'

    async def list(self, _: Any, namespace: str) -> list[KubeVirt]:
        assert namespace == "kubevirt"
        return [codec.convert(INSTALLED, KubeVirt)] if self.installed else []


async def asked(path: str, server: ApiServer, *, leads: bool = False) -> tuple[int, Any]:
    client: Any = server
    app = web.Application()
    app.router.add_routes(health.routes(client, namespace="kubevirt", is_leading=lambda: leads))
    async with TestClient(TestServer(app)) as session:
        answer = await session.get(path)
        return answer.status, await answer.json()


@pytest.mark.parametrize(("server", "status", "told"), [
    pytest.param(ApiServer(), 200, {"apiserver": {"connectivity": "ok", "version": VERSION},
                                    "config-resource-version": "77"}, id="all is well"),
    pytest.param(ApiServer(installed=False), 200, {"apiserver": {"connectivity": "ok", "version": VERSION},
                                                   "config-resource-version": ""}, id="nothing is configured yet"),
    pytest.param(ApiServer(trouble="etcd is down"), 500,
                 {"apiserver": {"connectivity": "failed", "error": "etcd is down"}}, id="it is in trouble"),
    pytest.param(ApiServer(trouble="silent"), 500,
                 {"apiserver": {"connectivity": "failed", "error": "the API server did not answer within 0.01 s"}},
                 id="it does not answer"),
])
async def test_how_it_stands_with_the_api_server(server: ApiServer, status: int, told: Any,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    if server.trouble == "silent":
        monkeypatch.setattr(health, "ANSWER_WITHIN_S", 0.01)
    assert await asked("/healthz", server) == (status, told)


@pytest.mark.parametrize(("leads", "told"), [(True, "true"), (False, "false")])
async def test_who_leads(leads: bool, told: str) -> None:
    """A copy that waits is as healthy as the one that works, so the answer is the same but for the word."""
    assert await asked("/leader", ApiServer(trouble="nobody asks it"), leads=leads) == (
        200, {"apiserver": {"leader": told}})
