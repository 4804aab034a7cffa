"""Brings instances on this node and their launchers together: observe, decide, act, write the status, in this order.

One reconcile of one instance does at most one write of it. What is remembered between reconciles (`Progress`) only
spares work; after a restart everything is found again in the pod, in the launcher's reports and in the API object.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kubevirt.api.config import ClusterConfig
from kubevirt.api.resources import VMIS
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec, VirtualMachineInstanceStatus
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import now
from kubevirt.kube.client import Client
from kubevirt.kube.controller import run_workers
from kubevirt.kube.errors import NotFound
from kubevirt.kube.events import EventRecorder
from kubevirt.kube.informer import Informer
from kubevirt.kube.metrics.measures import QueueMeasure, WriteMeasure
from kubevirt.kube.queue import WorkQueue
from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.launcher_link.settings import sync_options
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.launcher_link.wire import LinkUnavailable
from kubevirt.machine.guest_probes import are_quiet
from kubevirt.machine.network import NicAttachment
from kubevirt.machine.status import Observed as Seen
from kubevirt.machine.status import status_after
from kubevirt.virt_handler.instances import events
from kubevirt.virt_handler.instances.decide import Action, Decision, Observed, decide
from kubevirt.virt_handler.instances.events import Note
from kubevirt.virt_handler.instances.launchers import Launcher, Launchers, LinkState
from kubevirt.virt_handler.instances.ownership import own_devices
from kubevirt.virt_handler.instances.pinning import allow_pinning
from kubevirt.virt_handler.instances.standstill import Standstill
from kubevirt.virt_handler.instances.status_patch import can_wait, status_patch
from kubevirt.virt_handler.network.wiring import wire
from kubevirt.virt_handler.panics import Panics
from kubevirt.virt_handler.settings import Settings

log = logs.get("instances")

WORKERS = 10
DETAILS_SETTLE_S = 1.0
"""How long changes of details are collected, so that a swarm of them is one write."""
GATE_GPU_MIGRATION = "VGPULiveMigration"
_FOLLOWED_PHASES = ("Scheduled", "Running")
_AFTER_THE_STATUS = (Action.ACKNOWLEDGE, Action.FORGET)


@dataclass(frozen=True)
class Given:
    """What of an instance its launcher must be told again when it changes."""

    spec: VirtualMachineInstanceSpec
    quiet_probes: bool

    @classmethod
    def of(cls, instance: VirtualMachineInstance) -> "Given":
        return cls(instance.spec, are_quiet(instance.metadata.annotations))


@dataclass
class Progress:
    """What was done for one launcher; lost with a restart, without harm."""

    attachments: list[NicAttachment] | None = None
    given: Given | None = None
    """As the launcher was last given it."""
    asked_to_end_at: float | None = None
    ending: Action | None = None
    standstill: Standstill = field(default_factory=Standstill)
    details_due_at: float | None = None
    """When a change of details only is to be written."""


class InstanceController:
    """Reconciles instances by key. `config()` is the cluster's configuration of the moment; `kvm_problem` why KVM
    cannot be used on this node, empty when it can."""

    def __init__(
        self,
        tasks: Tasks,
        settings: Settings,
        client: Client,
        instances: Informer[VirtualMachineInstance],
        recorder: EventRecorder,
        config: Callable[[], ClusterConfig],
        *,
        kvm_problem: str,
        measure: QueueMeasure | None = None,
        writes: WriteMeasure | None = None,
    ) -> None:
        self.queue = WorkQueue(measure=measure)
        self.launchers = Launchers(tasks, settings.pods_dir, software=settings.software, on_change=self.queue.add,
                                   on_guest_event=self._tell_guest_event)  # fmt: skip
        self._node = settings.node
        self._client = client
        self._writes = writes or WriteMeasure()
        self.panics = Panics()
        self.host_model = True
        """libvirt knows a CPU model for this node; as long as it was not asked, it is taken for granted."""
        self._instances = instances
        self._recorder = recorder
        self._config = config
        self._kvm_problem = kvm_problem
        self._progress: dict[str, Progress] = {}
        instances.on_change(self._changed)
        run_workers(self.queue, self.reconcile, WORKERS, tasks, name="virt-handler-vm")

    async def reconcile(self, key: str) -> float | None:
        """One look at one instance. Returns in how many seconds to look again; raises Problem to be tried again."""
        instance = self._instances.by_key(key)
        launcher = self._launcher_of(key, instance)
        if launcher is None:
            return None
        if instance is not None and instance.metadata.uid != launcher.uid:
            instance = None  # the name was given anew; the old guest ends first
        progress = self._progress.setdefault(key, Progress())
        decision = decide(_observe(instance, launcher, progress))
        problem = await self._carry_out(decision, instance, launcher, progress)
        details_due_s = None
        if instance is not None:
            details_due_s = await self._write_status(instance, launcher, progress, decision, problem)
        for action in decision.actions:
            if action in _AFTER_THE_STATUS:
                await self._finish(action, launcher)
        if problem is not None:
            raise problem
        return min((s for s in (decision.look_again_s, details_due_s) if s is not None), default=None)

    def _launcher_of(self, key: str, instance: VirtualMachineInstance | None) -> Launcher | None:
        """The launcher to look at: the one that is followed, else the one that the instance calls for."""
        launcher = self.launchers.get(key)
        if launcher is None and instance is not None and instance.status.phase in _FOLLOWED_PHASES:
            pods = [uid for uid, node in instance.status.active_pods.items() if node == self._node]
            pods.sort(key=self.launchers.is_here)
            if pods:
                launcher = self.launchers.follow(key, instance.metadata.uid, pods[-1])
        return launcher

    async def _carry_out(
        self, decision: Decision, instance: VirtualMachineInstance | None, launcher: Launcher, progress: Progress
    ) -> Problem | None:
        """Everything that comes before the status; what goes wrong is returned, to be shown there."""
        try:
            for action in decision.actions:
                match action:
                    case Action.START | Action.UPDATE if instance is not None:
                        await self._sync(instance, launcher, progress, running=action is Action.UPDATE)
                    case Action.SHUTDOWN | Action.KILL | Action.DELETE:
                        await self._ask_to_end(action, instance, launcher, progress)
        except LinkUnavailable:
            raise  # the link tells by itself when it is back, or that it stays away
        except Problem as problem:
            if instance is not None:
                self._emit(instance, [events.sync_failed(str(problem))])
            return problem
        return None

    async def _sync(
        self, instance: VirtualMachineInstance, launcher: Launcher, progress: Progress, *, running: bool
    ) -> None:
        link = launcher.open_link()
        own_devices(link.peer_pid)
        allow_pinning(instance, link.peer_pid)
        progress.attachments = await wire(instance, link.peer_pid, running=running)
        options = sync_options(self._config(), kvm_usable=not self._kvm_problem)
        started = time.monotonic()
        if progress.standstill.look(launcher.report, started) is not None:
            progress.standstill.tried(started)  # a launcher that is told of its machine again lets it go on
        report = await link.sync(SyncRequest(vmi=instance, nics=progress.attachments, options=options))
        launcher.report, progress.given = report, Given.of(instance)
        log.info("launcher synced", vmi=launcher.key, state=report.state, took_s=round(time.monotonic() - started, 3))

    async def _ask_to_end(
        self, action: Action, instance: VirtualMachineInstance | None, launcher: Launcher, progress: Progress
    ) -> None:
        link = launcher.open_link()
        match action:
            case Action.SHUTDOWN:
                await link.shutdown()
            case Action.KILL:
                await link.kill()
            case _:
                await link.delete()
        if instance is not None:
            self._emit(instance, events.on_action(action, repeated=progress.ending is action))
        log.info("launcher asked to end its guest", vmi=launcher.key, how=action.name.lower())
        progress.asked_to_end_at, progress.ending = time.monotonic(), action

    async def _write_status(
        self,
        instance: VirtualMachineInstance,
        launcher: Launcher,
        progress: Progress,
        decision: Decision,
        problem: Problem | None,
    ) -> float | None:
        """Write what has changed; details wait for more of them, and the seconds until then are returned."""
        if instance.status.phase not in _FOLLOWED_PHASES:
            return None
        report = launcher.report
        is_starting = instance.status.phase == "Scheduled" and report is not None and report.is_alive
        if progress.attachments is None and is_starting:
            progress.attachments = await wire(instance, launcher.open_link().peer_pid)  # after a restart: only looks
        wanted = status_after(instance, Seen(
            now=now(), node=self._node, report=report, attachments=progress.attachments or [], lost=decision.lost,
            sync_problem=str(problem or ""), kvm_unusable=self._kvm_problem, host_model=self.host_model,
            gpu_migration=self._config().has_gate(GATE_GPU_MIGRATION),
        ))  # fmt: skip
        patch = status_patch(instance, wanted)
        if patch is None:
            progress.details_due_at = None
            return None
        if can_wait(instance.status, wanted):
            progress.details_due_at = progress.details_due_at or time.monotonic() + DETAILS_SETTLE_S
            if (left_s := progress.details_due_at - time.monotonic()) > 0:
                return left_s
        progress.details_due_at = None
        meta = instance.metadata
        try:
            written = await self._client.patch(VMIS, meta.name, meta.namespace, patch.operations)
        except NotFound:
            return None  # it was removed meanwhile; the watch will tell
        self._writes.written(meta.namespace, meta.name)
        self._instances.written(written)
        self._emit(instance, self._worth_telling(instance, wanted))
        return None

    def _worth_telling(self, instance: VirtualMachineInstance, wanted: VirtualMachineInstanceStatus) -> list[Note]:
        before, after = instance.status.conditions, wanted.conditions
        strategy = instance.spec.eviction_strategy or self._config().eviction_strategy or ""
        return [*events.on_phase(instance.status.phase, wanted.phase), *events.on_credentials(before, after),
                *events.on_migratability(before, after, strategy)]  # fmt: skip

    async def _finish(self, action: Action, launcher: Launcher) -> None:
        if action is Action.ACKNOWLEDGE:
            try:
                await launcher.open_link().acknowledge_final()
            except LinkUnavailable:
                log.info("a launcher ended before its end was acknowledged", vmi=launcher.key)
        else:
            self.launchers.forget(launcher.key)
            self._progress.pop(launcher.key, None)
            self.queue.add(launcher.key)  # an instance that was given the name meanwhile has waited for this

    def _emit(self, instance: VirtualMachineInstance, notes: list[Note]) -> None:
        for note in notes:
            self._recorder.emit(instance, note.type, note.reason, note.message)

    def _tell_guest_event(self, key: str, event: GuestEvent) -> None:
        instance, launcher = self._instances.by_key(key), self.launchers.get(key)
        if instance is None or launcher is None:
            return
        if notes := events.on_guest_event(instance, launcher.uid, event):
            self.panics.told(instance.metadata.namespace, instance.metadata.name, event)
            self._emit(instance, notes)

    def _changed(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        if (instance := new or old) is not None:
            self.queue.add(f"{instance.metadata.namespace}/{instance.metadata.name}")
        if old is not None and new is None:
            self._writes.gone(old.metadata.namespace, old.metadata.name)
            self.panics.forget(old.metadata.namespace, old.metadata.name)


def _observe(instance: VirtualMachineInstance | None, launcher: Launcher, progress: Progress) -> Observed:
    asked_at = progress.asked_to_end_at
    return Observed(
        vmi=instance,
        link=launcher.state,
        link_for_s=launcher.state_for_s,
        pod_is_gone=launcher.state is not LinkState.OPEN and not launcher.pod_dir.exists(),
        report=launcher.report,
        final=launcher.final,
        spec_changed=instance is not None and progress.given is not None and progress.given != Given.of(instance),
        try_resuming_in_s=progress.standstill.look(launcher.report, time.monotonic()),
        asked_to_end_s_ago=None if asked_at is None else time.monotonic() - asked_at,
        now=now(),
    )
