"""What virt-api tells Prometheus: open streams, and machines let through."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from kubevirt.kube.metrics import page
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_api.metrics import ApiMetrics, stream_of
from tests.metrics import API, differences

BASE = "/apis/subresources.kubevirt.io/v1/namespaces/shop/"


@pytest.mark.parametrize(("path", "kind"), [
    (BASE + "virtualmachineinstances/web/console", "console"),
    (BASE + "virtualmachineinstances/web/vnc", "vnc"),
    (BASE + "virtualmachines/web/portforward/22/tcp", "portforward"),
    (BASE + "virtualmachineinstances/web/usbredir", "usbredir"),
    (BASE + "virtualmachineinstances/web/vnc/screenshot", ""),
    (BASE + "virtualmachineinstances/web/pause", ""),
    (BASE + "virtualmachineinstances/console", ""),
    ("/console", ""),
    ("/virtualmachines-validate", ""),
])
def test_which_stream_a_path_opens(path: str, kind: str) -> None:
    assert stream_of(path) == kind


async def test_the_page_holds_what_the_table_says_and_nothing_else() -> None:
    measures, gone, entered = Measures(), asyncio.Event(), asyncio.Semaphore(0)
    measures.requests.begin("GET", "/api/v1/nodes/node01", ())("200")
    metrics = ApiMetrics(measures, host="api")
    metrics.machine_created("shop")

    async def stream(request: web.Request) -> web.Response:
        entered.release()
        if request.query.get("stay"):
            await gone.wait()
        return web.Response()

    app = web.Application(middlewares=[metrics.follow()])
    app.router.add_routes([web.get(BASE + "{resource}/{name}/{kind:.*}", stream), page.route(metrics.gather)])
    async with TestClient(TestServer(app)) as client:
        of_instance = BASE + "virtualmachineinstances/web/"
        await client.get(of_instance + "console")
        kinds = ("console", "vnc", "usbredir", "portforward/22")
        opened = [asyncio.create_task(client.get(f"{of_instance}{kind}?stay=1")) for kind in kinds]
        for _ in range(len(kinds) + 1):
            await entered.acquire()
        text = await (await client.get("/metrics")).text()
        gone.set()
        await asyncio.gather(*opened)
    assert differences(text, API) == []


async def test_streams_are_counted_while_they_last() -> None:
    metrics, gone = ApiMetrics(Measures(), host="api"), asyncio.Event()
    entered = asyncio.Event()

    async def stream(_request: web.Request) -> web.Response:
        entered.set()
        await gone.wait()
        return web.Response()

    app = web.Application(middlewares=[metrics.follow()])
    app.router.add_routes([web.get(BASE + "{resource}/{name}/console", stream), page.route(metrics.gather)])
    metrics.machine_created("shop")
    metrics.is_ready = True
    async with TestClient(TestServer(app)) as client:
        opened = asyncio.create_task(client.get(BASE + "virtualmachineinstances/web/console"))
        await entered.wait()
        during = await families(client)
        gone.set()
        await opened
        after = await families(client)
    (sample,) = during["kubevirt_console_active_connections"].samples
    assert (sample.labels["vmi"], sample.value) == ("web", 1)
    assert after["kubevirt_console_active_connections"].samples == []
    (ended,) = after["kubevirt_vmi_last_api_connection_timestamp_seconds"].samples
    assert ended.value > 1e9
    assert [s.value for s in after["kubevirt_virt_api_ready_status"].samples] == [1]
    assert [s.value for s in after["kubevirt_vm_created_by_pod"].samples] == [1]


async def families(client: TestClient[web.Request, web.Application]) -> dict[str, Metric]:
    answer = await client.get(page.PATH)
    assert answer.headers["Content-Type"] == page.CONTENT_TYPE
    return {f.name: f for f in text_string_to_metric_families(await answer.text())}


async def test_no_more_than_a_few_pages_at_once() -> None:
    entered, wait = asyncio.Semaphore(0), asyncio.Event()

    async def slow() -> page.Write:
        entered.release()
        await wait.wait()
        return lambda: ()

    app = web.Application()
    app.router.add_routes([page.route(slow)])
    async with TestClient(TestServer(app)) as client:
        under_way = [asyncio.create_task(client.get(page.PATH)) for _ in range(page.AT_ONCE)]
        for _ in under_way:
            await entered.acquire()
        refused = await client.get(page.PATH)
        assert refused.status == 503
        assert "under way" in await refused.text()
        wait.set()
        assert {(await each).status for each in under_way} == {200}
