"""What an instance type makes of a machine: arrangement of CPUs, memory, everything else; and the fields in its way."""

from __future__ import annotations

from typing import Any

import pytest

from kubevirt.api import codec
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.expansion import Offers, apply_offers
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.kit.json import JsonObject, dig

SMALL: dict[str, Any] = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}


def applied(
    instancetype: dict[str, Any] | None, spec: dict[str, Any] | None = None, preference: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> tuple[JsonObject, dict[str, str], list[str]]:
    """Spec and annotations afterwards, and the paths of conflicts."""
    offers = Offers(
        instancetype=codec.convert(instancetype, VirtualMachineInstancetypeSpec) if instancetype else None,
        preference=codec.convert(preference, VirtualMachinePreferenceSpec) if preference else None,
    )
    made = codec.convert(spec or {"domain": {"devices": {}}}, VirtualMachineInstanceSpec)
    metadata = ObjectMeta(annotations=dict(annotations or {}))
    conflicts = apply_offers(offers, made, metadata)
    return codec.to_builtins(made), metadata.annotations, [conflict.path for conflict in conflicts]


def spread(across: str | None = None, ratio: int | None = None, **more: Any) -> dict[str, Any]:
    options = {key: value for key, value in (("across", across), ("ratio", ratio)) if value is not None}
    return {"cpu": {"preferredCPUTopology": "spread", **({"spreadOptions": options} if options else {})}, **more}


@pytest.mark.parametrize(("count", "preference", "topology"), [
    pytest.param(4, None, (4, 1, 1), id="sockets are the default"),
    pytest.param(4, {"cpu": {}}, (4, 1, 1), id="a preference without a word on it changes nothing"),
    pytest.param(4, {"cpu": {"preferredCPUTopology": "any"}}, (4, 1, 1), id="any means sockets"),
    pytest.param(4, {"cpu": {"preferredCPUTopology": "cores"}}, (1, 4, 1), id="cores"),
    pytest.param(4, {"cpu": {"preferredCPUTopology": "threads"}}, (1, 1, 4), id="threads"),
    pytest.param(4, {"cpu": {"preferredCPUTopology": "preferCores"}}, (1, 4, 1), id="an old name means the new one"),
    pytest.param(8, spread(), (4, 2, 1), id="spread: two cores a socket unless otherwise said"),
    pytest.param(8, spread(ratio=4), (2, 4, 1), id="spread with a ratio"),
    pytest.param(9, spread(preferSpreadSocketToCoreRatio=3), (3, 3, 1), id="spread with the old ratio"),
    pytest.param(8, spread(ratio=4, preferSpreadSocketToCoreRatio=3), (2, 4, 1), id="the new ratio wins"),
    pytest.param(8, spread("CoresThreads"), (1, 4, 2), id="spread over cores and threads"),
    pytest.param(8, spread("SocketsCoresThreads"), (2, 2, 2), id="spread over all three"),
    pytest.param(1, spread("CoresThreads"), None, id="one CPU cannot be spread"),
    pytest.param(1, {"cpu": {"preferredCPUTopology": "cores"}}, (1, 1, 1), id="one CPU is one CPU"),
])
def test_cpus_are_arranged_as_preferred(
    count: int, preference: dict[str, Any] | None, topology: tuple[int, int, int] | None
) -> None:
    spec, _, conflicts = applied({**SMALL, "cpu": {"guest": count}}, preference=preference)
    if topology is None:
        assert conflicts == ["instancetype.spec.cpu.guest"]
    else:
        cpu = dig(spec, "domain", "cpu")
        assert not conflicts
        assert cpu == dict(zip(("sockets", "cores", "threads"), topology, strict=True))


@pytest.mark.parametrize(("memory", "expected", "requests"), [
    pytest.param({"guest": "1Gi"}, {"guest": "1Gi"}, None, id="guest"),
    pytest.param({"guest": "1Gi", "hugepages": {"pageSize": "2Mi"}}, {"guest": "1Gi", "hugepages": {"pageSize": "2Mi"}},
                 None, id="huge pages"),
    pytest.param({"guest": "1Gi", "maxGuest": "4Gi"}, {"guest": "1Gi", "maxGuest": "4Gi"}, None, id="room to grow"),
    pytest.param({"guest": "2Gi", "overcommitPercent": 50}, {"guest": "2Gi"}, "1Gi", id="half is reserved"),
    pytest.param({"guest": "2Gi", "overcommitPercent": 15}, {"guest": "2Gi"}, "1825361152", id="as always rounded"),
    pytest.param({"guest": "2G", "overcommitPercent": 50}, {"guest": "2G"}, "1G", id="in the guest's notation"),
    pytest.param({"guest": "2Gi", "overcommitPercent": 0}, {"guest": "2Gi"}, None, id="no overcommitment"),
])
def test_memory(memory: dict[str, Any], expected: dict[str, Any], requests: str | None) -> None:
    spec, _, conflicts = applied({**SMALL, "memory": memory})
    assert not conflicts
    assert dig(spec, "domain", "memory") == expected
    assert dig(spec, "domain", "resources", "requests", "memory") == requests


FULL: dict[str, Any] = {
    "cpu": {"guest": 2, "model": "host-passthrough", "dedicatedCPUPlacement": True, "isolateEmulatorThread": True,
            "numa": {"guestMappingPassthrough": {}}, "realtime": {"mask": "0-1"}, "maxSockets": 6},
    "memory": {"guest": "1Gi", "hugepages": {"pageSize": "1Gi"}, "maxGuest": "2Gi"},
    "nodeSelector": {"disk": "fast"}, "schedulerName": "mine", "ioThreadsPolicy": "supplementalPool",
    "ioThreads": {"supplementalPoolThreadCount": 3}, "launchSecurity": {"sev": {}},
    "gpus": [{"name": "g", "deviceName": "v/g"}], "hostDevices": [{"name": "h", "deviceName": "v/h"}],
    "annotations": {"size": "small"},
}


def test_everything_that_an_instance_type_says_reaches_the_machine() -> None:
    spec, annotations, conflicts = applied(FULL)
    domain = spec["domain"]
    assert not conflicts
    assert dig(domain, "cpu") == {
        "sockets": 2, "cores": 1, "threads": 1, "model": "host-passthrough", "dedicatedCpuPlacement": True,
        "isolateEmulatorThread": True, "numa": {"guestMappingPassthrough": {}}, "realtime": {"mask": "0-1"},
        "maxSockets": 6,
    }
    assert (spec["nodeSelector"], spec["schedulerName"]) == ({"disk": "fast"}, "mine")
    assert dig(domain, "ioThreadsPolicy") == "supplementalPool"
    assert dig(domain, "ioThreads") == {"supplementalPoolThreadCount": 3}
    assert dig(domain, "launchSecurity") == {"sev": {}}
    assert dig(domain, "devices", "gpus") == [{"name": "g", "deviceName": "v/g"}]
    assert dig(domain, "devices", "hostDevices") == [{"name": "h", "deviceName": "v/h"}]
    assert annotations == {"size": "small"}


T = "spec.template.spec"


@pytest.mark.parametrize(("spec", "paths"), [
    pytest.param({"domain": {"cpu": {"sockets": 1}}}, [f"{T}.domain.cpu.sockets"], id="sockets"),
    pytest.param({"domain": {"cpu": {"cores": 1, "threads": 2}}}, [f"{T}.domain.cpu.cores", f"{T}.domain.cpu.threads"],
                 id="all CPU fields are told at once"),
    pytest.param({"domain": {"cpu": {"model": "Haswell"}}}, [f"{T}.domain.cpu.model"], id="CPU model"),
    pytest.param({"domain": {"cpu": {"dedicatedCpuPlacement": True}}}, [f"{T}.domain.cpu.dedicatedCPUPlacement"],
                 id="dedicated CPUs"),
    pytest.param({"domain": {"cpu": {"isolateEmulatorThread": True}}}, [f"{T}.domain.cpu.isolateEmulatorThread"],
                 id="emulator thread"),
    pytest.param({"domain": {"cpu": {"numa": {}}}}, [f"{T}.domain.cpu.numa"], id="NUMA"),
    pytest.param({"domain": {"cpu": {"realtime": {}}}}, [f"{T}.domain.cpu.realtime"], id="real time"),
    pytest.param({"domain": {"cpu": {"maxSockets": 9}}}, [], id="the limit of sockets is no conflict"),
    pytest.param({"domain": {"resources": {"requests": {"cpu": "1"}}}}, [f"{T}.domain.resources.requests.cpu"],
                 id="CPU request"),
    pytest.param({"domain": {"resources": {"limits": {"cpu": "1"}}}}, [f"{T}.domain.resources.limits.cpu"],
                 id="CPU limit"),
    pytest.param({"domain": {"memory": {"guest": "1Gi"}}}, [f"{T}.domain.memory.guest"], id="memory"),
    pytest.param({"domain": {"memory": {"guest": "1Gi", "maxGuest": "2Gi"}}}, [f"{T}.domain.memory.guest"],
                 id="of memory the first field is told"),
    pytest.param({"domain": {"memory": {"hugepages": {"pageSize": "2Mi"}}}}, [f"{T}.domain.memory.hugepages"],
                 id="huge pages"),
    pytest.param({"domain": {"memory": {"maxGuest": "2Gi"}}}, [f"{T}.domain.memory.maxGuest"], id="room to grow"),
    pytest.param({"domain": {"resources": {"requests": {"memory": "1Gi"}}}}, [f"{T}.domain.resources.requests.memory"],
                 id="memory request"),
    pytest.param({"domain": {"resources": {"limits": {"memory": "1Gi"}}}}, [f"{T}.domain.resources.limits.memory"],
                 id="memory limit"),
    pytest.param({"domain": {}, "nodeSelector": {"a": "b"}}, [f"{T}.nodeSelector"], id="node selector"),
    pytest.param({"domain": {}, "schedulerName": "x"}, [f"{T}.schedulerName"], id="scheduler"),
    pytest.param({"domain": {"ioThreadsPolicy": "auto"}}, [f"{T}.domain.ioThreadsPolicy"], id="I/O threads policy"),
    pytest.param({"domain": {"ioThreads": {"supplementalPoolThreadCount": 1}}},
                 [f"{T}.domain.ioThreads.supplementalPoolThreadCount"], id="I/O threads"),
    pytest.param({"domain": {"launchSecurity": {"tdx": {}}}}, [f"{T}.domain.launchSecurity"], id="launch security"),
    pytest.param({"domain": {"devices": {"gpus": [{"name": "x"}]}}}, [f"{T}.domain.devices.gpus"], id="GPUs"),
    pytest.param({"domain": {"devices": {"hostDevices": [{"name": "x"}]}}}, [f"{T}.domain.devices.hostDevices"],
                 id="host devices"),
    pytest.param({"domain": {"cpu": {"sockets": 1}, "memory": {"guest": "1Gi"}}, "schedulerName": "x"},
                 [f"{T}.schedulerName", f"{T}.domain.cpu.sockets", f"{T}.domain.memory.guest"], id="several at once"),
])
def test_a_machine_may_not_say_what_its_instance_type_says(spec: dict[str, Any], paths: list[str]) -> None:
    assert applied(FULL, spec)[2] == paths


@pytest.mark.parametrize("spec", [
    {"domain": {"cpu": {"model": "Haswell", "numa": {}, "realtime": {}, "dedicatedCpuPlacement": True}}},
    {"domain": {"memory": {"hugepages": {"pageSize": "2Mi"}, "maxGuest": "4Gi"}}, "nodeSelector": {"a": "b"}},
    {"domain": {"devices": {"gpus": [{"name": "x"}]}, "launchSecurity": {"tdx": {}}}, "schedulerName": "x"},
], ids=["CPU", "memory and placement", "devices"])
def test_what_the_instance_type_leaves_open_is_the_machines_to_say(spec: dict[str, Any]) -> None:
    made, _, conflicts = applied(SMALL, spec)
    assert not conflicts
    assert dig(made, "domain", "cpu", "sockets") == 2
    for part in ("cpu", "memory", "devices", "launchSecurity"):
        said, got = dig(spec, "domain", part), dig(made, "domain", part)
        if isinstance(said, dict) and isinstance(got, dict):
            assert said.items() <= got.items()


@pytest.mark.parametrize(("own", "paths"), [
    pytest.param({"size": "small"}, [], id="the same value"),
    pytest.param({"size": "large"}, ["annotations.size"], id="another value"),
])
def test_annotations_of_the_machine_may_not_contradict(own: dict[str, str], paths: list[str]) -> None:
    assert applied(FULL, annotations=own)[2] == paths
