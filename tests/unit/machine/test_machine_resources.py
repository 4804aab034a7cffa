"""What the compute container asks for, and the model of the memory beside the guest's own."""

import pytest
from machine_samples import disk, pod_context, vmi, with_disks

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.machine.overhead import MI, components, overhead
from kubevirt.machine.pod.resources import resources

GI = 1024 * MI
CONSOLE_LOG = 2 * MI


def config(**configuration: Json) -> ClusterConfig:
    return ClusterConfig.of(codec.convert({"spec": {"configuration": configuration}}, KubeVirt))


def asked(machine: VirtualMachineInstance | None = None, **context: object) -> dict[str, dict[str, str]]:
    found = resources(machine or vmi(), pod_context(**context))
    # Read from JSON: it has the shape that is used here.
    return {kind: dict(found.get(kind, {})) for kind in ("requests", "limits")}  # type: ignore[arg-type]


def requested_memory(machine: VirtualMachineInstance, **context: object) -> int:
    return Quantity(asked(machine, **context)["requests"]["memory"]).bytes


class TestCpu:
    @pytest.mark.parametrize(("domain", "configuration", "requests", "limits"), [
        pytest.param({"cpu": {"cores": 1}}, {}, "100m", None, id="a tenth of a CPU"),
        pytest.param({"cpu": {"cores": 20}}, {}, "2", None, id="a tenth of each"),
        pytest.param({"cpu": {"cores": 4}}, {"developerConfiguration": {"cpuAllocationRatio": 1}}, "4", None,
                     id="the cluster's ratio"),
        pytest.param({"resources": {"requests": {"cpu": "700m"}}}, {}, "700m", None, id="the user's own"),
        pytest.param({"cpu": {"cores": 2, "dedicatedCpuPlacement": True}}, {}, "2", "2", id="dedicated"),
        pytest.param({"cpu": {"cores": 2, "dedicatedCpuPlacement": True, "isolateEmulatorThread": True}}, {}, "3", "3",
                     id="dedicated, and one for the emulator"),
    ])
    def test_amounts(self, domain: JsonObject, configuration: JsonObject, requests: str, limits: str | None) -> None:
        found = asked(vmi(domain=domain), config=config(**configuration))
        assert found["requests"]["cpu"] == requests
        assert found["limits"].get("cpu") == limits

    @pytest.mark.parametrize(("context", "limit"), [
        pytest.param({"quota_limits_cpu": True}, "2", id="a quota wants one"),
        pytest.param({"namespace_labels": {"limit": "yes"}}, "2", id="the namespace wants one"),
        pytest.param({"namespace_labels": {"limit": "no"}}, None, id="another namespace"),
    ])
    def test_automatic_limits(self, context: dict[str, object], limit: str | None) -> None:
        selecting = config(autoCPULimitNamespaceLabelSelector={"matchLabels": {"limit": "yes"}})
        found = asked(vmi(domain={"cpu": {"cores": 2}}), config=selecting, **context)
        assert found["limits"].get("cpu") == limit


