"""Processors and memory of a running guest: what is plugged, what is waited for, what needs a restart."""

from __future__ import annotations

from typing import Any

import pytest
from controller_live import (
    MIGRATABLE,
    MIGRATES,
    OTHERWISE,
    Json,
    changed,
    cpu,
    machine,
    patched,
    restart_of,
    running,
    template,
)
from controller_objects import condition

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import Patch
from kubevirt.virt_controller.vm.decide import decide

# CPU sockets


@pytest.mark.parametrize(("now", "asked", "more", "restart", "problem"), [
    pytest.param(cpu(1, most=4), 2, {}, None, "", id="one more"),
    pytest.param(cpu(1, most=4), 5, {}, "CPU sockets updated in template spec to a value higher than what's available",
                 "", id="more than were prepared"),
    pytest.param(cpu(2, most=4), 1, {}, "Reduction of CPU socket count requires a restart", "", id="fewer"),
    pytest.param({**cpu(1), "architecture": "arm64"}, 2, {}, "ARM doesn't support CPU hotplug", "", id="on ARM"),
    pytest.param(cpu(1, most=4), 2, {"conditions": [condition("HotVCPUChange", "True")]}, None,
                 "another CPU hotplug is in progress", id="while the guest still waits for the last ones"),
    pytest.param(cpu(1, most=4), 2, {"status": MIGRATES}, None, "CPU hotplug is not allowed while VMI is migrating",
                 id="while it migrates"),
])
def test_sockets(now: Json, asked: int, more: Json, restart: str | None, problem: str) -> None:
    before = cpu(now["domain"]["cpu"]["sockets"])
    o = changed(before, cpu(asked), running(now, **more))
    assert restart_of(o) == restart
    told = decide(o).problem
    assert (told.message if told else "") == (
        f"Error encountered while handling CPU change request: {problem}" if problem else "")
    assert told is None or told.reason == "HotPlugCPUError"
    expected = [] if restart or problem else [("replace", "/spec/domain/cpu/sockets", asked)]
    assert patched(o) == expected


def test_cpu_amounts_that_the_vm_names_grow_with_the_sockets() -> None:
    amounts = {"requests": {"cpu": "200m"}, "limits": {"cpu": "1"}}
    o = changed(cpu(1, 2, resources=amounts), cpu(3, 2, resources=amounts), running(cpu(1, 2, 4, amounts)))
    assert {path: value for _, path, value in patched(o)} == {
        "/spec/domain/cpu/sockets": 3,
        "/spec/domain/resources/requests/cpu": "600m",
        "/spec/domain/resources/limits/cpu": "1400m",
    }


# Memory


def memory(guest: str, most: str | None = None, resources: Json | None = None, **more: Any) -> Json:
    size = {"guest": guest, **({"maxGuest": most} if most else {})}
    return template(domain={"memory": size, **({"resources": resources} if resources else {}), **more})


HAS_1GI = {"memory": {"guestAtBoot": "1Gi", "guestCurrent": "1Gi", "guestRequested": "1Gi"}}
PREPARED = memory("1Gi", "4Gi")


