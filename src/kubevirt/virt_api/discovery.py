"""What clients ask before they speak: groups, versions and resources of the aggregated API, and its version."""

from __future__ import annotations

import platform

from aiohttp import web

from kubevirt import __version__
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_api import later, openapi
from kubevirt.virt_api.authorization import VERBS
from kubevirt.virt_api.replies import StatusError

GROUP = "subresources.kubevirt.io"
VERSIONS = ("v1", "v1alpha3")

INSTANCE_VERBS = {
    **dict.fromkeys(
        ("console", "vnc", "vnc/screenshot", "usbredir", "portforward", "guestosinfo", "userlist", "filesystemlist",
         "usage", "objectgraph"),
        "get",
    ),
    **dict.fromkeys(("pause", "unpause", "freeze", "unfreeze", "softreboot", "reset", "evacuate/cancel"), "update"),
    **{each.name: VERBS[each.method] for each in later.REFUSALS if each.kind == later.INSTANCES},
}
MACHINE_VERBS = {
    **dict.fromkeys(("start", "stop", "restart", "memorydump", "evacuate/cancel"), "update"),
    **dict.fromkeys(("portforward", "expand-spec", "objectgraph"), "get"),
    **{each.name: VERBS[each.method] for each in later.REFUSALS if each.kind == later.MACHINES},
}
VERBS_OF = {later.INSTANCES: INSTANCE_VERBS, later.MACHINES: MACHINE_VERBS}


def group() -> JsonObject:
    """The APIGroup document."""
    versions: list[Json] = [{"groupVersion": f"{GROUP}/{v}", "version": v} for v in VERSIONS]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": versions,
        "preferredVersion": versions[0],
    }


def resource_list(version: str) -> JsonObject:
    """The APIResourceList of one version."""
    namespaced: list[Json] = [
        _resource(f"{plural}/{name}", verb, namespaced=True)
        for plural, verbs in VERBS_OF.items()
        for name, verb in verbs.items()
    ]
    namespaced.append(_resource("expand-vm-spec", "update", namespaced=True))
    plain: list[Json] = [_resource(name, "get", namespaced=False) for name in ("version", "guestfs", "healthz")]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{version}",
        "resources": namespaced + plain,
    }


def _resource(name: str, verb: str, *, namespaced: bool) -> JsonObject:
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": "", "verbs": [verb]}


def version_info() -> JsonObject:
    """The reply of the `version` endpoint; the Go fields stay in it because clients print them."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "gitVersion": f"v{__version__}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system().lower()}/{machine}",
    }


def routes() -> list[web.RouteDef]:
    """The routes that need no authentication."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def apis(_: web.Request) -> web.Response:
        return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group()]})

    async def one_group(_: web.Request) -> web.Response:
        return web.json_response(group())

    async def resources(request: web.Request) -> web.Response:
        return web.json_response(resource_list(request.match_info["version"]))

    async def version(_: web.Request) -> web.Response:
        return web.json_response(version_info())

    async def guestfs(_: web.Request) -> web.Response:
        raise StatusError(404, later.NO_GUESTFS)

    async def swagger(_: web.Request) -> web.Response:
        return web.json_response(openapi.swagger(VERSIONS, VERBS_OF))

    async def openapi_index(_: web.Request) -> web.Response:
        return web.json_response(openapi.index(VERSIONS))

    async def openapi_document(request: web.Request) -> web.Response:
        return web.json_response(openapi.document(request.match_info["version"], VERBS_OF))

    known = "{version:" + "|".join(VERSIONS) + "}"
    return [
        web.get("/", healthz),
        web.get("/healthz", healthz),
        web.get("/apis", apis),
        web.get(f"/apis/{GROUP}", one_group),
        web.get(f"/apis/{GROUP}/{known}", resources),
        web.get(f"/apis/{GROUP}/{known}/version", version),
        web.get(f"/apis/{GROUP}/{known}/healthz", healthz),
        web.get(f"/apis/{GROUP}/{known}/guestfs", guestfs),
        web.get("/openapi/v2", swagger),
        web.get("/openapi/v3", openapi_index),
        web.get(f"/openapi/v3/apis/{GROUP}/{known}", openapi_document),
    ]
