"""Sub-resources of the API that this installation cannot serve: each refuses, and says why and what to do instead.

They are listed in discovery all the same, and behind the same access checks, so that clients written for all of the API
find every path and get a Status object that a person understands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from kubevirt.virt_api import instance_rules
from kubevirt.virt_api.objects import find_vmi, read_vm, read_vmi
from kubevirt.virt_api.replies import StatusError, conflict
from kubevirt.virt_api.server import CLIENT

MACHINES, INSTANCES = "virtualmachines", "virtualmachineinstances"
VOLUMES = (
    "plugging volumes into a running machine is not available in this version; "
    "add the volume to the VirtualMachine's spec.template and restart the machine"
)
MIGRATION = (
    "live migration is not available in this version; "
    "to move the machine, restart it (its node selector and affinity decide where it starts)"
)
MEMORY_DUMP = "dumping a guest's memory into a claim is not available in this version"
ATTESTATION = "'WorkloadEncryptionSEV' feature gate is not enabled"
GRAPH = "'ObjectGraph' feature gate is not enabled"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A sub-resource and the answer to whoever uses it; `must_run` names a refusal that comes before."""

    kind: str
    name: str
    method: str
    code: int
    message: str
    must_run: str = ""


REFUSALS: tuple[Refusal, ...] = (
    Refusal(kind=MACHINES, name="migrate", method="PUT", code=409, message=MIGRATION, must_run="VM is not running"),
    *(
        Refusal(kind=kind, name=name, method="PUT", code=400, message=VOLUMES)
        for kind in (MACHINES, INSTANCES)
        for name in ("addvolume", "removevolume")
    ),
    Refusal(kind=MACHINES, name="memorydump", method="PUT", code=400, message=MEMORY_DUMP),
    Refusal(kind=MACHINES, name="removememorydump", method="PUT", code=409,
            message="can't remove memory dump association for vm {name}, no association found"),
    *(Refusal(kind=kind, name="objectgraph", method="GET", code=400, message=GRAPH) for kind in (MACHINES, INSTANCES)),
    Refusal(kind=INSTANCES, name="vsock", method="GET", code=400, message="VSOCK is not attached."),
    *(
        Refusal(kind=INSTANCES, name=f"sev/{name}", method=method, code=400, message=ATTESTATION)
        for name, method in (("fetchcertchain", "GET"), ("querylaunchmeasurement", "GET"), ("setupsession", "PUT"),
                             ("injectlaunchsecret", "PUT"))
    ),
    Refusal(kind=INSTANCES, name="backup", method="PUT", code=409, message="ChangedBlockTracking is not enabled",
            must_run="VMI is not running"),
    Refusal(kind=INSTANCES, name="redefine-checkpoint", method="PUT", code=409,
            message="ChangedBlockTracking is not enabled"),
)  # fmt: skip
NO_GUESTFS = "this installation has no libguestfs-tools image; name one with virtctl guestfs --image"


def routes(base: str) -> list[web.RouteDef]:
    """The routes of all refusals; `base` holds version and namespace."""
    return [
        web.route(each.method, f"{base}/{each.kind}/{{name}}/{each.name}", _refusing(each))
        for each in REFUSALS
    ]


def _refusing(refusal: Refusal) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def refuse(request: web.Request) -> web.StreamResponse:
        client, namespace, name = request.app[CLIENT], request.match_info["namespace"], request.match_info["name"]
        kind = refusal.kind.removesuffix("s")
        if refusal.kind == MACHINES:
            await read_vm(client, namespace, name)
            vmi = await find_vmi(client, namespace, name) if refusal.must_run else None
        else:
            vmi = await read_vmi(client, namespace, name)
        message = refusal.message.format(name=name)
        if refusal.must_run and not instance_rules.is_running(vmi):
            message = refusal.must_run
        raise conflict(kind, name, message) if refusal.code == 409 else StatusError(refusal.code, message)

    return refuse
