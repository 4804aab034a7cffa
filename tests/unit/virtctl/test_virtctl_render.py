"""`virtctl render`: what is read, what is written, what is said, and the exit code. What machines become in detail is
tested with `kubevirt.api` and `kubevirt.machine`.
"""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubevirt.api.defaults.presets import DEPRECATION
from kubevirt.kit.json import JsonObject, dig
from kubevirt.virtctl.__main__ import run_command
from kubevirt.virtctl.manifests import Unreadable, read_manifests

VMI = """\
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata:
  name: web
spec:
  domain:
    memory: {guest: 1Gi}
    devices:
      disks:
      - name: root
        disk: {bus: virtio}
      - name: data
        disk: {bus: virtio}
  volumes:
  - name: root
    containerDisk: {image: "demo:1"}
  - name: data
    persistentVolumeClaim: {claimName: data}
"""
VM = """\
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: web
spec:
  runStrategy: Always
  template:
    spec:
      domain:
        memory: {guest: 1Gi}
        devices:
          disks:
          - name: root
            cache: unsafe
      volumes:
      - name: root
        containerDisk: {image: "demo:1"}
"""
AROUND = """\
apiVersion: kubevirt.io/v1
kind: KubeVirt
metadata: {name: kubevirt, namespace: kubevirt}
spec:
  imageRegistry: registry.example/kv
  imageTag: v7
  configuration:
    network: {defaultNetworkInterface: masquerade}
    developerConfiguration: {featureGates: [HostDisk]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {volumeMode: Block}}
- {apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {team: a}}}
- {apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {limits.cpu: "8"}}}
---
"""


def files(folder: Path, **texts: str) -> list[str]:
    """Arguments naming a file for each text."""
    arguments = []
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
        arguments += ["-f", str(folder / f"{name}.yaml")]
    return arguments


def pod_of(folder: Path) -> JsonObject:
    pod = yaml.safe_load((folder / "pod.yaml").read_text())
    assert isinstance(pod, dict)
    return pod


def test_an_admitted_instance_becomes_four_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run_command(["render", *files(tmp_path, vmi=VMI, around=AROUND), "--output-dir", str(out)]) == 0
    assert capsys.readouterr() == ("", "")
    assert {file.name for file in out.iterdir()} == {"defaulted.yaml", "admission.json", "pod.yaml", "domain.xml"}
    assert json.loads((out / "admission.json").read_text()) == {"allowed": True}
    defaulted = yaml.safe_load((out / "defaulted.yaml").read_text())
    assert defaulted["spec"]["domain"]["devices"]["interfaces"] == [{"name": "default", "masquerade": {}}]
    domain = ET.parse(out / "domain.xml")  # noqa: S314 - our own output
    assert [disk.get("type") for disk in domain.iter("disk")] == ["file", "block"]


def test_what_stands_around_a_machine_reaches_its_pod(tmp_path: Path) -> None:
    run_command(["render", *files(tmp_path, vmi=VMI, around=AROUND), "--output-dir", str(tmp_path)])
    compute: Any = dig(pod_of(tmp_path), "spec", "containers", 0)
    assert compute["image"] == "registry.example/kv/virt:v7"
    assert compute["resources"]["limits"]["cpu"] == "1"
    assert [device["name"] for device in compute["volumeDevices"]] == ["data"]


def test_presets_around_an_instance_are_merged_and_warned_about(tmp_path: Path) -> None:
    preset = """\
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstancePreset
metadata: {name: cores}
spec: {selector: {}, domain: {cpu: {cores: 3}, devices: {}}}
"""
    run_command(["render", *files(tmp_path, vmi=VMI, around=AROUND, preset=preset), "--output-dir", str(tmp_path)])
    defaulted = yaml.safe_load((tmp_path / "defaulted.yaml").read_text())
    assert defaulted["spec"]["domain"]["cpu"]["cores"] == 3
    assert defaulted["metadata"]["annotations"]["virtualmachinepreset.kubevirt.io/cores"] == "kubevirt.io/v1"
    assert json.loads((tmp_path / "admission.json").read_text())["warnings"] == [DEPRECATION]


def test_a_machine_is_rendered_as_its_first_start(tmp_path: Path) -> None:
    vm = VM.replace("            cache: unsafe\n", "")
    assert run_command(["render", *files(tmp_path, vm=vm), "--output-dir", str(tmp_path)]) == 0
    assert yaml.safe_load((tmp_path / "defaulted.yaml").read_text())["kind"] == "VirtualMachine"
    first = pod_of(tmp_path)
    assert first["metadata"]["ownerReferences"][0]["name"] == "web"  # type: ignore[index, call-overload]
    run_command(["render", *files(tmp_path, vm=vm), "--output-dir", str(tmp_path)])
    assert pod_of(tmp_path) == first


