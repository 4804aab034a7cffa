"""The admission webhook of evictions: a node that is drained asks each launcher pod to go.

What is said to it is decided in `kubevirt.api.validation.eviction`; here the pod and its instance are looked up, and
the instance is marked to leave its node. Evictions are rare, so that they are read instead of watched.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from kubevirt.api.pods import Pod
from kubevirt.api.resource import Resource
from kubevirt.api.resources import PODS, VMIS
from kubevirt.api.validation.eviction import HOTPLUG_POD, Eviction, evict_attachment, evict_launcher, instance_of
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kube.admission import AdmissionAnswer, AdmissionRequest, allow, refuse_plainly
from kubevirt.kube.client import Client
from kubevirt.kube.errors import ApiError, NotFound
from kubevirt.kube.webhooks import admission_handler
from kubevirt.virt_api.webhooks import CurrentConfig

T = TypeVar("T", bound=msgspec.Struct)

TRY_LATER = 429
"""What `kubectl drain` takes for: ask again, this goes on."""
REQUESTED_BY, DESCHEDULER = "requested-by", "sigs.k8s.io/descheduler"
EVICTION_SOURCE = "kubevirt.io/eviction-source"


class PodWebhooks:
    """The webhooks under the configuration that `config` returns at the time of each request."""

    def __init__(self, client: Client, config: CurrentConfig) -> None:
        self._client = client
        self._config = config

    def routes(self) -> list[web.RouteDef]:
        """The routes, by the paths of the webhook configurations."""
        return [web.post("/pod-eviction-validate", admission_handler(self.validate_eviction))]

    async def validate_eviction(self, request: AdmissionRequest) -> AdmissionAnswer:
        """Whether a pod may be evicted; where its guest can be moved first, that is begun."""
        pod = await self._find(PODS, request.name, request.namespace)
        if pod is None:
            return allow()
        decided = await self._decide(pod, request)
        if decided.mark:
            try:
                await self._mark(pod, decided.mark, request)
            except ApiError as e:
                return refuse_plainly(f"kubevirt failed marking the vmi for eviction: {e.message}", code=TRY_LATER)
        return refuse_plainly(decided.refusal, code=TRY_LATER) if decided.refusal else allow()

    async def _decide(self, pod: Pod, request: AdmissionRequest) -> Eviction:
        if request.name.startswith(HOTPLUG_POD):
            return evict_attachment(pod, await self._user_of(pod))
        name = instance_of(pod)
        vmi = await self._find(VMIS, name, request.namespace) if name else None
        return evict_launcher(pod, vmi, self._config())

    async def _user_of(self, attachment: Pod) -> VirtualMachineInstance | None:
        """The instance whose launcher pod owns a pod that attaches volumes."""
        owner = attachment.metadata.controller
        namespace = attachment.metadata.namespace
        launcher = await self._find(PODS, owner.name, namespace) if owner is not None else None
        name = instance_of(launcher) if launcher is not None else ""
        return await self._find(VMIS, name, namespace) if name else None

    async def _mark(self, pod: Pod, node: str, request: AdmissionRequest) -> None:
        patch: list[JsonObject] = [{"op": "add", "path": "/status/evacuationNodeName", "value": node}]
        if _requested_by(request) == DESCHEDULER:
            key = EVICTION_SOURCE.replace("/", "~1")
            patch.append({"op": "add", "path": f"/metadata/annotations/{key}", "value": "descheduler"})
        await self._client.patch(VMIS, instance_of(pod), request.namespace, patch, dry_run=bool(request.dry_run))

    async def _find(self, resource: Resource[T], name: str, namespace: str) -> T | None:
        try:
            return await self._client.get(resource, name, namespace)
        except NotFound:
            return None


def _requested_by(request: AdmissionRequest) -> str:
    """Who says in the eviction that it asks for it."""
    metadata = request.object_json().get("metadata") if request.has_object else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    by = annotations.get(REQUESTED_BY) if isinstance(annotations, dict) else None
    return by if isinstance(by, str) else ""
