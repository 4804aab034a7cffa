"""The admission webhooks of virtual machines: defaults and rules of a VM and of its template.

As in `webhooks`, nothing is decided here.
"""

from __future__ import annotations

from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.defaults import default_vm
from kubevirt.api.validation import validate_vm
from kubevirt.api.vm import VirtualMachine
from kubevirt.kube.client import Client
from kubevirt.kube.webhooks import AdmissionAnswer, AdmissionRequest, admission_handler, allow, refuse
from kubevirt.virt_api.webhooks import CREATE, CurrentConfig, changes


class VmWebhooks:
    """The webhooks under the configuration that `config` returns at the time of each request."""

    def __init__(self, client: Client, config: CurrentConfig) -> None:
        self._client = client
        self._config = config

    def routes(self) -> list[web.RouteDef]:
        """The routes, by the paths of the webhook configurations."""
        decisions = {
            "/virtualmachines-mutate": self.mutate_vm,
            "/virtualmachines-validate": self.validate_vm,
        }
        return [web.post(path, admission_handler(decide)) for path, decide in decisions.items()]

    def mutate_vm(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The defaults of a VM."""
        vm = request.object_as(VirtualMachine)
        if vm.metadata.deletion_timestamp is not None or not vm.spec.has_template:
            return allow()
        changed = default_vm(vm, self._config(), create=request.operation == CREATE)
        return allow(patch=changes(request, codec.to_builtins(changed), parts=("spec",)))

    def validate_vm(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a VM and of its template."""
        vm = request.object_as(VirtualMachine)
        if vm.metadata.deletion_timestamp is not None:
            return allow()
        old = request.old_object_as(VirtualMachine) if request.has_old_object else None
        causes = validate_vm(vm, self._config(), old=old)
        return refuse(causes) if causes else allow()