def test_a_refusal_names_the_line_and_leaves_neither_pod_nor_domain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stale in ("pod.yaml", "domain.xml"):
        (tmp_path / stale).touch()
    assert run_command(["render", *files(tmp_path, vm=VM), "--output-dir", str(tmp_path)]) == 1
    assert f"{tmp_path}/vm.yaml:14: spec.template.spec.domain.devices.disks[0].cache has invalid" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "pod.yaml").exists()
    assert not (tmp_path / "domain.xml").exists()
    verdict = json.loads((tmp_path / "admission.json").read_text())
    assert (verdict["allowed"], len(verdict["causes"])) == (False, 1)
    assert verdict["causes"][0].keys() == {"reason", "field", "message"}


def test_an_admitted_machine_without_a_possible_domain_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vmi = VMI.replace("      - name: root\n", "      - name: root\n        shareable: true\n        cache: writeback\n")
    assert run_command(["render", *files(tmp_path, vmi=vmi), "--output-dir", str(tmp_path)]) == 0
    assert "vmi.yaml:12: no domain can be made: spec.domain.devices.disks[0]" in capsys.readouterr().err
    assert (tmp_path / "pod.yaml").exists()
    assert not (tmp_path / "domain.xml").exists()


def test_standard_output_and_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = files(tmp_path, vmi=VMI)
    assert run_command(["render", *arguments]) == 0
    parts = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [part.get("kind") for part in parts] == ["VirtualMachineInstance", None, "Pod", None]
    assert run_command(["render", *arguments, "-o", "xml"]) == 0
    domain = capsys.readouterr().out
    assert domain.startswith("<domain")
    assert ET.fromstring(domain).tag == ET.fromstring(parts[3]["domain"]).tag  # noqa: S314 - our own output


def test_several_machines_get_a_folder_each(tmp_path: Path) -> None:
    other = VMI.replace("name: web", "name: db\n  namespace: shop")
    arguments = files(tmp_path, both=f"{VMI}---\n{other}")
    assert run_command(["render", "-n", "lab", *arguments, "--output-dir", str(tmp_path / "out")]) == 0
    assert {folder.name for folder in (tmp_path / "out").iterdir()} == {"lab_web", "shop_db"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [1\nb: 2\n", "x.yaml:2: not YAML: ", id="not YAML"),
        pytest.param("\nkind: VirtualMachine\n", "x.yaml:2: not an object of the API", id="no apiVersion"),
        pytest.param("- 1\n", "x.yaml:1: not an object of the API", id="a list"),
        pytest.param("apiVersion: v1\nkind: Namespace\n", "there is no VirtualMachine", id="nothing to render"),
        pytest.param("", "there is no VirtualMachine", id="nothing at all"),
        pytest.param(VMI.replace("1Gi", "[1]"), "x.yaml:7: spec.domain.memory.guest: expected a quantity", id="a type"),
        pytest.param(
            VMI.replace("bus: virtio}\n      - name: data", "bus: 3}\n      - name: data"),
            "x.yaml:11: spec.domain.devices.disks[0].disk.bus: expected string, got integer",
            id="a type within a list",
        ),
        pytest.param(
            AROUND.replace("[HostDisk]", "HostDisk") + VMI, "featureGates: expected array, got string", id="context"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_code_2_with_place_and_remedy(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["render", *files(tmp_path, x=text)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "; " in error.partition(said)[2] + error.partition(said)[1]
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("file", "said"),
    [
        pytest.param("absent.yaml", "no such file", id="absent"),
        pytest.param(".", "is a directory", id="a directory"),
        pytest.param("binary", "not text in UTF-8", id="binary"),
    ],
)
def test_files_that_cannot_be_opened(
    file: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    assert run_command(["render", "-f", str(tmp_path / file)]) == 2
    assert said in capsys.readouterr().err


def test_objects_that_change_nothing_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = files(tmp_path, vmi=VMI, more="apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")
    assert run_command(["render", *arguments, "--output-dir", str(tmp_path / "out")]) == 0
    assert "more.yaml:1: Service objects change nothing here" in capsys.readouterr().err


def test_dates_stay_text_and_keys_become_it(tmp_path: Path) -> None:
    files(tmp_path, x="apiVersion: v1\nkind: A\nday: 2024-01-02\n2: two\ntrue: yes\n")
    (manifest,) = read_manifests([str(tmp_path / "x.yaml")])
    assert manifest.body == {"apiVersion": "v1", "kind": "A", "day": "2024-01-02", "2": "two", "true": True}


def test_a_document_that_contains_itself_is_refused(tmp_path: Path) -> None:
    files(tmp_path, x="apiVersion: v1\nkind: A\nloop: &a [*a]\n")
    with pytest.raises(Unreadable, match="nested too deeply"):
        read_manifests([str(tmp_path / "x.yaml")])