@pytest.mark.parametrize(("after", "instance", "restart", "problem"), [
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE), None, "", id="more memory"),
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI,
                                        conditions=[*MIGRATABLE, condition("HotMemoryChange", "False")]),
                 "memory updated in template spec. Memory-hotplug failed and is not available for this VM "
                 "configuration", "", id="the last try failed"),
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI),
                 "memory updated in template spec. Memory-hotplug is only available for migratable VMs", "",
                 id="the VMI cannot move"),
    pytest.param(memory("2Gi"), running(memory("1Gi"), status=HAS_1GI, conditions=MIGRATABLE),
                 "memory updated in template spec. Memory-hotplug is not available for this VM configuration", "",
                 id="nothing was prepared"),
    pytest.param(memory("2Gi", launchSecurity={"sev": {}}), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE),
                 OTHERWISE, "", id="something else changed as well"),
    pytest.param(memory("1025Mi"), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE),
                 "memory hotplug not supported, Guest memory must be 2Mi aligned", "", id="an odd size"),
    pytest.param(memory("1Gi"), running(memory("2Gi", "4Gi"), conditions=MIGRATABLE, status={
        "memory": {"guestAtBoot": "2Gi", "guestCurrent": "2Gi"}}),
                 "memory updated in template spec to a value lower than what the VM started with", "",
                 id="less than at the start"),
    pytest.param(memory("8Gi"), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE),
                 "memory updated in template spec to a value higher than what's available", "",
                 id="more than was prepared"),
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI,
                                        conditions=[*MIGRATABLE, condition("HotMemoryChange", "True")]),
                 None, "another memory hotplug is in progress", id="while the guest still waits for the last change"),
    pytest.param(memory("2Gi"), running(PREPARED, status={**HAS_1GI, **MIGRATES}, conditions=MIGRATABLE),
                 None, "memory hotplug is not allowed while VMI is migrating", id="while it migrates"),
])
def test_memory(after: Json, instance: VirtualMachineInstance, restart: str | None, problem: str) -> None:
    o = changed(memory("512Mi"), after, instance)
    assert restart_of(o) == restart
    told = decide(o).problem
    assert (told.message if told else "") == (
        f"error encountered while handling memory hotplug requests: {problem}" if problem else "")
    assert told is None or told.reason == "HotPlugMemoryError"
    if restart or problem:
        assert patched(o) == []
    else:
        assert ("replace", "/spec/domain/memory/guest", "2Gi") in patched(o)


OBSTACLES = [
    (memory("512Mi"), "Memory hotplug is only available for VMs with at least 1Gi of guest memory"),
    ({**memory("2Gi"), "architecture": "s390x"}, "Memory hotplug is only available for x86_64 VMs"),
    (memory("2Gi", cpu={"realtime": {}}), "Memory hotplug is not compatible with realtime VMs"),
    (memory("2Gi", cpu={"numa": {"guestMappingPassthrough": {}}}),
     "Memory hotplug is not compatible with guest mapping passthrough"),
    (memory("2Gi", launchSecurity={"sev": {}}), "Memory hotplug is not compatible with encrypted VMs"),
]


@pytest.mark.parametrize(("after", "why"), [pytest.param(a, w, id=w) for a, w in OBSTACLES])
def test_guests_whose_memory_cannot_grow(after: Json, why: str) -> None:
    before = codec.convert(after, type(machine(after).spec.template.spec))
    as_started: Any = codec.to_builtins(before)
    as_started["domain"]["memory"] = {"guest": "1Gi"}
    o = changed(as_started, after, running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE))
    assert restart_of(o) == f"memory hotplug not supported, {why}"


@pytest.mark.parametrize(("has", "status", "to", "expected"), [
    pytest.param({"requests": {"memory": "1Gi"}}, HAS_1GI, "2Gi", {"requests": {"memory": "2Gi"}}, id="up by as much"),
    pytest.param({"requests": {"memory": "512Mi"}}, HAS_1GI, "2Gi", {"requests": {"memory": "2Gi"}},
                 id="never below the guest"),
    pytest.param({"requests": {"memory": "1Gi"}, "limits": {"memory": "3Gi"}}, HAS_1GI, "2Gi",
                 {"requests": {"memory": "2Gi"}, "limits": {"memory": "4Gi"}}, id="the limit, too"),
])
def test_memory_amounts_move_with_the_guest(has: Json, status: Json, to: str, expected: Json) -> None:
    o = changed(memory("1Gi"), memory(to), running(memory("1Gi", "4Gi", has), status=status, conditions=MIGRATABLE))
    (action,) = decide(o).actions
    assert isinstance(action, Patch)
    resources = codec.to_builtins(action.new.spec.domain.resources)
    assert {k: v for k, v in resources.items() if v} == expected


def test_amounts_move_from_what_the_guest_has_not_from_what_was_asked_for_last() -> None:
    """The last change has not reached the guest: it still has 1Gi, and so do its amounts."""
    has = {"requests": {"memory": "1Gi"}}
    o = changed(memory("1Gi"), memory("3Gi"), running(memory("2Gi", "4Gi", has), status=HAS_1GI, conditions=MIGRATABLE))
    assert {path: value for _, path, value in patched(o)} == {
        "/spec/domain/memory/guest": "3Gi", "/spec/domain/resources/requests/memory": "3Gi"}
