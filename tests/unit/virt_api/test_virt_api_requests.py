"""Each sub-resource as a request: path, verb and body in; code, words and what was asked of cluster and node out.

The cluster and the node's agent are played, everything between is real. The rules themselves: test_virt_api_lifecycle,
_instance and _later; the gate: _gate; streams: _streams.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import msgspec
import pytest
from aiohttp import ClientSession, web

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.resource import Resource
from kubevirt.api.resources import NODES, VMIS, VMS
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import Status, from_status
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_api.__main__ import application
from kubevirt.virt_api.aggregator import Aggregator
from kubevirt.virt_api.metrics import ApiMetrics
from kubevirt.virt_api.node_agents import Answer, NodeAgents
from kubevirt.virt_api.streams import NO_STREAM

NAMESPACED = "/apis/subresources.kubevirt.io/{}/namespaces/n"
JANE = {"X-Remote-User": "jane", "X-Remote-Group": "devs"}
DRAIN = "kubevirt.io/drain"


def obj(name: str, phase: str = "", **members: Json) -> JsonObject:
    """An object of any kind; `phase` and what else its status holds come together."""
    status = members.pop("status", {})
    assert isinstance(status, dict)
    return {
        "metadata": {"name": name, "namespace": "n", "uid": "u", "resourceVersion": "7"},
        "status": {**({"phase": phase} if phase else {}), **status},
        **members,
    }


def conditions(*types: str) -> JsonObject:
    return {"conditions": [{"type": each, "status": "True"} for each in types]}


DOMAIN: JsonObject = {"domain": {}}
CLUSTER: dict[str, list[JsonObject]] = {
    VMS.plural: [
        obj("halted", spec={"runStrategy": "Halted", "template": {"spec": DOMAIN}}),
        obj("always", spec={"runStrategy": "Always", "template": {"spec": DOMAIN}}),
        obj("typed", spec={"runStrategy": "Halted", "template": {"spec": DOMAIN}, "instancetype": {"name": "huge"}}),
    ],
    VMIS.plural: [
        obj("always", "Running", spec=DOMAIN),
        obj("starting", "Scheduling", spec=DOMAIN),
        obj("failed", "Failed", spec=DOMAIN),
        obj("paused", "Running", spec=DOMAIN, status=conditions("Paused")),
        obj("agent", "Running", spec=DOMAIN, status=conditions("AgentConnected")),
        obj("leaving", "Running", spec=DOMAIN, status={"evacuationNodeName": "node1"}),
        obj("leaving-drained", "Running", spec=DOMAIN, status={"evacuationNodeName": "drained"}),
    ],
    NODES.plural: [
        obj("node1"),
        obj("drained", spec={"taints": [{"key": DRAIN, "effect": "NoSchedule"}]}),
    ],
}  # fmt: skip


@dataclass
class Cluster:
    """Reads from the table; remembers what is asked of it and of the node's agent, in one list."""

    asked: list[str] = field(default_factory=list)

    async def raw(self, method: str, path: str, *, body: bytes) -> bytes:
        return b'{"status": {"allowed": true}}'

    async def get(self, res: Resource[msgspec.Struct], name: str, namespace: str | None = None) -> msgspec.Struct:
        for each in CLUSTER.get(res.plural, []):
            # Every resource has metadata, which the bound of its type does not say.
            if codec.convert(each, res.type_).metadata.name == name:  # type: ignore[attr-defined]
                return codec.convert(each, res.type_)
        raise from_status(Status(code=404, reason="NotFound", message=f"{res.plural} {name!r} not found"))

    async def patch(self, res: Resource[msgspec.Struct], name: str, namespace: str, change: Sequence[JsonObject],
                    *, subresource: str = "", dry_run: bool = False) -> None:  # fmt: skip
        paths = " ".join(f"{each['op']} {each['path']}" for each in change)
        self.asked.append(f"{'dry ' if dry_run else ''}{res.plural}{subresource and '/' + subresource}: {paths}")

    async def put(self, vmi: msgspec.Struct, action: str, *, body: bytes = b"") -> None:
        self.asked.append(f"agent {action} {body.decode()}".strip())

    async def get_of_agent(self, vmi: msgspec.Struct, what: str, query: Mapping[str, str]) -> Answer:
        self.asked.append(f"agent {what} {dict(query) or ''}".strip())
        return Answer(content_type="application/json", body=b"{}")

    async def list(self, *_: object, **__: object) -> Sequence[msgspec.Struct]:
        return []


@dataclass
class Agent:
    """The agent's side of a `Cluster`, which has a `get` of its own."""

    cluster: Cluster

    def __post_init__(self) -> None:
        self.put, self.get = self.cluster.put, self.cluster.get_of_agent

    async def url(self, *_: object) -> str:
        raise AssertionError("a plain request reached the node")


