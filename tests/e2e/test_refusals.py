"""Bad input: refused at once with field and reason where it can be known, else a status that says what is awaited.

Nothing here ever ends as a machine that hangs without a condition.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.harness import BIN, Cluster, eventually, run
from tests.e2e.manifests import as_json, vm, vmi

pytestmark = pytest.mark.e2e
Bend = Callable[[dict[str, Any]], None]


def _spec(manifest: dict[str, Any]) -> Any:
    return manifest["spec"]["template"]["spec"]


def _both_fields(m: dict[str, Any]) -> None:
    m["spec"]["running"] = True


def _unknown_strategy(m: dict[str, Any]) -> None:
    m["spec"]["runStrategy"] = "Sometimes"


def _no_strategy(m: dict[str, Any]) -> None:
    del m["spec"]["runStrategy"]


def _disk_twice(m: dict[str, Any]) -> None:
    _spec(m)["domain"]["devices"]["disks"] *= 2


def _disk_without_volume(m: dict[str, Any]) -> None:
    _spec(m)["domain"]["devices"]["disks"].append({"name": "nowhere", "disk": {"bus": "virtio"}})


def _ide(m: dict[str, Any]) -> None:
    _spec(m)["domain"]["devices"]["disks"][0]["disk"]["bus"] = "ide"


def _unknown_bus(m: dict[str, Any]) -> None:
    _spec(m)["domain"]["devices"]["disks"][0]["disk"]["bus"] = "floppy"


def _interface_without_network(m: dict[str, Any]) -> None:
    _spec(m)["networks"] = []


@pytest.mark.parametrize(
    ("bend", "texts"),
    [
        pytest.param(
            _both_fields,
            ["Running and RunStrategy are mutually exclusive", "spec.running"],
            id="running and runStrategy",
        ),
        pytest.param(_unknown_strategy, ["Sometimes", "spec.runStrategy"], id="an unknown run strategy"),
        pytest.param(_no_strategy, ["RunStrategy must be specified"], id="neither running nor runStrategy"),
        pytest.param(_disk_twice, ["must not have the same Name"], id="two disks of one name"),
        pytest.param(_disk_without_volume, ["nowhere", "not found"], id="a disk without a volume"),
        pytest.param(_ide, ["IDE bus is not supported", "disks[0].disk.bus"], id="bus ide"),
        pytest.param(_unknown_bus, ["floppy", "virtio"], id="an unknown bus"),
        pytest.param(_interface_without_network, ["not found"], id="an interface without a network"),
    ],
)
def test_refused_with_field_and_reason(namespace: Cluster, bend: Bend, texts: list[str]) -> None:
    manifest = vm("refused")
    bend(manifest)
    namespace.kubectl("create", "-f", "-", stdin=as_json(manifest)).fails(*texts)
    assert namespace.get("vm", "refused") is None


def test_a_missing_image_is_named_and_recovers(namespace: Cluster) -> None:
    manifest = vm("no-image")
    image = f"kubevirt/appears-later:v{time.time_ns()}"
    _spec(manifest)["volumes"][0]["containerDisk"]["image"] = image
    namespace.apply(as_json(manifest)).ok()
    namespace.wait_status("no-image", "ErrImagePull")
    namespace.wait_status("no-image", "ImagePullBackOff")
    condition = next(c for c in namespace.get("vm", "no-image")["status"]["conditions"] if c["type"] == "Synchronized")
    assert "appears-later" in condition["message"]
    run(str(BIN / "localkube"), "load", "--as", image, "build/images/cirros-container-disk-demo.tar").ok()
    namespace.wait_status("no-image", "Running", 240)
    namespace.kubectl("delete", "vm", "no-image").ok()


def test_too_much_memory_is_unschedulable(namespace: Cluster) -> None:
    manifest = vm("giant")
    _spec(manifest)["domain"]["memory"]["guest"] = "900Gi"
    namespace.apply(as_json(manifest)).ok()
    found = namespace.wait_status("giant", "ErrorUnschedulable")
    condition = next(c for c in found["status"]["conditions"] if c["type"] == "PodScheduled")
    assert "Insufficient memory" in condition["message"]


def test_an_unreadable_disk_image_fails_with_the_reason(namespace: Cluster) -> None:
    manifest = vmi("broken")
    manifest["spec"]["volumes"][0]["containerDisk"]["image"] = "localkube/broken-container-disk:latest"
    namespace.apply(as_json(manifest)).ok()
    found = namespace.wait_phase("broken", "Failed")
    reason = "is not a readable disk image"
    assert any(reason in c.get("message", "") for c in found["status"]["conditions"])

    def told() -> bool:
        assert any(reason in message for _, _, message in namespace.events("broken", "VirtualMachineInstance"))
        return True

    eventually("an event with the reason", told)


def test_a_missing_claim_is_named(namespace: Cluster) -> None:
    manifest = vm("no-claim")
    _spec(manifest)["volumes"][0] = {"name": "containerdisk", "persistentVolumeClaim": {"claimName": "absent"}}
    namespace.apply(as_json(manifest)).ok()
    found = namespace.wait_status("no-claim", "ErrorPvcNotFound")
    assert any("absent" in c.get("message", "") for c in found["status"]["conditions"])


def test_a_missing_secret_is_named_and_waited_for(namespace: Cluster) -> None:
    manifest = vmi("no-secret")
    manifest["spec"]["terminationGracePeriodSeconds"] = 0
    manifest["spec"]["volumes"].append({"name": "keys", "secret": {"secretName": "absent-keys"}})
    manifest["spec"]["domain"]["devices"]["disks"].append({"name": "keys", "disk": {"bus": "virtio"}})
    namespace.apply(as_json(manifest)).ok()

    def told() -> bool:
        conditions = namespace.get("vmi", "no-secret")["status"]["conditions"]
        assert any(c["type"] == "Synchronized" and 'secret "absent-keys" not found' in c["message"] for c in conditions)
        return True

    eventually("the missing secret to be named", told)
    namespace.kubectl("delete", "vmi", "no-secret").ok()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(
            ["start", "absent"], 'virtualmachine.kubevirt.io "absent" not found', id="start what is not there"
        ),
        pytest.param(["stop", "stopped"], "VM is not running", id="stop what is stopped"),
        pytest.param(["restart", "stopped"], "does not support manual restart requests", id="restart what is halted"),
        pytest.param(["console", "stopped", "--timeout", "0"], "not found", id="console of what has no instance"),
        pytest.param(["start"], "accepts 1 arg(s), received 0", id="start without a name"),
        pytest.param(
            ["stop", "stopped", "--force"], "Must both use --force=true and set --grace-period.", id="half a force"
        ),
        pytest.param(
            ["expose", "vm", "stopped", "--name", "x"], "couldn't find port via --port flag", id="expose no port"
        ),
        pytest.param(["frobnicate"], 'unknown command "frobnicate" for "virtctl"', id="an unknown command"),
        pytest.param(["start", "--frob"], "unknown flag: --frob", id="an unknown flag"),
    ],
)
def test_virtctl_errors_are_one_line_and_exit_1(namespace: Cluster, arguments: list[str], text: str) -> None:
    namespace.apply(as_json(vm("stopped", runStrategy="Halted"))).ok()
    result = namespace.virtctl(*arguments)
    assert result.code == 1
    assert text in result.err
    assert "Traceback" not in result.err
