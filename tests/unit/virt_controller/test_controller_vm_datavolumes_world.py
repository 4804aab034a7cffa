"""dataVolumeTemplates in a small world: from the template to the instance, with an importer that may decline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from controller_api import Api
from controller_datavolumes import ELSEWHERE, VOLUMES, Json, template
from controller_world import Controller, new_world

from kubevirt.api.resources import PVCS, SUBJECT_ACCESS_REVIEWS, VMIS, VMS
from kubevirt.kube.errors import Invalid
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES


class Importers(Api):
    """An API server whose importer declines what it is told to, and whose authorization says what it is told to."""

    declines = ""
    allows: tuple[str, ...] = ()

    async def create(self, res: Any, obj: Any, namespace: str | None = None) -> Any:
        if res is SUBJECT_ACCESS_REVIEWS:
            asked = obj.spec.resource_attributes
            obj.status.allowed = asked.resource in self.allows
            return obj
        if res is DATA_VOLUMES and self.declines:
            raise Invalid(status=422, reason="Invalid", message=self.declines)
        return await super().create(res, obj, namespace)


def world(of: Json | None = None, *, declines: str = "", allows: tuple[str, ...] = ()) -> tuple[Importers, Controller]:
    api = Importers()
    api.objects = new_world().objects
    api.has_importer, api.declines, api.allows = True, declines, allows
    api.make(VMS, {"metadata": {"name": "web", "namespace": "shop"}, "spec": {
        "runStrategy": "Always", "dataVolumeTemplates": [of or template()],
        "template": {"spec": {"domain": {"devices": {}, "firmware": {"uuid": "1"}}, "volumes": VOLUMES}}}})
    return api, Controller(api)


def work(controller: Controller, *, rounds: int = 3) -> None:
    async def some() -> None:
        for _ in range(rounds):
            controller.hear_all()
            await controller.work(0)
    asyncio.run(some())


def test_from_template_to_instance() -> None:
    api, controller = world()
    work(controller)
    assert [o["metadata"]["name"] for o in api.all(DATA_VOLUMES)] == ["root"]
    assert api.all(VMIS) == []
    assert api.find(VMS, "web")["status"]["printableStatus"] == "Provisioning"
    api.update(DATA_VOLUMES, "root", lambda o: o.update(status={"phase": "Succeeded"}))
    work(controller)
    assert len(api.all(VMIS)) == 1
    assert ("Normal", "SuccessfulDataVolumeCreate", "Created DataVolume root") in controller.told.events


def test_what_the_importer_refuses_is_told_once() -> None:
    api, controller = world(declines="PVC size is missing")
    work(controller, rounds=4)
    failure = next(c for c in api.find(VMS, "web")["status"]["conditions"] if c["type"] == "Failure")
    assert failure["message"] == "Error encountered while creating DataVolumes: PVC size is missing"
    assert [e for e in controller.told.events if e[1] == "FailedDataVolumeCreate"] == [
        ("Warning", "FailedDataVolumeCreate", "Error creating DataVolume root: PVC size is missing")]


def test_a_claim_that_was_there_before_is_used_as_it_is() -> None:
    api, controller = world(declines="Destination PVC shop/root already exists")
    api.make(PVCS, {"metadata": {"name": "root", "namespace": "shop"}, "status": {"phase": "Bound"}})
    work(controller)
    assert len(api.all(VMIS)) == 1


@pytest.mark.parametrize(("allows", "created"), [
    pytest.param((), False, id="nothing"), pytest.param(("datavolumes",), True, id="the right made for it"),
    pytest.param(("pods",), True, id="the right to run pods there"), pytest.param(("pvcs",), False, id="another"),
])
def test_a_copy_from_another_namespace_is_made_only_where_it_is_allowed(allows: Any, created: bool) -> None:
    api, controller = world(template(ELSEWHERE), allows=allows)
    work(controller)
    assert bool(api.all(DATA_VOLUMES)) is created
    refusal = ("User system:serviceaccount:shop:default has insufficient permissions in clone source namespace images")
    told = ("Warning", "UnauthorizedDataVolumeCreate", f"Not authorized to create DataVolume root: {refusal}")
    assert (told in controller.told.events) is not created
    assert ("SourcePVCNotAvailabe" in {e[1] for e in controller.told.events}) is created
