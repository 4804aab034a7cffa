"""virt-controller as a whole: the health endpoint, leadership, caches, and the controllers on top of them.

Two copies may run; the one that holds the Lease works, the other waits with nothing but a health endpoint. A leader
that loses its Lease ends the process: the next start is the only way back to a state nobody else has touched meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.certs import CertificateFiles, ServerTls
from kubevirt.kube.client import Client
from kubevirt.kube.controller import run_workers
from kubevirt.kube.events import EventRecorder
from kubevirt.kube.lease import leader
from kubevirt.kube.metrics import page
from kubevirt.kube.metrics.measures import Measures, QueueMeasure
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller import stores as store_module
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.cluster import Cluster
from kubevirt.virt_controller.health import alive, routes
from kubevirt.virt_controller.metrics.page import ControllerMetrics
from kubevirt.virt_controller.metrics.shown_labels import LabelChoice
from kubevirt.virt_controller.namespaces import Namespaces
from kubevirt.virt_controller.node.controller import NodeController
from kubevirt.virt_controller.node.handlers import Handlers
from kubevirt.virt_controller.pool.controller import PoolController
from kubevirt.virt_controller.replicaset.controller import ReplicaSetController
from kubevirt.virt_controller.storage import Storage
from kubevirt.virt_controller.strays.controller import StrayController
from kubevirt.virt_controller.vm.controller import VmController
from kubevirt.virt_controller.vm.in_step import Patterns
from kubevirt.virt_controller.vmi.controller import VmiController
from kubevirt.virt_controller.vmi.hanging import Warnings

log = logs.get("virt-controller")

LEASE = "virt-controller"
COMPONENT = "virtualmachine-controller"
NODE_COMPONENT = "node-controller"
REPLICASET_COMPONENT = "virtualmachinereplicaset-controller"
POOL_COMPONENT = "virtualmachinepool-controller"
# Workers wait for the API server, not for a processor: an instance takes five reconciles to Running, so 20 instances a
# second keep 30 workers from falling behind as long as a write is answered within 0.3 s.
VM_WORKERS = 20
VMI_WORKERS = 30
REPLICASET_WORKERS = 3
POOL_WORKERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the program is told by its environment and flags."""

    namespace: str
    identity: str
    launcher_image: str
    image_pull_policy: str = ""
    health_port: int = 8080
    certificates: Path = Path("/etc/virt-controller/certificates")
    patterns: Patterns = field(default_factory=Patterns)


async def run(client: Client, settings: Settings, stop: asyncio.Event, measures: Measures) -> bool:
    """Works until `stop` is set. Returns False when something ended that the program cannot go on without."""
    lost = asyncio.Event()

    def give_up(name: str, error: BaseException) -> None:
        log.error("a part of the program has ended", task=name, cause=str(error))
        lost.set()

    metrics = ControllerMetrics(measures, host=client.access.server)
    async with alive(settings.health_port), measured(client, metrics, settings), Tasks(on_failure=give_up) as tasks:
        tasks.spawn(lead(client, settings, lost, metrics), name="leader")
        waits = [asyncio.ensure_future(e.wait()) for e in (stop, lost)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return not lost.is_set()


async def lead(client: Client, settings: Settings, lost: asyncio.Event, metrics: ControllerMetrics) -> None:
    """Waits for the Lease, then runs the controllers until cancelled."""
    async with leader(client, LEASE, settings.namespace, settings.identity, on_lost=lost.set):
        def give_up(name: str, error: BaseException) -> None:
            log.error("a part of the program has ended", task=name, cause=str(error))
            lost.set()

        async with Tasks(on_failure=give_up) as tasks:
            metrics.is_leading = True
            await start_controllers(client, settings, tasks, metrics)
            await asyncio.Event().wait()


async def start_controllers(client: Client, settings: Settings, tasks: Tasks, metrics: ControllerMetrics) -> None:
    """Fills the caches, then sets the controllers to work. They live as long as `tasks`."""
    def counted(name: str) -> QueueMeasure:
        return metrics.measures.queue(f"virt-controller-{name}")

    stores = store_module.make(client, namespace=settings.namespace)
    await stores.start(tasks)
    recorder = EventRecorder(client, COMPONENT)
    recorder.start(tasks)

    def performer_for(recorder: EventRecorder) -> Performer:
        return Performer(client, recorder, stores, instance_writes=metrics.measures.instance_writes)

    performer = performer_for(recorder)
    namespaces = Namespaces(client)
    await namespaces.start(tasks)
    cluster = Cluster(stores, launcher_image=settings.launcher_image, image_pull_policy=settings.image_pull_policy,
                      namespaces=namespaces)
    vms = VmController(stores, cluster, performer, WorkQueue(measure=counted("vm")), patterns=settings.patterns)
    storage = Storage(client)
    await storage.start(tasks)
    vmis = VmiController(stores, cluster, performer, WorkQueue(measure=counted("vmi")), warnings=Warnings(client),
                         storage=storage)
    node_recorder = EventRecorder(client, NODE_COMPONENT)
    node_recorder.start(tasks)
    nodes = NodeController(stores, performer_for(node_recorder), WorkQueue(measure=counted("node")),
                           handler_missing=Handlers(client, settings.namespace).missing_on,
                           config=lambda: cluster.config)
    rs_recorder = EventRecorder(client, REPLICASET_COMPONENT)
    rs_recorder.start(tasks)
    replicasets = ReplicaSetController(stores, performer_for(rs_recorder),
                                       WorkQueue(measure=counted("replicaset")))
    pool_recorder = EventRecorder(client, POOL_COMPONENT)
    pool_recorder.start(tasks)
    pools = PoolController(stores, performer_for(pool_recorder), WorkQueue(measure=counted("pool")))
    strays = StrayController(stores, performer, WorkQueue(measure=counted("stray")))
    run_workers(vms.queue, vms.reconcile, VM_WORKERS, tasks, name="virt-controller-vm")
    run_workers(vmis.queue, vmis.reconcile, VMI_WORKERS, tasks, name="virt-controller-vmi")
    run_workers(nodes.queue, nodes.reconcile, 1, tasks, name="virt-controller-node")
    run_workers(replicasets.queue, replicasets.reconcile, REPLICASET_WORKERS, tasks,
                name="virt-controller-replicaset")
    run_workers(pools.queue, pools.reconcile, POOL_WORKERS, tasks, name="virt-controller-pool")
    run_workers(strays.queue, strays.reconcile, 1, tasks, name="virt-controller-stray")
    labels = LabelChoice(client, settings.namespace)
    labels.start(tasks)
    metrics.watch(stores, lambda: cluster.config, labels.now)
    log.info("controllers are at work", vms=len(stores.vms), vmis=len(stores.vmis), pods=len(stores.pods))


@asynccontextmanager
async def measured(client: Client, metrics: ControllerMetrics, settings: Settings) -> AsyncIterator[None]:
    """Serves /metrics, /healthz and /leader where there is a certificate; by hand, outside of a cluster, is none."""
    files = CertificateFiles.mounted(settings.certificates)
    if not files.certificate.exists():
        yield
        return
    health = routes(client, namespace=settings.namespace, is_leading=lambda: metrics.is_leading)
    async with page.serving(metrics.gather, ServerTls(files).context, besides=health):
        yield
