"""Sub-resources of the API that this installation cannot serve: each refuses, and says why and what to do instead.

They are listed in discovery all the same, and behind the same access checks, so that clients written for all of the API
find every path and get a Status object that a person understands. What is wrong with a request is said before
(`later_rules`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from kubevirt.virt_api import later_rules as rules
from kubevirt.virt_api.later_rules import Asked, Rule
from kubevirt.virt_api.lifecycle import Declined
from kubevirt.virt_api.objects import find_vmi, read_vm, read_vmi
from kubevirt.virt_api.replies import StatusError, conflict
from kubevirt.virt_api.server import CLIENT
from kubevirt.virt_api.webhooks import CurrentConfig

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
ATTESTATION = "encrypting a guest's memory is not available in this version"
VSOCK = "connecting to a guest's VSOCK is not available in this version; use port-forward, or the console"
NO_TRACKING = "ChangedBlockTracking is not enabled"
PROFILER = "profiles of the programs are not available in this version; their metrics say what they spend time on"
NO_GUESTFS = "this installation has no libguestfs-tools image; name one with virtctl guestfs --image"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A sub-resource and the answer to whoever uses it; `rule` finds what is wrong with the request itself."""

    kind: str
    name: str
    method: str
    code: int
    message: str
    rule: Rule | None = None


REFUSALS: tuple[Refusal, ...] = (
    Refusal(kind=MACHINES, name="migrate", method="PUT", code=409, message=MIGRATION, rule=rules.may_migrate),
    *(
        Refusal(kind=kind, name=name, method="PUT", code=400, message=VOLUMES, rule=rule)
        for kind in (MACHINES, INSTANCES)
        for name, rule in (("addvolume", rules.may_add_volume), ("removevolume", rules.may_remove_volume))
    ),
    Refusal(kind=MACHINES, name="removememorydump", method="PUT", code=400, message=MEMORY_DUMP,
            rule=rules.may_remove_dump),
    Refusal(kind=INSTANCES, name="vsock", method="GET", code=400, message=VSOCK, rule=rules.may_open_vsock),
    *(
        Refusal(kind=INSTANCES, name=f"sev/{name}", method=method, code=400, message=ATTESTATION, rule=rule)
        for name, method, rule in (
            ("fetchcertchain", "GET", rules.may_attest),
            ("querylaunchmeasurement", "GET", rules.may_attest),
            ("setupsession", "PUT", rules.may_set_session),
            ("injectlaunchsecret", "PUT", rules.may_inject_secret),
        )
    ),
    Refusal(kind=INSTANCES, name="backup", method="PUT", code=409, message=NO_TRACKING, rule=rules.may_back_up),
    Refusal(kind=INSTANCES, name="redefine-checkpoint", method="PUT", code=409, message=NO_TRACKING),
)  # fmt: skip


def routes(base: str, config: CurrentConfig) -> list[web.RouteDef]:
    """The routes of all refusals; `base` holds version and namespace."""
    return [
        web.route(each.method, f"{base}/{each.kind}/{{name}}/{each.name}", _refusing(each, config))
        for each in REFUSALS
    ]


def profiler_routes(group: str) -> list[web.RouteDef]:
    """Profiling the programs together is upstream's; clients that try hear a word instead of a missing path."""

    async def refuse(_: web.Request) -> web.StreamResponse:
        raise StatusError(400, PROFILER)

    verbs = ("start", "stop", "dump")
    return [
        *(web.route("*", f"/{verb}-profiler", refuse) for verb in verbs),
        *(web.route("*", f"/apis/{group}/{{version:v1|v1alpha3}}/{verb}-cluster-profiler", refuse) for verb in verbs),
    ]


def answer(refusal: Refusal, asked: Asked) -> Declined:
    """What a request hears: what is wrong with it, or that it comes too early."""
    try:
        if refusal.rule is not None:
            refusal.rule(asked)
    except Declined as e:
        return e
    return Declined(refusal.code, refusal.message)


def _refusing(refusal: Refusal, config: CurrentConfig) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def refuse(request: web.Request) -> web.StreamResponse:
        client, namespace, name = request.app[CLIENT], request.match_info["namespace"], request.match_info["name"]
        if refusal.kind == MACHINES:
            vm, vmi = await read_vm(client, namespace, name), await find_vmi(client, namespace, name)
        else:
            vm, vmi = None, await read_vmi(client, namespace, name)
        declined = answer(refusal, Asked(vm=vm, vmi=vmi, body=await request.read(), config=config()))
        raise declined_reply(refusal.kind, name, declined)

    return refuse


def declined_reply(plural: str, name: str, declined: Declined) -> StatusError:
    """A refusal as the client gets it."""
    if declined.code == 409:
        return conflict(plural.removesuffix("s"), name, declined.message)
    return StatusError(declined.code, declined.message)
