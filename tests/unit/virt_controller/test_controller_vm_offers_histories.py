"""A VM with an instance type and a preference, and an API server that loses an answer or fails at any of the writes of
its start: in the end there is one copy of each, one instance of the right size, and no write too many.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_api import Api
from controller_objects import FIRMWARE
from controller_world import Controller, new_world

from kubevirt.api.instancetypes.resources import CLUSTER_INSTANCETYPES, CLUSTER_PREFERENCES
from kubevirt.api.resources import VMIS, VMS
from kubevirt.kit.json import dig
from kubevirt.virt_controller.revision import START_REVISIONS

WRITES_OF_A_START = 6  # marks, two copies, start revision, instance, status
SIZE = {"cpu": {"guest": 3}, "memory": {"guest": "1Gi"}}


def offer(api: Api, cpus: int = 3) -> None:
    for resource, name, spec in ((CLUSTER_INSTANCETYPES, "small", {**SIZE, "cpu": {"guest": cpus}}),
                                 (CLUSTER_PREFERENCES, "linux", {})):
        api.make(resource, {"kind": resource.kind, "metadata": {"name": name}, "spec": spec})


def new_vm() -> dict[str, Any]:
    template = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}}}
    kinds = (("instancetype", "small", CLUSTER_INSTANCETYPES), ("preference", "linux", CLUSTER_PREFERENCES))
    matchers = {matcher: {"name": name, "kind": kind.kind} for matcher, name, kind in kinds}
    return {"metadata": {"name": "web", "namespace": "shop"},
            "spec": {"runStrategy": "Always", "template": template, **matchers}}


async def settle(controller: Controller) -> None:
    for _ in range(30):
        controller.hear_all()
        for worker in (0, 1):
            await controller.work(worker)


def copies(api: Api) -> list[str]:
    found = api.all(START_REVISIONS)
    return sorted(str(dig(r, "metadata", "labels", "instancetype.kubevirt.io/object-name")) for r in found
                  if "labels" in r["metadata"])


def check(api: Api) -> None:
    (instance,) = api.all(VMIS)
    assert dig(instance, "spec", "domain", "cpu", "sockets") == 3
    assert copies(api) == ["linux", "small"]
    (vm,) = api.all(VMS)
    for ref in ("instancetypeRef", "preferenceRef"):
        assert dig(vm, "status", ref, "controllerRevisionRef", "name")
    assert api.idle_writes == []


@pytest.mark.parametrize("restarted", [False, True], ids=["same controller", "new controller"])
@pytest.mark.parametrize("trouble", ["before", "after"])
@pytest.mark.parametrize("call", range(1, WRITES_OF_A_START + 1))
async def test_any_write_of_the_start_may_fail(call: int, trouble: str, restarted: bool) -> None:
    api = new_world()
    offer(api)
    api.make(VMS, new_vm())
    controller = Controller(api)
    api.trouble, api.calls_until_trouble = trouble, call
    controller.hear_all()
    await controller.work(0)
    if restarted:
        controller = Controller(api)
    await settle(controller)
    check(api)


async def test_a_vm_waits_for_its_instance_type_and_keeps_it() -> None:
    api = new_world()
    api.make(VMS, new_vm())
    controller = Controller(api)
    await settle(controller)
    assert api.all(VMIS) == []
    (failure,) = [c for c in api.all(VMS)[0]["status"]["conditions"] if c["type"] == "Failure"]
    assert failure["reason"] == "FailedFindInstancetype"
    offer(api)
    await settle(controller)
    check(api)
    assert not [c for c in api.all(VMS)[0]["status"]["conditions"] if c["type"] == "Failure"]
    api.update(CLUSTER_INSTANCETYPES, "small", lambda o: o["spec"].update(cpu={"guest": 9}))
    await settle(controller)
    check(api)


async def test_no_write_is_made_for_a_vm_at_rest() -> None:
    api = new_world()
    offer(api)
    api.make(VMS, new_vm())
    controller = Controller(api)
    await settle(controller)
    before = len(api.writes)
    controller = Controller(api)
    await settle(controller)
    assert api.writes[before:] == []
