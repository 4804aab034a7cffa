"""A VM's dataVolumeTemplates: what is made of them, and in whose name.

What the importer does with a DataVolume is its own; the tables here only know its phases and conditions.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_datavolumes import ELSEWHERE, VOLUMES, Json, looked_at, machine, made, template
from controller_objects import VM_UID, owner

from kubevirt.api import codec
from kubevirt.virt_controller.actions import Create
from kubevirt.virt_controller.datavolumes import DataSource
from kubevirt.virt_controller.vm.decide import decide

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
