"""Members that the API does not have, as `virtctl render` finds them; files it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.__main__ import run_command
from kubevirt.virtctl.commands.render import MACHINES
from kubevirt.virtctl.manifests import read_manifests
from kubevirt.virtctl.typos import typos

D = "spec.domain.devices.disks[1]"
EXAMPLES = Path(__file__).parents[3] / "examples"


def disks(*more: JsonObject) -> JsonObject:
    listed: list[Json] = [{"name": "root", "disk": {"bus": "virtio"}}, *more]
    return {"spec": {"domain": {"devices": {"disks": listed}}}}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(disks({"name": "a", "dsik": {}}), [f"{D}.dsik: there is no such field; did you mean disk?"],
                     id="in a list"),
        pytest.param(disks({"name": "a", "xyz": 1}), [f"{D}.xyz: there is no such field"], id="like nothing there is"),
        pytest.param({"spce": {}}, ["spce: there is no such field; did you mean spec?"], id="at the top"),
        pytest.param({"spec": {"domain": {"cpu": {"Cores": 1}, "memroy": {}}}},
                     ["spec.domain.cpu.Cores: there is no such field; did you mean cores?",
                      "spec.domain.memroy: there is no such field; did you mean memory?"], id="several"),
        pytest.param({"spec": {"nodeSelector": {"any": "thing"}, "domain": {"resources": {"requests": {"a/b": 1}}}}},
                     [], id="names of one's own are no members"),
        pytest.param({"metadata": {"managedFields": [], "selfLink": ""}}, [], id="metadata is Kubernetes' own"),
        pytest.param({"spec": {"volumes": None, "domain": []}}, [], id="what has no members at all"),
    ],
)  # fmt: skip
def test_members_that_do_not_exist(body: JsonObject, told: list[str]) -> None:
    assert [str(typo) for typo in typos(body, VirtualMachineInstance)] == told


def test_of_a_machine_they_are_in_its_template() -> None:
    body: JsonObject = {"spec": {"template": {"spec": {"domian": {}}}}}
    assert [typo.field for typo in typos(body, VirtualMachine)] == ["spec.template.spec.domian"]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("vm*.yaml")), ids=lambda file: file.name)
def test_examples_have_none(file: Path) -> None:
    machines = [each for each in read_manifests([str(file)]) if each.kind in MACHINES]
    assert machines
    assert [typo for each in machines for typo in typos(each.body, MACHINES[each.kind])] == []


TEXT = """\
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: web}
spec:
  domain:
    memory: {guest: 64Mi}
    devcies: {}
"""


def test_render_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vmi.yaml"
    file.write_text(TEXT)
    assert run_command(["render", str(file), "-o", "xml"]) == 0, "the API server takes it"
    out, err = capsys.readouterr()
    assert out.startswith("<domain ")
    assert err == f"{file}:7: warning: spec.domain.devcies: there is no such field; did you mean devices?\n"


def test_render_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["render"]) == 1
    assert capsys.readouterr().err == "no file is named; name the machine's manifest, or - for standard input\n"