class Vouching:
    def vouches(self, _: web.Request) -> bool:
        return True


@asynccontextmanager
async def virt_api(cluster: Cluster) -> AsyncIterator[ClientSession]:
    app = application(cast(Client, cluster), cast(Aggregator, Vouching()), cast(NodeAgents, Agent(cluster)), [],
                      lambda: ClusterConfig(), ApiMetrics(Measures(), host="api"))  # fmt: skip
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}", headers=JANE) as session:
            yield session
    finally:
        await runner.cleanup()


VM, VMI = "virtualmachines", "virtualmachineinstances"
GONE_VM, GONE_VMI = 'virtualmachine.kubevirt.io "gone" not found', 'virtualmachineinstance.kubevirt.io "gone" not found'


def no(kind: str, name: str, words: str) -> str:
    return f'Operation cannot be fulfilled on {kind}.kubevirt.io "{name}": {words}'


MACHINE, INSTANCE = "virtualmachine", "virtualmachineinstance"
SWITCHED = "test /spec/runStrategy replace /spec/runStrategy"
STOP_BODY = '{"gracePeriod": 1}'
BAD = "Can not unmarshal Request body to struct, error: "
REFUSED: list[tuple[str, str, str | None, int, str]] = [
    # verb, path, body, code, message
    *(("PUT", f"{VM}/gone/{each}", None, 404, GONE_VM)
      for each in ("start", "stop", "restart", "migrate", "addvolume", "removevolume", "memorydump",
                   "removememorydump")),
    *(("GET", f"{VM}/gone/{each}", None, 404, GONE_VM) for each in ("expand-spec", "portforward/22")),
    *(("GET", f"{VMI}/gone/{each}", None, 404, GONE_VMI)
      for each in ("console", "vnc", "vnc/screenshot", "usbredir", "vsock", "portforward/22", "guestosinfo", "userlist",
                   "filesystemlist", "sev/fetchcertchain", "sev/querylaunchmeasurement", "usage")),
    *(("PUT", f"{VMI}/gone/{each}", None, 404, GONE_VMI)
      for each in ("pause", "unpause", "freeze", "unfreeze", "softreboot", "reset", "addvolume", "removevolume",
                   "sev/setupsession", "sev/injectlaunchsecret", "backup", "redefine-checkpoint")),
    *(("PUT", f"{VM}/{name}", "{", 400, BAD)
      for name in ("halted/start", "always/stop", "always/restart", "always/memorydump")),
    ("PUT", f"{VMI}/always/pause", "{", 400, BAD),
    ("PUT", f"{VMI}/always/freeze", '{"unfreezeTimeout": "soon"}', 400, BAD),
    ("PUT", f"{VM}/always/stop", '{"dryRun": ["None"]}', 400, "invalid dryRun ['None']: only All is supported"),
    ("PUT", f"{VM}/always/start", None, 409, no(MACHINE, "always", "VM is already running")),
    ("PUT", f"{VM}/halted/stop", None, 409, no(MACHINE, "halted", "VM is not running")),
    ("PUT", f"{VM}/halted/restart", None, 409,
     no(MACHINE, "halted", "RunStategy Halted does not support manual restart requests")),
    ("GET", f"{VM}/typed/expand-spec", None, 500, "Internal error occurred: "),
    ("GET", f"{VM}/always/objectgraph", None, 400, "'ObjectGraph' feature gate is not enabled"),
    ("GET", f"{VMI}/always/objectgraph", None, 400, "'ObjectGraph' feature gate is not enabled"),
    ("PUT", f"{VM}/always/evacuate/cancel", None, 400, "No body"),
    ("PUT", f"{VMI}/gone/evacuate/cancel", "{}", 404, GONE_VMI),
    ("PUT", f"{VMI}/leaving-drained/evacuate/cancel", '{"evacuationNodeName": "drained"}', 400,
     f'Node "drained" has NodeDrainTaintKey "{DRAIN}"'),
    ("PUT", "expand-vm-spec", None, 400, "empty request body"),
    ("GET", f"{VMI}/failed/console", None, 409, no(INSTANCE, "failed", "VMI is in failed status")),
    *(("GET", f"{VMI}/starting/{each}", None, 400, "VMI is not running")
      for each in ("console", "vnc", "vnc/screenshot")),
    *(("GET", f"{VMI}/starting/{each}", None, 409, no(INSTANCE, "starting", "VMI is not running"))
      for each in ("guestosinfo", "userlist", "filesystemlist")),
    *(("PUT", f"{VMI}/starting/{each}", None, 409, no(INSTANCE, "starting", "VM is not running"))
      for each in ("pause", "freeze", "softreboot")),
    *(("PUT", f"{VMI}/starting/{each}", None, 409, no(INSTANCE, "starting", "VMI is not running"))
      for each in ("unpause", "unfreeze")),
    ("PUT", f"{VMI}/starting/reset", None, 409,
     no(INSTANCE, "starting", "Failed to reset non-running VMI with phase Scheduling: VMI is not running")),
    ("GET", f"{VMI}/always/guestosinfo", None, 409,
     no(INSTANCE, "always", "VMI does not have guest agent connected")),
    ("GET", f"{VMI}/paused/portforward/22", None, 409, no(INSTANCE, "paused", "VMI is paused")),
    ("GET", f"{VMI}/always/portforward/22", None, 409, "the instance has no address yet"),
    # A request that cannot become a stream must not get as far as the node, where it would end somebody's session.
    *(("GET", f"{VMI}/always/{each}", None, 400, NO_STREAM) for each in ("console", "vnc")),
    ("GET", f"{VMI}/always/nonsense", None, 404, "GET /apis/"),
    ("POST", f"{VMI}/always/pause", None, 405, "POST /apis/"),
]  # fmt: skip