class TestMemory:
    def test_guest_and_overhead(self) -> None:
        machine = vmi()
        assert requested_memory(machine) == GI + overhead(machine).requested_bytes

    def test_the_cluster_may_overcommit_the_guests_part(self) -> None:
        machine = vmi()
        over = config(developerConfiguration={"memoryOvercommit": 200})
        assert requested_memory(machine, config=over) == GI // 2 + overhead(machine).requested_bytes

    def test_the_user_may_overcommit_the_overhead(self) -> None:
        assert requested_memory(vmi(domain={"resources": {"overcommitGuestOverhead": True}})) == GI

    def test_a_limit_has_room_for_the_worst(self) -> None:
        machine = vmi(domain={"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}})
        limit = Quantity(asked(machine)["limits"]["memory"]).bytes
        assert limit == 2 * GI + overhead(machine).peak_bytes

    def test_a_guaranteed_pod_stays_one(self) -> None:
        found = asked(vmi(domain={"cpu": {"dedicatedCpuPlacement": True}}))
        assert found["requests"]["memory"] == found["limits"]["memory"]

    def test_huge_pages_replace_ordinary_memory(self) -> None:
        machine = vmi(domain={"memory": {"guest": "64Mi", "hugepages": {"pageSize": "2Mi"}}})
        found = asked(machine)
        assert found["requests"]["hugepages-2Mi"] == found["limits"]["hugepages-2Mi"] == "64Mi"
        assert Quantity(found["requests"]["memory"]).bytes == overhead(machine).requested_bytes

    @pytest.mark.parametrize(("labels", "ratio"), [
        pytest.param({}, 2.0, id="twice by default"),
        pytest.param({"alpha.kubevirt.io/auto-memory-limits-ratio": "1.5"}, 1.5, id="the namespace's ratio"),
        pytest.param({"alpha.kubevirt.io/auto-memory-limits-ratio": "0.5"}, 2.0, id="never less than the request"),
        pytest.param({"alpha.kubevirt.io/auto-memory-limits-ratio": "x"}, 2.0, id="not a number"),
    ])
    def test_automatic_limits(self, labels: dict[str, str], ratio: float) -> None:
        found = asked(quota_limits_memory=True, namespace_labels=labels)
        request, limit = (Quantity(found[kind]["memory"]).bytes for kind in ("requests", "limits"))
        assert limit == pytest.approx(request * ratio, abs=1)


class TestDevices:
    @pytest.mark.parametrize(("devices", "context", "expected"), [
        pytest.param({}, {}, {"kvm", "tun", "vhost-net"}, id="with KVM"),
        pytest.param({}, {"kvm_in_cluster": False}, {"tun"}, id="emulated"),
        pytest.param({"interfaces": [{"name": "default", "masquerade": {}, "model": "e1000"}]}, {}, {"kvm", "tun"},
                     id="no vhost for other models"),
        pytest.param({"interfaces": [], "autoattachPodInterface": False}, {}, {"kvm"}, id="no network"),
        pytest.param({"autoattachVSOCK": True}, {}, {"kvm", "tun", "vhost-net", "vhost-vsock"}, id="vsock"),
    ])
    def test_of_our_own_plugins(self, devices: JsonObject, context: dict[str, object], expected: set[str]) -> None:
        found = asked(vmi(devices=devices), **context)
        prefix = "devices.kubevirt.io/"
        assert {name.removeprefix(prefix) for name in found["limits"] if name.startswith(prefix)} == expected

    def test_of_others_in_requests_and_limits(self) -> None:
        machine = vmi(devices={"hostDevices": [{"name": n, "deviceName": "v.example/d"} for n in "ab"],
                               "gpus": [{"name": "g", "deviceName": "v.example/gpu"}]})
        found = asked(machine, attachment_resources={"default": "v.example/vf"})
        for kind in ("requests", "limits"):
            assert found[kind]["v.example/d"] == "2"
            assert found[kind]["v.example/gpu"] == found[kind]["v.example/vf"] == "1"


class TestOverhead:
    SMALL = with_disks(disk("root"), disk("cloud-init"), volumes=[
        {"name": "root", "containerDisk": {"image": "x"}},
        {"name": "cloud-init", "cloudInitNoCloud": {"userData": "x"}},
    ])

    @pytest.mark.parametrize("emulation", [False, True])
    def test_a_guest_of_1_gib_costs_at_most_128_mib_more(self, emulation: bool) -> None:
        assert overhead(self.SMALL, emulation=emulation).requested_bytes + CONSOLE_LOG <= 128 * MI

    def test_the_peak_covers_the_steady_state(self) -> None:
        found = overhead(self.SMALL, emulation=True)
        assert found.peak_bytes > found.requested_bytes

    def test_more_memory_needs_larger_page_tables(self) -> None:
        large = components(vmi(domain={"memory": {"guest": "64Gi"}}))
        assert large["page tables"] == 256 * MI

    def test_huge_pages_need_none(self) -> None:
        assert components(vmi(domain={"memory": {"hugepages": {"pageSize": "1Gi"}}}))["page tables"] == 0

    def test_reserved_and_scaled(self) -> None:
        plain = overhead(vmi()).requested_bytes
        reserved = vmi(domain={"memory": {"reservedOverhead": {"addedOverhead": "100Mi"}}})
        assert overhead(reserved).requested_bytes == plain + 100 * MI
        assert overhead(vmi(), ratio=1.5).requested_bytes == round(plain * 1.5)

    @pytest.mark.parametrize(("devices", "component"), [
        pytest.param({"tpm": {}}, "tpm", id="TPM"),
        pytest.param({"gpus": [{"name": "g", "deviceName": "x"}]}, "host devices", id="host devices"),
        pytest.param({"interfaces": [{"name": "default", "passtBinding": {}}]}, "passt", id="passt"),
    ])
    def test_components_for_what_is_there(self, devices: JsonObject, component: str) -> None:
        assert component in components(vmi(devices=devices))
        assert component not in components(vmi())
