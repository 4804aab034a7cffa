"""The VMI controller: gathers what is to be looked at from the caches, and carries out what is decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.phase import is_final
from kubevirt.api.pods import Node, Pod
from kubevirt.api.resources import PODS, PVCS, VMIS
from kubevirt.api.validation.network import check_network
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem, Refused
from kubevirt.kit.times import now
from kubevirt.kube.cache import key_of
from kubevirt.kube.queue import WorkQueue
from kubevirt.machine import backend_storage
from kubevirt.virt_controller import tsc
from kubevirt.virt_controller.act import Failed, Performer
from kubevirt.virt_controller.actions import Action, Create, Event, FailureWords, Patch, SyncProblem
from kubevirt.virt_controller.cluster import Cluster
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.storage import Storage, access_mode
from kubevirt.virt_controller.stores import Stores, key_of_change
from kubevirt.virt_controller.vmi import hanging, pods
from kubevirt.virt_controller.vmi.data import consumer
from kubevirt.virt_controller.vmi.decide import decide, in_turn, is_starting
from kubevirt.virt_controller.vmi.ending import Ending
from kubevirt.virt_controller.vmi.hanging import Warnings
from kubevirt.virt_controller.vmi.observed import Decision, Observed
from kubevirt.virt_controller.vmi.pace import Pace
from kubevirt.virt_controller.vmi.phases import UNPROCESSED, next_phase
from kubevirt.virt_controller.vmi.refusal import PodRefused
from kubevirt.virt_controller.vmi.shape import hold_s, shape
from kubevirt.virt_controller.vmi.state import CREATE_FAILED
from kubevirt.virt_controller.vmi.vsock import Addresses
from kubevirt.virt_controller.volumes import claim_names

FAILED_UPDATE = FailureWords(reason="FailedUpdateError")
FAILED_STATE = FailureWords(reason=CREATE_FAILED)
FAILED_VALIDATION = FailureWords(reason="FailedCreateValidation")
FAILED_RENDER = FailureWords(reason="FailedCreate", condition="failed to render launch manifest: ",
                             event="failed to render launch manifest: ")


class VmiController:
    """`reconcile` is called by workers of `queue`, one at a time for each VMI."""

    def __init__(self, stores: Stores, cluster: Cluster, performer: Performer, queue: WorkQueue, *,
                 warnings: Warnings | None = None, storage: Storage | None = None,
                 clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._warnings = warnings
        self._storage = storage
        self._stores = stores
        self._cluster = cluster
        self._performer = performer
        self.queue = queue
        self._pace = Pace(wake=queue.add)
        self._vsock = Addresses()
        stores.vmis.on_change(self._on_vmi)
        stores.pods.on_change(self._on_pod)
        stores.claims.on_change(self._on_claim)
        stores.datavolumes.on_change(self._on_data)
        stores.nodes.on_change(self._on_node)
        if storage is not None:
            storage.on_change(lambda: self._add_waiting(stores.vmis.all()))

    async def reconcile(self, key_: str) -> float | None:
        """Brings one VMI nearer to its end or its guest. Returns the seconds after which it wants another look."""
        o = self.observe(key_)
        if o is None:
            self._pace.over(key_)
            self._vsock.forget(key_)
            return None
        known = find(o.vmi.status.conditions, "Synchronized")
        decision = decide(o)
        turn_in_s = None
        if decision.create_pod:
            turn_in_s = self._pace.wait_s(key_, width=self._cluster.cpus, now=o.now)
            decision = in_turn(o, decision, turn_in_s)
        elif not is_starting(o):
            self._pace.over(key_)
        failed = await self._carry_out(o, decision, known=known.message if known is not None else "")
        problem = failed.problem if failed is not None else decision.problem
        if decision.event is not None and (known is None or known.message != decision.event.message):
            self._performer.tell(o.vmi, decision.event)
        hangs_in_s = hanging.hangs_in_s(o) if self._warnings is not None else None
        if hangs_in_s == 0 and self._warnings is not None and o.pod is not None:
            hangs_in_s = hanging.LOOK_AGAIN_S
            problem = problem or await self._warnings.about(o.pod, o.now)
        if (o := self.observe(key_)) is None:
            return None
        wait_s = await self._write(o, problem)
        if failed is not None:
            self._pace.over(key_)
            raise failed.error
        return min((s for s in (wait_s, turn_in_s, hangs_in_s) if s is not None), default=None)

    async def _carry_out(self, o: Observed, decision: Decision, *, known: str) -> Failed | None:
        actions: list[Action] = list(decision.actions)
        if decision.create_pod and (causes := list(check_network("spec", o.vmi.spec, self._cluster.config))):
            error = Refused(cause="; ".join(cause.message for cause in causes), field=causes[0].field)
            return Failed(FAILED_VALIDATION.problem(error.cause), error)
        if decision.create_pod:
            try:
                actions.append(self._creation(o, temporary=decision.temporary))
            except Problem as error:
                self._performer.tell(o.vmi, None if known.endswith(str(error)) else FAILED_RENDER.told(str(error)))
                return Failed(FAILED_RENDER.problem(str(error)), error)
        if decision.create_state_claim:
            try:
                actions.append(await self._state_claim(o, decision.create_state_claim))
            except Problem as error:
                return Failed(FAILED_STATE.problem(error.cause), error)
        return await self._performer.perform(actions, about=o.vmi, known=known)

    async def _state_claim(self, o: Observed, storage_class: str) -> Create:
        profile = await self._storage.profile(storage_class) if self._storage is not None else None
        mode = access_mode(profile, configured=o.state_storage_class)
        body = backend_storage.new_claim(o.vmi, storage_class=storage_class, access_mode=mode)
        return Create(resource=PVCS, body=body, failed=FAILED_STATE)

    def _creation(self, o: Observed, *, temporary: bool) -> Create:
        vmi = o.vmi
        name = pods.name_for(vmi, temporary=temporary)
        kept_by = o.state_claim.metadata.name if o.state_claim is not None else ""
        body = self._cluster.launcher_pod(vmi, name=name, state_claim=kept_by)
        return Create(
            resource=PODS,
            body=consumer(body) if temporary else body,
            done=Event(reason="SuccessfulCreate", message=f"Created virtual machine pod {name}"),
            failed=PodRefused(reason="FailedCreate", vmi=key_of(vmi)),
        )

    async def _write(self, o: Observed, problem: SyncProblem | None) -> float | None:
        new = shape(o, problem)
        if new == o.vmi:
            return None
        if (wait_s := hold_s(o, new)) > 0:
            return wait_s
        patch = Patch(resource=VMIS, old=o.vmi, new=new, done=failure_event(o), failed=FAILED_UPDATE)
        if (failed := await self._performer.perform((patch,), about=o.vmi)) is not None:
            raise failed.error
        return None

    def observe(self, key_: str) -> Observed | None:
        """All that matters about one VMI; None when there is none."""
        s = self._stores
        vmi = s.vmis.by_key(key_)
        if vmi is None:
            return None
        meta = vmi.metadata
        needed = claim_names(vmi.spec.volumes)
        claims = ((name, s.claims.get(meta.namespace, name)) for name in needed)
        sources = ((name, s.datavolumes.get(meta.namespace, name)) for name in needed)
        owner = meta.controller
        vm = s.vms.get(meta.namespace, owner.name) if owner is not None and owner.kind == "VirtualMachine" else None
        keeps = backend_storage.is_needed(vmi)
        return Observed(
            vmi=vmi,
            state_claims=self._claims_with_state(vmi) if keeps else (),
            storage_classes=self._storage.classes if keeps and self._storage is not None else (),
            state_storage_class=self._cluster.config.vm_state_storage_class,
            pods=tuple(s.pods.by_index("controller", meta.uid)),
            claims={name: claim for name, claim in claims if claim is not None},
            data_volumes={name: source for name, source in sources if source is not None},
            has_vm=vm is not None and owner is not None and vm.metadata.uid == owner.uid,
            nodes_ready=self._cluster.nodes_ready,
            tsc_hz=self._tsc_hz(vmi),
            launcher_image=self._cluster.launcher_image,
            vsock_cid=self._vsock_cid(key_, vmi),
            now=self._clock(),
        )

    def _claims_with_state(self, vmi: VirtualMachineInstance) -> tuple[PersistentVolumeClaim, ...]:
        key = f"{vmi.metadata.namespace}/{backend_storage.label_of(vmi)}"
        return tuple(self._stores.claims.by_index("state", key))

    def _tsc_hz(self, vmi: VirtualMachineInstance) -> int:
        if vmi.status.phase not in UNPROCESSED or not tsc.is_wanted(vmi):
            return 0
        return tsc.lowest_hz(self._stores.nodes.all(), configured=self._cluster.config.minimum_tsc_hz)

    def _vsock_cid(self, key_: str, vmi: VirtualMachineInstance) -> int | None:
        if not vmi.spec.domain.devices.autoattach_vsock or is_final(vmi.status.phase):
            return None
        taken = (other.status.vsock_cid for other in self._stores.vmis.all())
        return vmi.status.vsock_cid or self._vsock.address_for(key_, (cid for cid in taken if cid is not None))

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        self.queue.add(key_of_change(old, new))

    def _on_pod(self, old: Pod | None, new: Pod | None) -> None:
        for pod in (old, new):
            if pod is not None and (owner := pod.metadata.controller) is not None:
                self.queue.add(f"{pod.metadata.namespace}/{owner.name}")

    def _on_claim(self, old: PersistentVolumeClaim | None, new: PersistentVolumeClaim | None) -> None:
        for claim in (old, new):
            if claim is not None and backend_storage.LABEL in claim.metadata.labels:
                self.queue.add(f"{claim.metadata.namespace}/{backend_storage.machine_of(claim)}")
        self._on_data(old, new)

    def _on_data(self, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        self._add_waiting(self._stores.vmis.by_index("claim", key_of_change(old, new)))

    def _on_node(self, old: Node | None, new: Node | None) -> None:
        if self._cluster.node_changed(old, new) or tsc.differs(old, new):
            self._add_waiting(self._stores.vmis.all())

    def _add_waiting(self, vmis: list[Any]) -> None:
        for vmi in vmis:
            if vmi.status.phase in UNPROCESSED:
                self.queue.add(key_of(vmi))


def failure_event(o: Observed) -> Event | None:
    """What is said when this controller is the one who finds that a VMI has failed."""
    ending: Ending = next_phase(o)
    if not is_final(ending.phase) or is_final(o.vmi.status.phase) or not ending.reason:
        return None
    return Event(type="Warning", reason=ending.reason, message=ending.message)
