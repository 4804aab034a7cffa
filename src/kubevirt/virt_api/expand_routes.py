"""Machines with everything in them that instance type and preference add: of one that is stored, or one as it is sent.

The answer is what a client can store instead, with the same instances and no reference to anything.
"""

from __future__ import annotations

from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.instancetypes.expansion import expand_vm
from kubevirt.api.instancetypes.finding import find_offers
from kubevirt.api.instancetypes.inference import infer
from kubevirt.api.instancetypes.lookups import Asking, answered_by
from kubevirt.api.instancetypes.matchers import set_default_kinds
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json
from kubevirt.virt_api.looking import looking
from kubevirt.virt_api.objects import read_vm
from kubevirt.virt_api.replies import StatusError
from kubevirt.virt_api.server import CLIENT
from kubevirt.virt_api.webhooks import CurrentConfig

NOT_A_MACHINE = "Object is not a valid VirtualMachine"


def routes(base: str, config: CurrentConfig) -> list[web.RouteDef]:
    """The routes; `base` holds version and namespace."""

    async def expand_spec(request: web.Request) -> web.Response:
        client, at = request.app[CLIENT], request.match_info
        vm = await read_vm(client, at["namespace"], at["name"])
        try:
            return _reply(await answered_by(_expanded(vm, config), looking(client)))
        except Refused as e:
            raise StatusError(500, f"Internal error occurred: {e.cause}") from e

    async def expand_vm_spec(request: web.Request) -> web.Response:
        vm = sent_machine(await request.read(), request.match_info["namespace"])
        try:
            return _reply(await answered_by(_expanded(vm, config), looking(request.app[CLIENT])))
        except Refused as e:
            raise StatusError(400, e.cause) from e

    return [
        web.get(f"{base}/virtualmachines/{{name}}/expand-spec", expand_spec),
        web.put(f"{base}/expand-vm-spec", expand_vm_spec),
    ]


def _expanded(vm: VirtualMachine, config: CurrentConfig) -> Asking[VirtualMachine]:
    vm = codec.clone(vm)
    yield from infer(vm)
    set_default_kinds(vm)
    offers = yield from find_offers(vm)
    return expand_vm(vm, offers, config())


def _reply(vm: VirtualMachine) -> web.Response:
    return web.Response(body=codec.encode(vm), content_type="application/json")


def sent_machine(body: bytes, namespace: str) -> VirtualMachine:
    """The machine in a request's body, in the namespace of the request. StatusError 400 for anything else."""
    if not body.strip():
        raise StatusError(400, "empty request body")
    try:
        sent = codec.decode_json(body)
    except Refused as e:
        raise StatusError(400, f"Can not unmarshal Request body to struct, error: {e.cause}") from e
    vm = _valid(sent)
    if not namespace:
        raise StatusError(400, "The request namespace must not be empty")
    if vm.metadata.namespace not in ("", namespace):
        raise StatusError(400, f"VM namespace must be empty or {namespace}")
    vm.metadata.namespace = namespace
    return vm


def _valid(sent: Json) -> VirtualMachine:
    problems: list[str] = []
    vm = VirtualMachine()
    if not isinstance(sent, dict) or (sent.get("kind") or "VirtualMachine") != "VirtualMachine":
        problems.append("the body is not an object of kind VirtualMachine")
    else:
        try:
            vm = codec.convert(sent, VirtualMachine)
        except Refused as e:
            problems.append(f"{e.field}: {e.cause}" if e.field else e.cause)
        else:
            problems += [] if vm.spec.has_template else ["spec.template in body is required"]
    if problems:
        causes: list[Json] = [{"message": problem} for problem in problems]
        raise StatusError(400, NOT_A_MACHINE, {"causes": causes})
    return vm
