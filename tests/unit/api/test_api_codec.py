"""Objects survive reading and writing; what cannot be read is refused with its path. Schemas: test_api_crds."""

import time
from datetime import UTC, datetime

import msgspec
import pytest

from kubevirt.api import codec
from kubevirt.api.core import Node, Pod
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kit.quantity import Quantity


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"{", "", id="cut off"),
        pytest.param(b"\xff\xfe", "", id="not UTF-8"),
        pytest.param(b"[" * 100000, "", id="nested too deeply"),
        pytest.param(b"[]", "", id="a list"),
        pytest.param(b'{"spec": 1}', "spec", id="a number for an object"),
        pytest.param(b'{"spec": {"domain": {"cpu": {"cores": "2"}}}}', "spec.domain.cpu.cores", id="text for a number"),
        pytest.param(b'{"spec": {"domain": {"memory": {"guest": "1x"}}}}', "spec.domain.memory.guest", id="no amount"),
        pytest.param(b'{"spec": {"domain": {"memory": {"guest": []}}}}', "spec.domain.memory.guest", id="list for one"),
        pytest.param(b'{"spec": {"volumes": [{}, 3]}}', "spec.volumes[1]", id="the index is named"),
        pytest.param(b'{"metadata": {"creationTimestamp": "now"}}', "metadata.creationTimestamp", id="no time"),
    ],
)
def test_unreadable_documents_are_refused_with_the_field(document: bytes, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        codec.decode(VirtualMachineInstance, document)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ('{"spec": {"domain": {"cpu": {"cores": "two"}}}}', "expected integer, got string"),
        ('{"spec": {"domain": []}}', "expected object, got array"),
        ('{"spec": {"hostname": 1}}', "expected string, got integer"),
        ('{"spec": {"livenessProbe": {"httpGet": {"port": []}}}}', "expected integer or string, got array"),
        ('{"spec": {"domain": {"memory": {"guest": {}}}}}', "expected a quantity, got object"),
    ],
)
def test_what_does_not_fit_is_told_in_the_words_of_json(document: str, cause: str) -> None:
    with pytest.raises(Refused) as told:
        codec.decode(VirtualMachineInstance, document)
    assert told.value.cause == cause


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"domain": {"devices": {"interfaces": [{"name": "a", "masquerade": {}}]}}}, id="empty objects"),
        pytest.param({"domain": {"devices": {"autoattachMemBalloon": False}}}, id="false is not absent"),
        pytest.param({"domain": {"devices": {}}, "terminationGracePeriodSeconds": 0}, id="zero is not absent"),
        pytest.param({"domain": {"devices": {}, "memory": {"guest": "1Gi"}}}, id="quantities"),
        pytest.param({"domain": {"devices": {"sound": {"name": ""}}}}, id="required members that are empty"),
        pytest.param({"domain": {"devices": {}}, "readinessProbe": {"httpGet": {"port": "web"}}}, id="names of ports"),
        pytest.param({"domain": {"devices": {}}, "networks": [{"name": "a", "pod": {}}]}, id="the pod network"),
        pytest.param(
            {
                "domain": {"devices": {"disks": [{"name": "a", "cdrom": {"readonly": False}, "bootOrder": 2}]}},
                "volumes": [{"name": "a", "cloudInitNoCloud": {"userDataBase64": "IyEK", "networkData": "x"}}],
            },
            id="names with digits and acronyms",
        ),
    ],
)
def test_members_that_are_set_survive(spec: JsonObject) -> None:
    written = codec.to_builtins(codec.convert({"spec": spec}, VirtualMachineInstance))
    given: JsonObject = {"spec": spec}
    assert contains(written, given)


def contains(whole: Json, part: Json) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and contains(whole[k], v) for k, v in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(contains, whole, part))
    return whole == part


def test_null_is_taken_for_absent_and_the_unknown_is_ignored() -> None:
    vm = codec.decode(
        VirtualMachine,
        b'{"metadata": {"name": "a", "managedFields": [{}], "creationTimestamp": null, "labels": null},'
        b' "spec": {"running": null, "nonsense": 1, "template": {"spec": {"domain": {"devices": {"disks": null}}}}}}',
    )
    assert vm.metadata.labels == {}
    assert vm.spec.running is None
    assert "managedFields" not in codec.to_builtins(vm)["metadata"]  # type: ignore[operator]  # a list here


@pytest.mark.parametrize("amount", ["1024Mi", 1073741824, "1Gi"])
def test_quantities_are_read_from_texts_and_numbers(amount: Json) -> None:
    vmi = codec.convert({"spec": {"domain": {"memory": {"guest": amount}}}}, VirtualMachineInstance)
    memory = vmi.spec.domain.memory
    assert memory is not None
    assert memory.guest == Quantity("1Gi")


def test_every_object_is_written_with_kind_and_version() -> None:
    for object_ in (VirtualMachine(), VirtualMachineInstance(), KubeVirt(), Pod(), Node()):
        written = codec.to_builtins(object_)
        assert written["kind"] == type(object_).__name__
        assert written["apiVersion"]


def test_times_are_read_and_written_in_whole_seconds() -> None:
    pod = codec.decode(Pod, b'{"status": {"startTime": "2026-01-02T03:04:05Z"}}')
    assert pod.status.start_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert dig(msgspec.json.decode(codec.encode(pod)), "status", "startTime") == "2026-01-02T03:04:05Z"


def test_a_clone_shares_nothing() -> None:
    vm = VirtualMachine()
    copy = codec.clone(vm)
    copy.spec.template.metadata.labels["a"] = "b"
    assert vm.spec.template.metadata.labels == {}
    assert copy != vm


def test_container_states_are_read() -> None:
    pod = codec.decode(
        Pod,
        b'{"spec": {"nodeName": "n"}, "status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}],'
        b' "containerStatuses": [{"name": "compute", "imageID": "x",'
        b' "state": {"terminated": {"exitCode": 1, "message": "m"}}}]}}',
    )
    compute = pod.container("compute")
    assert compute is not None
    assert compute.image_id == "x"
    assert compute.state.terminated is not None
    assert (compute.state.terminated.exit_code, compute.state.terminated.message) == (1, "m")
    assert (pod.spec.node_name, pod.status.pod_ip, pod.status.pod_ips[0].ip) == ("n", "10.0.0.1", "10.0.0.1")
    assert pod.container("other") is None


def test_a_long_list_is_read_quickly() -> None:
    """The promise is 0.2 s for 10,000 machines of 3 KB on an idle machine; CPU time with room for a busy one."""
    vm = codec.encode(
        codec.convert(
            {
                "metadata": {"name": "vm", "annotations": {"note": "x" * 2000}},
                "spec": {"template": {"spec": {"domain": {"memory": {"guest": "1Gi"}, "cpu": {"cores": 2}}}}},
            },
            VirtualMachine,
        )
    )
    document = b"[" + b",".join([vm] * 10000) + b"]"
    codec.decode(list[VirtualMachine], b"[]")
    begin = time.process_time()
    assert len(codec.decode(list[VirtualMachine], document)) == 10000
    assert time.process_time() - begin < 1.0
