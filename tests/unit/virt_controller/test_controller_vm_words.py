"""The words of a VM's failures: reason and message of its condition, and the event, for each write that can fail.

Also VMs whose guest comes from, or goes to, another cluster. What is written in the first place is told by the tables
of the other files.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import FIRMWARE, condition, owner, revision, seen, start, stop, vm, vmi

from kubevirt.virt_controller.actions import Create, Patch
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.status import status_after

CAUSE = "the server says no"
EVICT = {"metadata": {"annotations": {"descheduler.alpha.kubernetes.io/evict": "true"}}}


def changed(before: dict[str, Any], after: dict[str, Any]) -> Observed:
    """A running VM whose template has changed."""
    def machine(spec: dict[str, Any], generation: int) -> Any:
        body = {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}, **spec.pop("domain", {})}, **spec}
        return vm(generation=generation, template={"spec": body})
    first = machine(dict(before), 1)
    instance = vmi()
    instance.spec = first.spec.template.spec
    return seen(machine(dict(after), 2), instance, revisions=(revision(first),))


NET = {"networks": [{"name": "blue", "multus": {"networkName": "blue"}}]}
NIC = {"domain": {"devices": {"interfaces": [{"name": "blue", "bridge": {}}]}}, **NET}
GONE = {"domain": {"devices": {"interfaces": [{"name": "blue", "bridge": {}, "state": "down"}]}}, **NET}


@pytest.mark.parametrize(("o", "reason", "message", "event"), [
    pytest.param(seen(vm()), "FailedCreate", "Failure while starting VMI: ",
                 "Error creating virtual machine instance: ", id="the VMI is not created"),
    pytest.param(seen(vm("Halted"), vmi()), "FailedDelete", "Failure attempting to delete VMI: ",
                 "Error deleting virtual machine instance web: ", id="the VMI is not deleted"),
    pytest.param(seen(vm(marked=False)), "FirmwareUUIDError", "", None, id="the firmware's UUID is not kept"),
    pytest.param(seen(vm(finalizers=[])), "FailedUpdateError", "", None, id="the VM is not marked"),
    pytest.param(seen(vm(), vmi(owned=False)), "FailedUpdateError", "", None, id="the VMI is not adopted"),
    pytest.param(seen(vm(template=EVICT), vmi()), "AnnotationsLabelsChangeError", "", None,
                 id="annotations do not follow"),
    pytest.param(changed({}, {"nodeSelector": {"a": "b"}}), "AffinityChangeError", "", None,
                 id="the node selector does not follow"),
    pytest.param(changed({}, {"tolerations": [{"key": "a"}]}), "TolerationsChangeError", "", None,
                 id="tolerations do not follow"),
    pytest.param(changed({"domain": {"cpu": {"sockets": 1}}}, {"domain": {"cpu": {"sockets": 2}}}), "HotPlugCPUError",
                 "Error encountered while handling CPU change request: ", None, id="sockets do not follow"),
    pytest.param(changed(NIC, GONE), "HotPlugNetworkInterfaceError", "", None, id="an interface does not follow"),
])
def test_a_write_that_fails(o: Observed, reason: str, message: str, event: str | None) -> None:
    words = decide(o).actions[-1].failed
    problem = words.problem(CAUSE)
    assert (problem.reason, problem.message) == (reason, message + CAUSE)
    told = words.told(CAUSE)
    assert (told and (told.type, told.reason, told.message)) == (
        None if event is None else ("Warning", reason, event + CAUSE))
    failure = next(c for c in status_after(o, problem).conditions if c.type == "Failure")
    assert (failure.status, failure.reason, failure.message) == ("True", reason, message + CAUSE)


def test_the_condition_goes_with_the_problem() -> None:
    o = seen(vm(status={"conditions": [condition("Failure", "True", "FailedCreate", CAUSE)]}), vmi())
    assert "Failure" not in {c.type for c in status_after(o, None).conditions}


def test_a_name_that_is_taken_says_by_whom_and_what_to_do() -> None:
    foreign = vmi(owned=owner("VirtualMachineInstanceReplicaSet", "many", "rs"))
    problem = decide(seen(vm(), foreign)).problem
    assert problem is not None
    assert (problem.reason, problem.message) == ("FailedCreate", (
        "Failure while starting VMI: a VirtualMachineInstance web exists and belongs to the "
        "VirtualMachineInstanceReplicaSet many; delete that owner or rename this VirtualMachine"))


# Guests that come from another cluster


RECEIVER = {"kubevirt.io/create-migration-target": "true"}
RESTORE = {"kubevirt.io/restore-run-strategy": "Always"}
ARRIVED = {"migrationState": {"completed": True}}


def test_a_receiver_is_started_as_one() -> None:
    *_, create = decide(seen(vm("WaitAsReceiver"))).actions
    assert isinstance(create, Create)
    assert create.body.metadata.annotations["kubevirt.io/create-migration-target"] == "true"


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded", "Failed"])
def test_a_receiver_is_left_alone(phase: str) -> None:
    decision = decide(seen(vm("WaitAsReceiver"), vmi(phase, annotations=RECEIVER)))
    assert (decision.actions, decision.problem) == ((), None)


@pytest.mark.parametrize(("annotations", "status", "strategy", "problem"), [
    pytest.param(RESTORE, ARRIVED, "Always", None, id="the guest has come: its strategy is restored"),
    pytest.param(RESTORE, {}, None, "Found non receiver VMI while VM is receiver", id="it has not come yet"),
    pytest.param({}, ARRIVED, None, "Found non receiver VMI while VM is receiver", id="no strategy is known"),
])
def test_an_ordinary_vmi_of_a_receiver(annotations: Any, status: Any, strategy: str | None, problem: str | None
                                       ) -> None:
    decision = decide(seen(vm("WaitAsReceiver", annotations=annotations), vmi(status=status)))
    assert (decision.problem.message if decision.problem else None) == problem
    if decision.problem is not None:
        assert decision.problem.reason == "FailedCreate"
    restored = [a.new.spec.run_strategy for a in decision.actions if isinstance(a, Patch)]
    assert restored == ([strategy] if strategy else [])


AWAY = {"sourceState": {"syncAddress": "10.0.0.1:9185"}}


@pytest.mark.parametrize(("strategy", "state", "deletes", "again_s"), [
    pytest.param("Always", {**AWAY, "completed": True}, False, None, id="gone elsewhere: not brought back"),
    pytest.param("Always", AWAY, False, 2.0, id="on its way: looked at again"),
    pytest.param("Always", {"completed": True}, True, None, id="a migration within the cluster changes nothing"),
    pytest.param("Halted", {**AWAY, "completed": True}, True, None, id="halted: cleared away"),
])
def test_a_guest_that_ended_because_it_went_elsewhere(strategy: str, state: Any, deletes: bool, again_s: float | None
                                                      ) -> None:
    decision = decide(seen(vm(strategy), vmi("Succeeded", ran=True, status={"migrationState": state})))
    assert (bool(decision.actions), decision.again_s) == (deletes, again_s)


# Requests under the strategies that take none


@pytest.mark.parametrize("strategy", ["Always", "Once", "WaitAsReceiver"])
def test_requests_to_start_change_nothing_where_a_start_comes_anyway(strategy: str) -> None:
    with_request = decide(seen(vm(strategy, status={"stateChangeRequests": [start()]}))).actions
    assert [type(a) for a in with_request] == [type(a) for a in decide(seen(vm(strategy))).actions]


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled", "Running", "Unknown", "WaitingForSync"])
def test_a_receiver_takes_no_request_to_stop(phase: str) -> None:
    o = seen(vm("WaitAsReceiver", status={"stateChangeRequests": [stop()]}), vmi(phase, annotations=RECEIVER))
    assert decide(o).actions == ()
