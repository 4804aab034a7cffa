"""The admission webhooks of virtual machines: defaults and rules of a VM and of its template.

As in `webhooks`, nothing is decided here. For machines that name an instance type or a preference these are read from
the API server; for all others nothing is.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.instancetypes import admission
from kubevirt.api.instancetypes.lookups import answered_by
from kubevirt.api.validation.deprecations import vm_warnings
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Refused
from kubevirt.kube.admission import AdmissionAnswer, AdmissionRequest, allow, answer, refuse, refuse_plainly
from kubevirt.kube.client import Client
from kubevirt.kube.webhooks import admission_handler
from kubevirt.virt_api.looking import looking
from kubevirt.virt_api.webhooks import CREATE, CurrentConfig, changes


class VmWebhooks:
    """The webhooks under the configuration that `config` returns at the time of each request."""

    def __init__(self, client: Client, config: CurrentConfig, *, created: Callable[[str], None] = lambda _: None
                 ) -> None:
        self._created = created
        self._look = looking(client)
        self._config = config

    def routes(self) -> list[web.RouteDef]:
        """The routes, by the paths of the webhook configurations."""
        decisions = {
            "/virtualmachines-mutate": self.mutate_vm,
            "/virtualmachines-validate": self.validate_vm,
        }
        return [web.post(path, admission_handler(decide)) for path, decide in decisions.items()]

    async def mutate_vm(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The defaults of a VM, and what its volumes name for it."""
        vm = machine_in(request)
        if vm.metadata.deletion_timestamp is not None or not vm.spec.has_template:
            return allow()
        old = _before(request)
        made = admission.set_defaults(vm, self._config(), create=request.operation == CREATE, old=old)
        try:
            defaulted = await answered_by(made, self._look)
        except Refused as e:
            return refuse_plainly(e.cause)
        if defaulted.causes:
            return refuse(defaulted.causes)
        return allow(patch=changes(request, codec.to_builtins(defaulted.vm), parts=("spec",)))

    async def validate_vm(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a VM and of its template, with instance type and preference put in."""
        vm = machine_in(request)
        if vm.metadata.deletion_timestamp is not None:
            return allow()
        causes = await answered_by(admission.check(vm, self._config(), _before(request)), self._look)
        if not causes and request.operation == CREATE and not request.dry_run:
            self._created(vm.metadata.namespace)
        return answer(causes, warnings=vm_warnings(vm))


def machine_in(request: AdmissionRequest) -> VirtualMachine:
    """The machine after the change, in its namespace also where the object itself does not name it."""
    vm = request.object_as(VirtualMachine)
    vm.metadata.namespace = vm.metadata.namespace or request.namespace
    return vm


def _before(request: AdmissionRequest) -> VirtualMachine | None:
    return request.old_object_as(VirtualMachine) if request.has_old_object else None
