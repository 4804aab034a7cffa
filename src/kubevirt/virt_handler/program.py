"""virt-handler as a whole: its parts, in the order in which they start, and their end."""

import asyncio
import platform
from pathlib import Path

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.core import Node
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.resources import KUBEVIRTS, VMIS
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.certs import CertificateFiles, ServerTls
from kubevirt.kube.client import Client
from kubevirt.kube.events import EventRecorder
from kubevirt.kube.informer import Informer
from kubevirt.kube.metrics import page
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_handler import kvm_probe
from kubevirt.virt_handler.devices.keeper import Keeper
from kubevirt.virt_handler.devices.nodes import gated_devices, permanent_devices
from kubevirt.virt_handler.devices.offer import Offer
from kubevirt.virt_handler.devices.permitted import host_devices
from kubevirt.virt_handler.instances.controller import InstanceController
from kubevirt.virt_handler.metrics import HandlerMetrics
from kubevirt.virt_handler.node import host
from kubevirt.virt_handler.node.heartbeat import Heartbeat, Presented
from kubevirt.virt_handler.node.hypervisor import HypervisorFacts, ask_hypervisor
from kubevirt.virt_handler.node.labels import NodeFacts, cpu_vendor, wanted_labels
from kubevirt.virt_handler.server.app import serving
from kubevirt.virt_handler.settings import Settings

COMPONENT = "virt-handler"

log = logs.get("virt-handler")


async def run(client: Client, settings: Settings, stop: asyncio.Event, measures: Measures) -> bool:
    """Work until `stop` is set. False when a part has ended that the program cannot go on without."""
    broken = asyncio.Event()

    def give_up(name: str, _error: BaseException) -> None:
        log.error("a part of the program has ended", task=name)
        broken.set()
        stop.set()

    verdict = await kvm_probe.probe()
    if not verdict.usable:
        log.warning("KVM cannot be used on this node", reason=verdict.reason)
    async with Tasks(on_failure=give_up) as tasks:
        kubevirts = Informer(client, KUBEVIRTS, namespace=settings.namespace)
        instances = Informer(client, VMIS, labels=f"{names.LABEL_NODE_NAME}={settings.node}")
        recorder = EventRecorder(client, COMPONENT, host=settings.node)
        recorder.start(tasks)
        controller = InstanceController(tasks, settings, client, instances, recorder, lambda: _config(kubevirts),
                                        kvm_problem=verdict.reason,
                                        measure=measures.queue("virt-handler-vm"),
                                        writes=measures.instance_writes)  # fmt: skip
        metrics = HandlerMetrics(measures, host=client.access.server, node=settings.node, instances=instances.all,
                                 launcher=controller.launchers.get, panics=controller.panics.counted)
        kubevirts.start(tasks)
        await kubevirts.synced()
        instances.start(tasks)
        facts = await _ask_hypervisor(verdict)
        metrics.deprecated_machine_types = facts.deprecated_machine_types
        controller.host_model = bool(facts.host_model or not facts.machine_types)
        heartbeat = await _present_node(client, settings, tasks, kubevirts, verdict, facts)
        tls = ServerTls(CertificateFiles.mounted(settings.server_certificate))
        async with (
            serving(settings, controller.launchers),
            page.serving(metrics.gather, tls.context, port=settings.metrics_port, readings=metrics.readings),
        ):
            log.info("virt-handler is at work", node=settings.node)
            metrics.is_ready = True
            await stop.wait()
            metrics.is_ready = False
            try:
                await heartbeat.stop()
            except Problem as e:
                log.warning("the node could not be marked as not schedulable", cause=str(e))
    return not broken.is_set()


async def _present_node(
    client: Client, settings: Settings, tasks: Tasks, kubevirts: Informer[KubeVirt], verdict: kvm_probe.KvmVerdict,
    facts: HypervisorFacts,
) -> Heartbeat:
    """Offer the node's devices to the kubelet, and show in the Node what it can do."""
    keeper = Keeper(tasks, settings.device_plugins_dir,
                    permanent=permanent_devices(kvm_usable=lambda: verdict.usable, limit=settings.max_devices),
                    asked_for=lambda: _devices_asked_for(_config(kubevirts), settings))  # fmt: skip
    kubevirts.on_change(lambda _old, _new: keeper.look_again())
    tasks.spawn(keeper.run(), name="device plugins")
    cpuinfo = await asyncio.to_thread(Path("/proc/cpuinfo").read_text)

    def presented(node: Node) -> Presented:
        config = _config(kubevirts)
        enabled = host.ksm_enabled()
        ksm = host.ksm_step(config, node.metadata.labels, node.metadata.annotations, enabled=enabled)
        if ksm.write:
            host.set_ksm(ksm.write)
            enabled = host.ksm_enabled()
        obsolete = frozenset(model for model, is_so in config.obsolete_cpu_models.items() if is_so)
        labels = wanted_labels(NodeFacts(
            hypervisor=facts, cpu_vendor=cpu_vendor(cpuinfo), architecture=platform.machine(),
            realtime=host.has_realtime(), ksm_enabled=enabled, obsolete_models=obsolete,
        ))  # fmt: skip
        return Presented(labels=labels, cpu_manager=host.has_cpu_manager(config, settings.kubelet_dir),
                         kvm_problem=verdict.reason, ksm_managed=ksm.managed)  # fmt: skip

    plugins = [plugin.registered for plugin in keeper.permanent]
    heartbeat = Heartbeat(client, settings.node, presented=presented, plugins=plugins)
    tasks.spawn(heartbeat.run(), name="heartbeat")
    return heartbeat


def _devices_asked_for(config: ClusterConfig, settings: Settings) -> list[Offer]:
    return [*gated_devices(config, limit=settings.max_devices), *host_devices(config.raw.permitted_host_devices)]


async def _ask_hypervisor(verdict: kvm_probe.KvmVerdict) -> HypervisorFacts:
    try:
        return await ask_hypervisor(kvm=verdict.usable)
    except Problem as e:
        log.error("the node gets no labels about CPU and machine types", e)
        return HypervisorFacts()


def _config(kubevirts: Informer[KubeVirt]) -> ClusterConfig:
    """The configuration of the installation; there is one KubeVirt object, and during its removal none."""
    found = kubevirts.all()
    return ClusterConfig.of(found[0]) if found else ClusterConfig()
