"""`virtctl render` with instance types, preferences and labelled volumes as context: the same rules as in a cluster."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubevirt.virtctl.__main__ import run_command

GROUP = "instancetype.kubevirt.io/v1beta1"
SMALL = {"apiVersion": GROUP, "kind": "VirtualMachineClusterInstancetype", "metadata": {"name": "small"},
         "spec": {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}, "annotations": {"size": "small"}}}
LINUX = {"apiVersion": GROUP, "kind": "VirtualMachinePreference", "metadata": {"name": "linux"},
         "spec": {"cpu": {"preferredCPUTopology": "cores"}, "devices": {"preferredDiskBus": "virtio"}}}
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
         "metadata": {"name": "data", "labels": {"instancetype.kubevirt.io/default-instancetype": "small"}},
         "spec": {"accessModes": ["ReadWriteOnce"]}}


def machine(instancetype: dict[str, Any], **domain: Any) -> dict[str, Any]:
    volumes = [{"name": "root", "persistentVolumeClaim": {"claimName": "data"}}]
    template = {"spec": {"domain": {"devices": {}, **domain}, "volumes": volumes}}
    spec = {"runStrategy": "Always", "instancetype": instancetype, "template": template,
            "preference": {"name": "linux", "kind": "VirtualMachinePreference"}}
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "web"}, "spec": spec}


def rendered(folder: Path, *objects: dict[str, Any]) -> tuple[int, Path]:
    """Exit code, and the folder of what was written."""
    (folder / "in.yaml").write_text(yaml.safe_dump_all(objects))
    return run_command(["render", "-f", str(folder / "in.yaml"), "--output-dir", str(folder / "out")]), folder / "out"


@pytest.mark.parametrize("matcher", [
    pytest.param({"name": "small"}, id="named"), pytest.param({"inferFromVolume": "root"}, id="inferred"),
])
def test_pod_and_domain_have_what_is_offered(tmp_path: Path, matcher: dict[str, Any]) -> None:
    code, out = rendered(tmp_path, machine(matcher), SMALL, LINUX, CLAIM)
    assert code == 0
    defaulted = yaml.safe_load((out / "defaulted.yaml").read_text())
    assert defaulted["spec"]["instancetype"] == {"name": "small", "kind": "virtualmachineclusterinstancetype"}
    assert "cpu" not in defaulted["spec"]["template"]["spec"]["domain"]
    annotations = yaml.safe_load((out / "pod.yaml").read_text())["metadata"]["annotations"]
    assert annotations["kubevirt.io/cluster-instancetype-name"] == "small"
    assert annotations["kubevirt.io/preference-name"] == "linux"
    assert annotations["size"] == "small"
    domain = ET.parse(out / "domain.xml").getroot()  # noqa: S314 - our own
    topology, target = domain.find("cpu/topology"), domain.find("devices/disk/target")
    assert topology is not None and topology.get("cores") == "2"
    assert target is not None and target.get("bus") == "virtio"
    assert domain.findtext("memory") == str(1 << 30)


@pytest.mark.parametrize(("objects", "field", "message"), [
    pytest.param((machine({"name": "small"}, memory={"guest": "1Gi"}), SMALL, LINUX),
                 "spec.template.spec.domain.memory.guest", "conflicts with selected instance type", id="conflict"),
    pytest.param((machine({"name": "small"}), LINUX), "spec.instancetype", "not found", id="no instance type"),
    pytest.param((machine({"name": "small"}), SMALL, {**LINUX, "metadata": {"name": "linux", "namespace": "other"}}),
                 "spec.preference", "not found", id="a preference of another namespace"),
    pytest.param((machine({}), SMALL, LINUX), "spec.instancetype", "Either Name or InferFromVolume", id="no name"),
])
def test_what_does_not_fit_is_refused(
    tmp_path: Path, objects: tuple[dict[str, Any], ...], field: str, message: str
) -> None:
    code, out = rendered(tmp_path, *objects)
    verdict = json.loads((out / "admission.json").read_text())
    assert code == 1
    assert not verdict["allowed"]
    assert [cause["field"] for cause in verdict["causes"]] == [field]
    assert message in verdict["message"]


def test_a_volume_without_labels_is_one_plain_refusal(tmp_path: Path) -> None:
    code, out = rendered(tmp_path, machine({"inferFromVolume": "root"}), SMALL, LINUX,
                         {**CLAIM, "metadata": {"name": "data"}})
    verdict = json.loads((out / "admission.json").read_text())
    assert code == 1
    assert verdict == {"allowed": False, "message": "unable to find required "
                       "instancetype.kubevirt.io/default-instancetype label on the volume"}
