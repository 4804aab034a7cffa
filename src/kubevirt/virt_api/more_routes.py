"""Sub-resources that need no handler: the graph of objects, evacuations called off, the checks of a memory dump."""

from __future__ import annotations

from aiohttp import web

from kubevirt.api import codec, names
from kubevirt.api.options import EvacuateCancelOptions, ObjectGraphOptions
from kubevirt.api.resources import NODES, PODS, PVCS, VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem, Refused
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound
from kubevirt.virt_api import later, object_graph
from kubevirt.virt_api.lifecycle import Declined
from kubevirt.virt_api.memory_dump import may_dump, wanted_claim
from kubevirt.virt_api.objects import find_vmi, patch, read_options, read_vm, read_vmi
from kubevirt.virt_api.replies import StatusError
from kubevirt.virt_api.server import CLIENT
from kubevirt.virt_api.webhooks import CurrentConfig

GRAPH_GATE = "ObjectGraph"
MACHINES, INSTANCES = "virtualmachines", "virtualmachineinstances"


def routes(base: str, config: CurrentConfig) -> list[web.RouteDef]:
    """The routes; `base` holds version and namespace."""

    async def machine_graph(request: web.Request) -> web.Response:
        client, namespace, name = _place(request)
        options = await _graph_options(request, config)
        vm, vmi = await read_vm(client, namespace, name), await find_vmi(client, namespace, name)
        return _graph(object_graph.of_machine(vm, vmi, await _launcher_pod(client, vmi)), options)

    async def instance_graph(request: web.Request) -> web.Response:
        client, namespace, name = _place(request)
        options = await _graph_options(request, config)
        vmi = await read_vmi(client, namespace, name)
        return _graph(object_graph.of_instance(vmi, await _launcher_pod(client, vmi)), options)

    async def cancel_of_machine(request: web.Request) -> web.Response:
        client, namespace, name = _place(request)
        await read_vm(client, namespace, name)
        return await _cancel_evacuation(request, config)

    async def cancel_of_instance(request: web.Request) -> web.Response:
        return await _cancel_evacuation(request, config)

    async def memory_dump(request: web.Request) -> web.Response:
        client, namespace, name = _place(request)
        vm, vmi = await read_vm(client, namespace, name), await find_vmi(client, namespace, name)
        try:
            wanted = wanted_claim(vm, await request.read())
            try:
                claim = await client.get(PVCS, wanted, namespace)
            except NotFound as e:
                raise StatusError(404, f'persistentvolumeclaims "{wanted}" not found',
                                  {"name": wanted, "kind": "persistentvolumeclaims"}) from e  # fmt: skip
            may_dump(vm, vmi, claim, config())
        except Declined as e:
            raise later.declined_reply(MACHINES, name, e) from e
        raise StatusError(400, later.MEMORY_DUMP)

    return [
        web.get(f"{base}/{MACHINES}/{{name}}/objectgraph", machine_graph),
        web.get(f"{base}/{INSTANCES}/{{name}}/objectgraph", instance_graph),
        web.put(f"{base}/{MACHINES}/{{name}}/evacuate/cancel", cancel_of_machine),
        web.put(f"{base}/{INSTANCES}/{{name}}/evacuate/cancel", cancel_of_instance),
        web.put(f"{base}/{MACHINES}/{{name}}/memorydump", memory_dump),
    ]


def _place(request: web.Request) -> tuple[Client, str, str]:
    return request.app[CLIENT], request.match_info["namespace"], request.match_info["name"]


async def _graph_options(request: web.Request, config: CurrentConfig) -> ObjectGraphOptions:
    if not config().has_gate(GRAPH_GATE):
        raise StatusError(400, f"'{GRAPH_GATE}' feature gate is not enabled")
    body = await request.read()
    if not body.strip():
        return ObjectGraphOptions()
    try:
        return codec.decode(ObjectGraphOptions, body)
    except Problem as e:
        raise StatusError(400, f"Can not unmarshal Request body to struct, error: {e}") from e


def _graph(node: object_graph.Node, options: ObjectGraphOptions) -> web.Response:
    try:
        return web.json_response(object_graph.as_reply(node, options))
    except Refused as e:
        raise StatusError(400, f"Can not unmarshal Request body to struct, error: {e}") from e


async def _launcher_pod(client: Client, vmi: VirtualMachineInstance | None) -> str:
    if vmi is None:
        return ""
    labels = f"{names.LABEL_CREATED_BY}={vmi.metadata.uid}"
    pods = await client.list(PODS, vmi.metadata.namespace, labels=labels)
    running = [pod for pod in pods if not pod.is_finished]
    return running[0].metadata.name if running else ""


async def _cancel_evacuation(request: web.Request, config: CurrentConfig) -> web.Response:
    client, namespace, name = _place(request)
    if not (await request.read()).strip():
        raise StatusError(400, "No body")
    options = await read_options(request, EvacuateCancelOptions)
    vmi = await read_vmi(client, namespace, name)
    if not vmi.status.evacuation_node_name:
        return web.Response(status=200)
    node = options.evacuation_node_name
    taint = config().node_drain_taint
    if node and await _is_drained(client, node, taint):
        raise StatusError(400, f'Node "{node}" has NodeDrainTaintKey "{taint}"')
    await patch(client, VMIS, namespace, name, cancel_patch(node), dry_run=bool(options.dry_run))
    return web.Response(status=200)


def cancel_patch(node: str) -> list[JsonObject]:
    """Takes the instance's evacuation back, provided that it is about this node."""
    path = "/status/evacuationNodeName"
    return [{"op": "test", "path": path, "value": node}, {"op": "remove", "path": path}]


async def _is_drained(client: Client, name: str, taint: str) -> bool:
    try:
        node = await client.get(NODES, name)
    except NotFound:
        return False
    return any(each.key == taint for each in node.spec.taints)