@pytest.mark.parametrize("version", ["v1", "v1alpha3"])
async def test_refusals(version: str) -> None:
    wrong: list[str] = []
    async with virt_api(cluster := Cluster()) as session:
        for verb, path, body, code, message in REFUSED:
            url = f"{NAMESPACED.format(version)}/{path}"
            async with session.request(verb, url, data=body) as answer:
                told = await answer.json()
            as_said = told["message"] == message or (message.endswith((" ", "/", "yet")) and message in told["message"])
            if (answer.status, told["code"], told["kind"]) != (code, code, "Status") or not as_said:
                wrong.append(f"{verb} {path}: {answer.status} {told['message']!r} instead of {code} {message!r}")
    assert wrong == []
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "code", "asked"),
    [
        ("PUT", f"{VM}/halted/start", None, 202, [f"{VM}: {SWITCHED}"]),
        ("PUT", f"{VM}/halted/start", '{"dryRun": ["All"]}', 202,
         [f"dry {VM}: {SWITCHED}"]),
        ("PUT", f"{VM}/halted/start", '{"paused": true}', 202, [f"{VM}/status: add /status"]),
        ("PUT", f"{VM}/always/stop", STOP_BODY, 202,
         [f"{VMI}: add /spec/terminationGracePeriodSeconds", f"{VM}: {SWITCHED}"]),
        ("PUT", f"{VM}/always/restart", None, 202, [f"{VM}/status: add /status"]),
        ("GET", f"{VM}/halted/expand-spec", None, 200, []),
        ("PUT", f"{VMI}/always/pause", None, 202, ["agent pause"]),
        ("PUT", f"{VMI}/always/pause", '{"dryRun": ["All"]}', 202, []),
        ("PUT", f"{VMI}/paused/unpause", None, 202, ["agent unpause"]),
        ("PUT", f"{VMI}/always/freeze", '{"unfreezeTimeout": "5m"}', 202, ['agent freeze {"unfreezeTimeout": "5m"}']),
        ("PUT", f"{VMI}/always/unfreeze", None, 202, ["agent unfreeze"]),
        ("PUT", f"{VMI}/always/softreboot", None, 202, ["agent softreboot"]),
        ("PUT", f"{VMI}/always/reset", None, 202, ["agent reset"]),
        ("GET", f"{VMI}/agent/userlist", None, 200, ["agent userlist"]),
        ("GET", f"{VMI}/always/vnc/screenshot?moveCursor=true", None, 200,
         ["agent vnc/screenshot {'moveCursor': 'true'}"]),
        ("PUT", f"{VM}/always/evacuate/cancel", "{}", 200, []),
        ("PUT", f"{VMI}/leaving/evacuate/cancel", '{"evacuationNodeName": "node1"}', 200,
         [f"{VMI}: test /status/evacuationNodeName remove /status/evacuationNodeName"]),
        ("PUT", f"{VMI}/leaving/evacuate/cancel", '{"evacuationNodeName": "node1", "dryRun": ["All"]}', 200,
         [f"dry {VMI}: test /status/evacuationNodeName remove /status/evacuationNodeName"]),
        ("PUT", "expand-vm-spec", '{"spec": {"template": {"spec": {"domain": {}}}}}', 200, []),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)  # fmt: skip
async def test_what_is_done(verb: str, path: str, body: str | None, code: int, asked: list[str]) -> None:
    async with (
        virt_api(cluster := Cluster()) as session,
        session.request(verb, f"{NAMESPACED.format('v1')}/{path}", data=body) as answer,
    ):
        assert answer.status == code, await answer.text()
    assert cluster.asked == asked
