"""A VM's dataVolumeTemplates: what is made of them and in whose name, what a start waits for, and what is told of it.

What the importer does with a DataVolume is its own; the tables here only know its phases and conditions.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from controller_api import Api
from controller_objects import VM_UID, claim, condition, owner, seen, start, vm, vmi
from controller_world import Controller, new_world

from kubevirt.api import codec
from kubevirt.api.resources import PVCS, SUBJECT_ACCESS_REVIEWS, VMIS, VMS
from kubevirt.kube.errors import Invalid
from kubevirt.virt_controller.actions import Create, Delete, Patch
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES, DataSource, DataVolume, Presence
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.importer_facts import ImporterFacts
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.printable import printable_status

Json = dict[str, Any]
LATER = {"kubevirt.io/immediate-data-volume-creation": "false"}
VOLUMES = [{"name": "disk", "dataVolume": {"name": "root"}}]


def template(source: Json | None = None, **spec: Any) -> Json:
    origin = {} if "sourceRef" in spec else {"source": source or {"blank": {}}}
    return {"metadata": {"name": "root", "labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {**origin, "storage": {"resources": {"requests": {"storage": "1Gi"}}}, **spec}}


def machine(strategy: str = "Always", *, of: Json | None = None, in_template: Json | None = None, **kwargs: Any) -> Any:
    spec = {"dataVolumeTemplates": [of or template()]}
    body = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": "1"}}, "volumes": VOLUMES, **(in_template or {})}}
    return vm(strategy, spec=spec, template=body, **kwargs)


def volume(phase: str = "Succeeded", *conditions: Json, owned: bool = True) -> DataVolume:
    meta: Json = {"name": "root", "namespace": "shop", "uid": "dv", "resourceVersion": "3"}
    if owned:
        meta["ownerReferences"] = [owner()]
    return codec.convert({"metadata": meta, "status": {"phase": phase, "conditions": list(conditions)}}, DataVolume)


def facts(found: DataVolume | None = None, **more: Any) -> ImporterFacts:
    return ImporterFacts(presence=Presence.SERVED, data_volumes={"root": found} if found else {}, **more)


def looked_at(the_vm: Any, found: DataVolume | None = None, instance: Any = None, **more: Any) -> Observed:
    return seen(the_vm, instance, importer=facts(found, **more))


def words(o: Observed) -> list[str]:
    return [f"{type(a).__name__} {a.resource.kind}" for a in decide(o).actions]


def made(o: Observed) -> Create:
    (action,) = decide(o).actions
    assert isinstance(action, Create)
    return action


# What is made


def test_the_data_volume_is_the_template_tied_to_the_vm() -> None:
    create = made(looked_at(machine()))
    assert create.body == {
        "apiVersion": "cdi.kubevirt.io/v1beta1",
        "kind": "DataVolume",
        "metadata": {
            "name": "root", "namespace": "shop", "labels": {"a": "b", "kubevirt.io/created-by": VM_UID},
            "annotations": {"c": "d", "cdi.kubevirt.io/allowClaimAdoption": "true"}, "ownerReferences": [owner()],
        },
        "spec": {"source": {"blank": {}}, "storage": {"resources": {"requests": {"storage": "1Gi"}}}},
    }
    assert create.permission is None
    assert create.done is not None
    assert (create.done.type, create.done.reason, create.done.message) == (
        "Normal", "SuccessfulDataVolumeCreate", "Created DataVolume root")


@pytest.mark.parametrize(("own", "inherited", "expected"), [
    ({}, {}, None), ({}, {"priorityClassName": "high"}, "high"),
    ({"priorityClassName": "low"}, {"priorityClassName": "high"}, "low")])
def test_the_priority_class_is_inherited(own: Json, inherited: Json, expected: str | None) -> None:
    body = made(looked_at(machine(of=template(**own), in_template=inherited))).body
    assert body["spec"].get("priorityClassName") == expected


def data_source(spec: Json, status: Json | None = None) -> dict[str, DataSource]:
    meta = {"name": "golden", "namespace": "images"}
    found = codec.convert({"metadata": meta, "spec": {"source": spec}, "status": {"source": status or {}}}, DataSource)
    return {"images/golden": found}


REF = template(sourceRef={"kind": "DataSource", "name": "golden", "namespace": "images"})


@pytest.mark.parametrize(("sources", "expected"), [
    pytest.param(data_source({"pvc": {"name": "p", "namespace": "other"}}),
                 {"pvc": {"name": "p", "namespace": "other"}}, id="a claim"),
    pytest.param(data_source({"pvc": {"name": "p"}}), {"pvc": {"name": "p", "namespace": "images"}},
                 id="a claim of the DataSource's namespace"),
    pytest.param(data_source({"snapshot": {"name": "s"}}), {"snapshot": {"name": "s", "namespace": "images"}},
                 id="a snapshot"),
    pytest.param(data_source({"dataSource": {"name": "x"}}, {"pvc": {"name": "p", "namespace": "y"}}),
                 {"pvc": {"name": "p", "namespace": "y"}}, id="another DataSource, through the status"),
])
def test_a_data_source_is_made_definite(sources: dict[str, DataSource], expected: Json) -> None:
    body = made(looked_at(machine(of=REF), data_sources=sources)).body
    assert body["spec"]["source"] == expected
    assert "sourceRef" not in body["spec"]


@pytest.mark.parametrize(("of", "sources", "says"), [
    pytest.param(REF, {}, "DataSource images/golden not found", id="none of that name"),
    pytest.param(REF, data_source({}), "names neither a claim nor a snapshot", id="one without a source"),
    pytest.param(template(sourceRef={"kind": "Thing", "name": "x"}), {}, "sourceRef kind Thing is not supported",
                 id="another kind"),
])
def test_a_source_that_cannot_be_told_is_a_problem(of: Json, sources: Any, says: str) -> None:
    decision = decide(looked_at(machine(of=of), data_sources=sources))
    assert decision.actions == ()
    assert decision.problem is not None
    assert decision.problem.reason == "FailedCreate"
    assert decision.problem.message.startswith("Error encountered while creating DataVolumes: ")
    assert says in decision.problem.message


ELSEWHERE = {"pvc": {"namespace": "images", "name": "golden"}}


@pytest.mark.parametrize(("source", "exists", "told"), [
    pytest.param(ELSEWHERE, False, "Source PVC golden not available: Target PVC root will remain unpopulated until "
                 "source is created", id="a claim that is not there yet"),
    pytest.param(ELSEWHERE, True, "", id="a claim that is there"),
    pytest.param({"snapshot": {"namespace": "images", "name": "golden"}}, False, "", id="a snapshot is not looked for"),
])
def test_a_missing_source_is_told_and_not_waited_for(source: Json, exists: bool, told: str) -> None:
    claims = frozenset({"images/golden"} if exists else ())
    warning = made(looked_at(machine(of=template(source)), source_claims=claims)).warning
    assert (warning.message if warning else "") == told
    assert warning is None or (warning.type, warning.reason) == ("Warning", "SourcePVCNotAvailabe")


# In whose name


def rights(create: Create) -> list[list[str]]:
    assert create.permission is not None
    return [["/".join(filter(None, (r.group, r.resource, r.subresource))) for r in way]
            for way in create.permission.ways]


@pytest.mark.parametrize(("source", "expected"), [
    pytest.param(ELSEWHERE, [["cdi.kubevirt.io/datavolumes/source"], ["pods"]], id="a claim"),
    pytest.param({"snapshot": {"namespace": "images", "name": "s"}},
                 [["cdi.kubevirt.io/datavolumes/source"], ["pods", "pvcs"]], id="a snapshot"),
])
def test_copying_from_another_namespace_takes_a_permission(source: Json, expected: list[list[str]]) -> None:
    create = made(looked_at(machine(of=template(source))))
    assert rights(create) == expected
    assert create.permission is not None
    assert {(r.verb, r.namespace) for way in create.permission.ways for r in way} == {("create", "images")}


def test_copying_within_the_namespace_takes_none() -> None:
    own = {"pvc": {"namespace": "shop", "name": "golden"}}
    assert made(looked_at(machine(of=template(own)))).permission is None


@pytest.mark.parametrize(("in_template", "account"), [
    pytest.param({"serviceAccountName": "build"}, "build", id="the template's"),
    pytest.param({"volumes": [*VOLUMES, {"name": "t", "serviceAccount": {"serviceAccountName": "tok"}}]}, "tok",
                 id="else that of a volume"),
    pytest.param({}, "default", id="else the default one"),
])
def test_the_permission_is_that_of_the_vms_service_account(in_template: Json, account: str) -> None:
    permission = made(looked_at(machine(of=template(ELSEWHERE), in_template=in_template))).permission
    assert permission is not None
    assert permission.user == f"system:serviceaccount:shop:{account}"
    assert permission.groups == (
        "system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")


# What is waited for


@pytest.mark.parametrize(("phase", "starts"), [
    *[(p, True) for p in ("Succeeded", "WaitForFirstConsumer", "PendingPopulation")],
    *[(p, False) for p in ("", "Pending", "PVCBound", "ImportScheduled", "ImportInProgress", "UploadReady", "Failed",
                           "CloneInProgress", "Unknown")],
])
def test_a_start_waits_for_the_data(phase: str, starts: bool) -> None:
    assert words(looked_at(machine(), volume(phase))) == (
        ["Create ControllerRevision", "Create VirtualMachineInstance"] if starts else [])


@pytest.mark.parametrize(("strategy", "annotations", "status", "expected"), [
    pytest.param("Halted", {}, {}, ["Create DataVolume"], id="a halted VM's data is made, too"),
    pytest.param("Halted", LATER, {}, [], id="unless the VM says otherwise"),
    pytest.param("Manual", LATER, {}, [], id="then also of one that waits to be started"),
    pytest.param("Manual", LATER, {"stateChangeRequests": [start()]}, ["Create DataVolume"],
                 id="and it is made with the start"),
    pytest.param("Always", LATER, {}, ["Create DataVolume"], id="a start makes it"),
    pytest.param("Halted", {}, {"stateChangeRequests": [start(paused="true")]}, ["Patch VirtualMachine"],
                 id="a halted VM is turned on before"),
])
def test_when_data_volumes_are_made(strategy: str, annotations: Any, status: Json, expected: list[str]) -> None:
    assert words(looked_at(machine(strategy, annotations=annotations, status=status))) == expected


@pytest.mark.parametrize("found", [None, volume("ImportInProgress"), volume("Failed")])
def test_a_stop_waits_for_nothing(found: DataVolume | None) -> None:
    (action,) = decide(looked_at(machine("Halted"), found, vmi("Running"))).actions
    assert isinstance(action, Delete)


def test_a_template_added_to_a_running_vm_is_made_beside_it() -> None:
    assert words(looked_at(machine(), None, vmi("Running"))) == ["Create DataVolume"]


def test_one_without_a_controller_is_adopted_if_the_live_vm_agrees() -> None:
    o = looked_at(machine(), volume(owned=False))
    (patch,) = decide(o).actions
    assert isinstance(patch, Patch)
    assert patch.only_while_alive == (VMS, o.vm)
    assert codec.to_json(patch.new.metadata.owner_references) == [owner()]


def test_a_claim_that_stands_in_is_as_good_as_a_data_volume() -> None:
    o = looked_at(machine(), standing_in=frozenset({"root"}))
    assert words(o) == ["Create ControllerRevision", "Create VirtualMachineInstance"]


def test_without_the_importer_a_vm_says_so_and_what_to_do() -> None:
    decision = decide(seen(machine(), importer=ImporterFacts()))
    assert decision.actions == ()
    assert decision.problem is not None
    assert "datavolumes.cdi.kubevirt.io" in decision.problem.message
    assert "install the Containerized Data Importer" in decision.problem.message
    assert not decision.problem.retry
    assert words(seen(machine("Halted"), vmi("Running"), importer=ImporterFacts())) == [
        "Delete VirtualMachineInstance"]


def test_while_the_importers_objects_are_read_nothing_is_said_too_early() -> None:
    decision = decide(seen(machine(), importer=ImporterFacts(presence=Presence.COMING)))
    assert (decision.actions, decision.problem, decision.again_s) == ((), None, 1.0)


@pytest.mark.parametrize(("machine_of", "importer", "cause"), [
    pytest.param({}, ImporterFacts(), "the cluster has no DataVolumes", id="there is no importer"),
    pytest.param({"of": template(sourceRef={"kind": "DataSource", "name": "golden", "namespace": "images"})}, facts(),
                 "DataSource images/golden not found", id="there is no such source"),
])
def test_what_cannot_even_be_asked_for_is_an_event_once(machine_of: Json, importer: ImporterFacts, cause: str) -> None:
    decision = decide(seen(machine(**machine_of), importer=importer))
    assert decision.problem is not None
    (event,) = decision.news
    assert (event.type, event.reason) == ("Warning", "FailedDataVolumeCreate")
    assert event.message.startswith(f"Error creating DataVolume root: {cause}")
    told = {"conditions": [condition("Failure", "True", decision.problem.reason, decision.problem.message)]}
    assert decide(seen(machine(**machine_of, status=told), importer=importer)).news == ()


QUOTA = volume("Pending", condition("Bound", "False", "ErrExceededQuota"))


@pytest.mark.parametrize(("found", "status", "told", "problem"), [
    pytest.param(volume("Failed"), {}, "DataVolume root failed to import disk image", None, id="a failed import"),
    pytest.param(volume("Failed"), {"printableStatus": "DataVolumeError"}, "", None, id="which is told once"),
    pytest.param(QUOTA, {}, "DataVolume root exceeds quota limits", "exceeds quota limits", id="no quota left"),
    pytest.param(QUOTA, {"conditions": [condition("Failure", "True", "FailedCreate", "DataVolume root exceeds")]}, "",
                 "exceeds quota limits", id="which is told once, too"),
])
def test_what_goes_wrong_is_told(found: DataVolume, status: Json, told: str, problem: str | None) -> None:
    decision = decide(looked_at(machine(status=status), found))
    assert [e.message for e in decision.news] == ([told] if told else [])
    assert all((e.type, e.reason) == ("Warning", "FailedDataVolumeImport") for e in decision.news)
    assert (decision.problem.message if decision.problem else "").endswith(problem or "")
    assert decision.actions == ()


@pytest.mark.parametrize(("failure", "told"), [
    pytest.param([], ["DataVolume root failed to import disk image"], id="at first also as an event"),
    pytest.param([condition("Failure", "True", "FailedCreate", "DataVolume root failed")], [], id="which is told once"),
])
def test_a_failed_import_behind_a_claim_is_told_as_the_reason(failure: list[Json], told: list[str]) -> None:
    """The printable status knows of volumes that name a DataVolume; this one names the claim."""
    template_of_claim = {"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "root"}}]}
    by_claim = machine(in_template=template_of_claim, status={"conditions": failure})
    decision = decide(looked_at(by_claim, volume("Failed")))
    assert decision.problem is not None
    assert decision.problem.message == (
        "Error encountered while creating DataVolumes: DataVolume root failed to import disk image")
    assert [e.message for e in decision.news] == told


# The printable status


RUNNING_BADLY = [condition("Running", "False", reason) for reason in ("Error", "ImagePullFailed")]


@pytest.mark.parametrize(("found", "expected"), [
    pytest.param(volume("Failed"), "DataVolumeError", id="failed"),
    *[pytest.param(volume("ImportInProgress", c), "DataVolumeError", id=f"running badly: {c['reason']}")
      for c in RUNNING_BADLY],
    pytest.param(volume("ImportInProgress", condition("Running", "False", "Completed")), "Provisioning",
                 id="other reasons are no error"),
    pytest.param(volume("Pending"), "Provisioning", id="pending"),
    pytest.param(volume("WaitForFirstConsumer", condition("Bound", "True")), "Provisioning", id="bound and waiting"),
    pytest.param(volume("WaitForFirstConsumer"), "WaitingForVolumeBinding", id="waiting for its first consumer"),
    pytest.param(volume("PendingPopulation"), "WaitingForVolumeBinding", id="to be populated on the node"),
    pytest.param(volume("Succeeded"), "WaitingForVolumeBinding", id="full"),
])
def test_the_printable_status(found: DataVolume, expected: str) -> None:
    o = seen(machine(), importer=facts(found), claims={"root": claim("root", "Pending")})
    assert printable_status(o) == expected


def test_claims_without_a_data_volume_volume_count_by_themselves() -> None:
    by_claim = {"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "root"}}]}
    o = seen(machine(in_template=by_claim), importer=facts(volume("Failed")), claims={"root": claim("root")})
    assert printable_status(o) == "Stopped"


# All of it, in a small world


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
