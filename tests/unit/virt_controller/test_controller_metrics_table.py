"""virt-controller's page against the table of metrics: of a copy that waits, and of the leader of a full world."""

from __future__ import annotations

from functools import partial
from typing import Any

from controller_api import Api
from controller_objects import condition, owner, stamp
from controller_world import Controller, new_world

from kubevirt.api.config import ClusterConfig
from kubevirt.api.objects import ConfigMap
from kubevirt.api.resources import PVCS, VMIS, VMS
from kubevirt.kube.metrics.measures import Measures
from kubevirt.kube.metrics.page import text_of
from kubevirt.virt_controller.metrics.page import ControllerMetrics
from kubevirt.virt_controller.metrics.shown_labels import as_chosen
from tests.metrics import LEADING_CONTROLLER, WAITING_CONTROLLER, differences

NICS: dict[str, Any] = {"domain": {"devices": {"interfaces": [{"name": "default", "masquerade": {}}]},
                                   "resources": {"limits": {"cpu": "2"}}},
                        "networks": [{"name": "default", "pod": {}}],
                        "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "root"}}]}
MIGRATED = {"startTimestamp": stamp(60), "endTimestamp": stamp(10), "completed": True}


def measures() -> Measures:
    """Counts of one request and one look at a machine."""
    found = Measures()
    found.requests.begin("GET", "/api/v1/nodes/node01", ())("200")
    return found


def ran_and_goes(vmi: dict[str, Any], phase: str) -> None:
    turns = [{"phase": p, "phaseTransitionTimestamp": stamp(9 - i)}
             for i, p in enumerate(("Pending", "Running", "Succeeded"))]
    vmi["metadata"]["deletionTimestamp"] = stamp(5)
    vmi["status"] |= {"phase": phase, "phaseTransitionTimestamps": turns, "migrationState": MIGRATED,
                      "interfaces": [{"name": "default", "ipAddress": "10.0.0.7"}]}


def full_world() -> Api:
    """A machine and its instance, of which much is known."""
    api = new_world()
    meta = {"name": "web", "namespace": "shop", "labels": {"team": "a"}}
    vm = api.make(VMS, {"metadata": meta, "spec": {"template": {"spec": NICS}},
                        "status": {"printableStatus": "Running", "conditions": [condition("Ready", "True")]}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    api.make(PVCS, {"metadata": {"name": "root", "namespace": "shop"}, "spec": claim})
    api.make(VMIS, {"metadata": {**meta, "ownerReferences": [owner(uid=vm["metadata"]["uid"])],
                                 "finalizers": ["kept"]}, "spec": NICS})
    return api


async def test_a_copy_that_waits() -> None:
    text = text_of(await ControllerMetrics(measures(), host="api").gather()).decode()
    assert differences(text, WAITING_CONTROLLER) == []


async def test_the_leader() -> None:
    api = full_world()
    controller = Controller(api)
    counts = measures()
    counts.queue("virt-controller-vm").added("shop/web")
    metrics = ControllerMetrics(counts, host="api")
    hidden = as_chosen(ConfigMap(data={"ignorelist": "secret"}))
    metrics.watch(controller.stores, ClusterConfig, lambda: hidden)
    for phase in ("Running", "Succeeded"):
        api.update(VMIS, "web", partial(ran_and_goes, phase=phase))
        controller.hear_all()
    counts.instance_writes.written("shop", "web")
    text = text_of(await metrics.gather()).decode()
    assert differences(text, LEADING_CONTROLLER) == []


async def test_writes_of_instances_are_counted_until_they_are_gone() -> None:
    api = new_world()
    counts = Measures()
    controller = Controller(api, counts.instance_writes)
    ControllerMetrics(counts, host="api").watch(controller.stores, ClusterConfig, lambda: as_chosen(None))
    api.make(VMS, {"metadata": {"name": "web", "namespace": "shop"},
                   "spec": {"runStrategy": "Always", "template": {"spec": {"domain": {"devices": {}}}}}})
    controller.hear_all()
    for worker in (0, 1, 0, 1):
        await controller.work(worker)
        controller.hear_all()
    written = [w for w in api.writes if w.split()[:2] in (["create", VMIS.plural], ["patch", VMIS.plural])]
    assert counts.instance_writes.counts == {("shop", "web"): len(written)}
    api.vanish(VMIS, "web")
    controller.hear_all()
    assert counts.instance_writes.counts == {}
