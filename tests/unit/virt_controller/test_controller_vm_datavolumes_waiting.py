"""What a VM with dataVolumeTemplates waits for, what is told of it, and its printable status."""

from __future__ import annotations

from typing import Any

import pytest
from controller_datavolumes import LATER, Json, facts, looked_at, machine, template, volume, words
from controller_objects import claim, condition, owner, seen, start, vmi

from kubevirt.api import codec
from kubevirt.api.resources import VMS
from kubevirt.virt_controller.actions import Delete, Patch
from kubevirt.virt_controller.datavolumes import DataVolume, Presence
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.importer_facts import ImporterFacts
from kubevirt.virt_controller.vm.printable import printable_status


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
