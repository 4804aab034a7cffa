"""The admission webhooks of instances and replica sets: the API's rules at the paths the API server calls.

Nothing is decided here; this module takes objects out of reviews, calls the pure functions, and puts patches and
causes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vmi
from kubevirt.api.defaults.presets import apply_presets
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.validation import validate_replicaset, validate_vmi_create, validate_vmi_update
from kubevirt.api.validation.deprecations import vmi_warnings
from kubevirt.api.validation.updates import OWN_ACCOUNTS, Sender
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceStatus
from kubevirt.kit.json import JsonObject
from kubevirt.kube.admission import AdmissionAnswer, AdmissionRequest, allow, answer
from kubevirt.kube.patches import diff
from kubevirt.kube.webhooks import admission_handler

CREATE = "CREATE"
METADATA_PARTS = ("labels", "annotations", "finalizers")
NODE_OF_ACCOUNT = "authentication.kubernetes.io/node-name"
"""What the API server knows of a service account's pod: the node that it runs on."""
CurrentConfig = Callable[[], ClusterConfig]
PresetsOf = Callable[[str], Iterable[VirtualMachineInstancePreset]]


class Webhooks:
    """The webhooks under the configuration that `config` returns at the time of each request.

    `presets` returns those of a namespace, from a cache (a watch that stays silent costs 0.3 MiB): hardly any cluster
    has any, and no creation should wait for a read that finds nothing.
    """

    def __init__(self, config: CurrentConfig, namespace: str, presets: PresetsOf = lambda namespace: ()) -> None:
        self._config = config
        self._presets = presets
        self._accounts = {f"system:serviceaccount:{namespace}:{name}": name for name in OWN_ACCOUNTS}

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
        """Presets and defaults of a new instance; later, changes of its status by others are taken back."""
        own = self._sender(request).is_own
        if request.operation == CREATE:
            vmi = request.object_as(VirtualMachineInstance)
            if not own:  # a manifest written from a running instance
                vmi.status = VirtualMachineInstanceStatus()
            preset = apply_presets(vmi, self._presets(request.namespace))
            changed = default_vmi(preset.vmi, self._config())
            patch = changes(request, codec.to_builtins(changed), parts=("spec", "status"))
            return allow(patch=patch, warnings=preset.warnings)
        if own:
            return allow()
        before = codec.to_builtins(request.old_object_as(VirtualMachineInstance)).get("status", {})
        return allow(patch=changes(request, {"status": before}, parts=("status",)))

    def validate_vmi_create(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a new instance."""
        vmi = request.object_as(VirtualMachineInstance)
        causes = validate_vmi_create(vmi, self._config(), own_account=self._sender(request).is_own)
        return answer(causes, warnings=vmi_warnings(vmi))

    def validate_vmi_update(self, request: AdmissionRequest) -> AdmissionAnswer:
        """An instance's spec is changed by the control plane only, within the limits of what can be plugged."""
        new, old = request.object_as(VirtualMachineInstance), request.old_object_as(VirtualMachineInstance)
        return answer(validate_vmi_update(old, new, self._config(), self._sender(request)))

    def validate_replicaset(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a replica set and of its template."""
        return answer(validate_replicaset(request.object_as(VirtualMachineInstanceReplicaSet), self._config()))

    def _sender(self, request: AdmissionRequest) -> Sender:
        user = request.user_info
        nodes = (user.extra or {}).get(NODE_OF_ACCOUNT) or [""]
        return Sender(account=self._accounts.get(user.username, ""), node=nodes[0])


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
