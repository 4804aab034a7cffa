"""The admission webhooks of migrations, snapshots and all other kinds, and of what is asked through statuses.

As in `webhooks`, nothing is decided here. What a rule needs to know about other objects is read for it from the API
server at the time of the request: these objects are made rarely, and a cache could be behind.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.backup import VirtualMachineBackup
from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.defaults.requests import default_clone, default_migration
from kubevirt.api.export import VirtualMachineExport
from kubevirt.api.instancetype import VirtualMachineInstancetype
from kubevirt.api.kinds import BACKUPS, MIGRATIONS, RESTORES, SNAPSHOT_CONTENTS, SNAPSHOTS
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.migration_policy import MigrationPolicy
from kubevirt.api.names import LABEL_VMI_NAME
from kubevirt.api.plugin import Plugin
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.preference import VirtualMachinePreference
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.resources import KUBEVIRTS, VMI_REPLICASETS, VMIS, VMS, Resource
from kubevirt.api.restore import VirtualMachineRestore
from kubevirt.api.snapshot import VirtualMachineSnapshot
from kubevirt.api.snapshot_content import CapturedVirtualMachine
from kubevirt.api.validation import clones, exports, installation, migration, offers, plugins, snapshots
from kubevirt.api.validation.deprecations import kubevirt_warnings
from kubevirt.api.validation.pool import validate_pool
from kubevirt.api.validation.vm_requests import validate_vm_status
from kubevirt.api.vm import VirtualMachine
from kubevirt.kube.admission import AdmissionAnswer, AdmissionRequest, allow, answer, refuse, refuse_plainly
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound
from kubevirt.kube.webhooks import Decide, admission_handler
from kubevirt.virt_api.webhooks import CREATE, CurrentConfig, changes

T = TypeVar("T", bound=msgspec.Struct)


class KindWebhooks:
    """The webhooks under the configuration that `config` returns at the time of each request."""

    def __init__(self, client: Client, config: CurrentConfig, namespace: str) -> None:
        self._client = client
        self._config = config
        self._controller = f"system:serviceaccount:{namespace}:kubevirt-controller"

    def routes(self) -> list[web.RouteDef]:
        """The routes, by the paths of the webhook configurations."""
        decisions: dict[str, Decide] = {
            "/migration-mutate-create": self.mutate_migration,
            "/vm-clone-mutate-create": self.mutate_clone,
            "/migration-validate-create": self.validate_migration_create,
            "/migration-validate-update": self.validate_migration_update,
            "/migration-policy-validate-create": self.validate_migration_policy,
            "/vmipreset-validate": self.validate_preset,
            "/virtualmachinepool-validate": self.validate_pool,
            "/virtualmachinesnapshots-validate": self.validate_snapshot,
            "/virtualmachinerestores-validate": self.validate_restore,
            "/virtualmachineexports-validate": self.validate_export,
            "/virtualmachinebackups-validate": self.validate_backup,
            "/virtualmachinebackuptrackers-validate": self.validate_backup_tracker,
            "/vm-clone-validate-create": self.validate_clone,
            "/virtualmachineinstancetypes-validate": self.validate_instancetype,
            "/virtualmachineclusterinstancetypes-validate": self.validate_instancetype,
            "/virtualmachinepreferences-validate": self.validate_preference,
            "/virtualmachineclusterpreferences-validate": self.validate_preference,
            "/status-validate": self.validate_status,
            "/plugin-validate": self.validate_plugin,
            "/kubevirt-validate-create": self.validate_kubevirt_create,
            "/kubevirt-validate-update": self.validate_kubevirt_update,
            "/kubevirt-validate-delete": self.validate_kubevirt_delete,
        }
        return [web.post(path, admission_handler(decide)) for path, decide in decisions.items()]

    def mutate_migration(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The defaults of a migration."""
        changed = default_migration(request.object_as(VirtualMachineInstanceMigration))
        return allow(patch=changes(request, codec.to_builtins(changed), parts=()))

    def mutate_clone(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The defaults of a clone."""
        changed = default_clone(request.object_as(VirtualMachineClone))
        return allow(patch=changes(request, codec.to_builtins(changed), parts=("spec",)))

    async def validate_migration_create(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a new migration, and whether its instance can be moved now."""
        new = request.object_as(VirtualMachineInstanceMigration)
        by_controller = request.user_info.username == self._controller
        causes = migration.validate_migration_create(new, self._config(), by_controller=by_controller)
        if causes:
            return refuse(causes)
        name = new.spec.vmi_name or ""
        vmi = await self._find(VMIS, name, request.namespace)
        new.metadata.namespace = request.namespace
        others = await self._client.list(MIGRATIONS, request.namespace, labels=f"{LABEL_VMI_NAME}={name}")
        obstacle = migration.migration_obstacle(new, vmi, others)
        return refuse_plainly(obstacle) if obstacle else allow()

    def validate_migration_update(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a migration that is changed."""
        kind = VirtualMachineInstanceMigration
        return answer(migration.validate_migration_update(request.old_object_as(kind), request.object_as(kind)))

    def validate_migration_policy(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a migration policy."""
        return answer(migration.validate_migration_policy(request.object_as(MigrationPolicy), self._config()))

    def validate_preset(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a preset."""
        return answer(offers.validate_preset(request.object_as(VirtualMachineInstancePreset)))

    def validate_pool(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a pool and of its template."""
        new = request.object_as(VirtualMachinePool)
        if new.metadata.deletion_timestamp is not None:
            return allow()
        return answer(validate_pool(new, self._config(), _before(request, VirtualMachinePool)))

    def validate_snapshot(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a snapshot."""
        obstacle = snapshots.snapshot_obstacle(self._config())
        if request.operation == CREATE and obstacle:
            return refuse_plainly(obstacle)
        old = _before(request, VirtualMachineSnapshot)
        return answer(snapshots.validate_snapshot(request.object_as(VirtualMachineSnapshot), old))

    async def validate_restore(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a restore, and that no other one works on its machine."""
        new = request.object_as(VirtualMachineRestore)
        if request.operation != CREATE:
            return answer(snapshots.validate_restore(new, request.old_object_as(VirtualMachineRestore)))
        obstacle = snapshots.restore_obstacle(self._config())
        if obstacle:
            return refuse_plainly(obstacle)
        others = await self._client.list(RESTORES, request.namespace)
        captured = await self._captured(new.spec.virtual_machine_snapshot_name, request.namespace)
        return answer(snapshots.validate_restore(new, others=others, captured=captured))

    def validate_export(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of an export."""
        new = request.object_as(VirtualMachineExport)
        return answer(exports.validate_export(new, self._config(), _before(request, VirtualMachineExport)))

    async def validate_backup(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a backup, and that there is no other one of its source."""
        obstacle = exports.backup_obstacle(self._config())
        if request.operation != CREATE or obstacle:
            return refuse_plainly(obstacle) if obstacle and request.operation == CREATE else allow()
        others = await self._client.list(BACKUPS, request.namespace)
        return answer(exports.validate_backup(request.object_as(VirtualMachineBackup), others))

    def validate_backup_tracker(self, request: AdmissionRequest) -> AdmissionAnswer:
        """Whether there can be trackers; all else is checked by the CustomResourceDefinition."""
        obstacle = exports.backup_obstacle(self._config())
        return refuse_plainly(obstacle) if request.operation == CREATE and obstacle else allow()

    def validate_clone(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a clone."""
        obstacle = clones.clone_obstacle(self._config())
        return refuse_plainly(obstacle) if obstacle else answer(
            clones.validate_clone(request.object_as(VirtualMachineClone))
        )

    def validate_instancetype(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of an instance type; those of the cluster look alike."""
        return answer(offers.validate_instancetype(request.object_as(VirtualMachineInstancetype).spec))

    def validate_preference(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a preference; those of the cluster look alike."""
        spec = request.object_as(VirtualMachinePreference).spec
        return answer(offers.validate_preference(spec), warnings=offers.preference_warnings(spec))

    async def validate_status(self, request: AdmissionRequest) -> AdmissionAnswer:
        """What is asked of a machine through its status: volumes to plug, and nothing during snapshot and restore."""
        vm = request.object_as(VirtualMachine)
        vmi = await self._find(VMIS, request.name, request.namespace) if vm.status.volume_requests else None
        return answer(validate_vm_status(vm, _before(request, VirtualMachine), vmi))

    def validate_plugin(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of a plugin."""
        obstacle = plugins.plugin_obstacle(self._config())
        if request.operation == CREATE and obstacle:
            return refuse_plainly(obstacle)
        plugin = request.object_as(Plugin)
        return answer(plugins.validate_plugin(plugin), warnings=plugins.plugin_warnings(plugin))

    async def validate_kubevirt_create(self, request: AdmissionRequest) -> AdmissionAnswer:
        """That there is one installation, with settings that make sense."""
        obstacle = installation.installation_obstacle(await self._client.list(KUBEVIRTS))
        return refuse_plainly(obstacle) if obstacle else self.validate_kubevirt_update(request)

    def validate_kubevirt_update(self, request: AdmissionRequest) -> AdmissionAnswer:
        """The rules of the installation's settings."""
        new = request.object_as(KubeVirt)
        if new.metadata.deletion_timestamp is not None:
            return allow()
        causes = installation.validate_kubevirt(new, _before(request, KubeVirt))
        return answer(causes, warnings=kubevirt_warnings(new))

    async def validate_kubevirt_delete(self, request: AdmissionRequest) -> AdmissionAnswer:
        """Whether machines are in the way of removing the installation."""
        kubevirt = request.old_object_as(KubeVirt)
        workloads = [
            ("Virtual Machine Instances", await self._exist(VMIS)),
            ("Virtual Machines", await self._exist(VMS)),
            ("Virtual Machine Instance Replica Sets", await self._exist(VMI_REPLICASETS)),
        ]
        obstacle = installation.removal_obstacle(kubevirt, workloads)
        return refuse_plainly(obstacle) if obstacle else allow()

    async def _find(self, resource: Resource[T], name: str, namespace: str) -> T | None:
        try:
            return await self._client.get(resource, name, namespace)
        except NotFound:
            return None

    async def _exist(self, resource: Resource[T]) -> bool:
        return bool(await self._client.list(resource, limit=1))

    async def _captured(self, snapshot_name: str, namespace: str) -> CapturedVirtualMachine | None:
        """The machine in a snapshot, where it is there already."""
        snapshot = await self._find(SNAPSHOTS, snapshot_name, namespace) if snapshot_name else None
        name = snapshot.status.virtual_machine_snapshot_content_name if snapshot is not None else ""
        content = await self._find(SNAPSHOT_CONTENTS, name, namespace) if name else None
        return content.spec.source.virtual_machine if content is not None else None


def _before(request: AdmissionRequest, type_: type[T]) -> T | None:
    """The object as it was; None where it is made."""
    return request.old_object_as(type_) if request.has_old_object else None
