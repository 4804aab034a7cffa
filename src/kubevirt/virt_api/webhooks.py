"""The admission webhooks of instances and replica sets: the API's rules at the paths the API server calls.

Nothing is decided here; this module takes objects out of reviews, calls the pure functions, and puts patches and
causes back.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vmi
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.validation import validate_replicaset, validate_vmi_create, validate_vmi_update
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kube.patches import diff
from kubevirt.kube.webhooks import AdmissionAnswer, AdmissionRequest, admission_handler, allow, refuse

CREATE = "CREATE"
METADATA_PARTS = ("labels", "annotations", "finalizers")
CurrentConfig = Callable[[], ClusterConfig]


class Webhooks:
    """The webhooks under the configuration that `config` returns at the time of each request."""

    def __init__(self, config: CurrentConfig, namespace: str) -> None:
        self._config = config
        self._own_accounts = tuple(
            f"system:serviceaccount:{namespace}:{name}"
            for name in ("kubevirt-apiserver", "kubevirt-controller", "kubevirt-handler")
        )

    def routes(self) -> list[web.RouteDef]:
        """The routes, by the paths of the webhook configurations."""
        decisions = {
            "/virtualmachineinstances-mutate": self.mutate_vmi,
            "/virtualmachineinstances-validate-create": self.validate_vmi_create,
            "/virtualmachineinstances-validate-update": self.validate_vmi_update,
            "/virtualmachinereplicaset-validate": self.validate_replicaset,
        }
        return [web.post(path, admission_handler(decide)) for path, decide in decisions.items()]

    def mutate_vmi(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The defaults of an instance on creation; on update, changes of its status by others are taken back."""
        vmi = request.object_as(VirtualMachineInstance)
        if request.operation == CREATE:
            changed = default_vmi(vmi, self._config())
            return allow(patch=changes(request, codec.to_builtins(changed), parts=("spec", "status")))
        if self._is_own(request):
            return allow()
        before = codec.to_builtins(request.old_object_as(VirtualMachineInstance)).get("status", {})
        return allow(patch=changes(request, {"status": before}, parts=("status",)))

    def validate_vmi_create(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a new instance."""
        vmi = request.object_as(VirtualMachineInstance)
        causes = validate_vmi_create(vmi, self._config(), own_account=self._is_own(request))
        return refuse(causes) if causes else allow()

    def validate_vmi_update(self, request: AdmissionRequest) -> AdmissionAnswer:
        """An instance's spec is changed by the control plane only."""
        new, old = request.object_as(VirtualMachineInstance), request.old_object_as(VirtualMachineInstance)
        causes = validate_vmi_update(old, new, own_account=self._is_own(request))
        return refuse(causes) if causes else allow()

    def validate_replicaset(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a replica set and of its template."""
        causes = validate_replicaset(request.object_as(VirtualMachineInstanceReplicaSet), self._config())
        return refuse(causes) if causes else allow()

    def _is_own(self, request: AdmissionRequest) -> bool:
        return request.user_info.username in self._own_accounts


def changes(request: AdmissionRequest, wanted: JsonObject, *, parts: tuple[str, ...]) -> list[JsonObject]:
    """The patch that gives the object as it was sent the wanted `parts`, labels, annotations and finalizers.

    It is made against the raw object, which may lack members that the types fill in, or have some they do not know.
    """
    raw = request.object_json()
    metadata, wanted_metadata = raw.get("metadata"), wanted.get("metadata")
    after = {**raw, **{part: wanted[part] for part in parts if part in wanted}}
    if isinstance(metadata, dict) and isinstance(wanted_metadata, dict):
        ours = {key: wanted_metadata[key] for key in METADATA_PARTS if key in wanted_metadata}
        after["metadata"] = {**metadata, **ours}
    return diff(raw, after)
