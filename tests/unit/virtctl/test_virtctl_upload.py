"""image-upload, templates and completion: what is refused, what is made. Requests and shells are tested elsewhere."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from kubevirt.kit.json import JsonObject, dig
from kubevirt.virtctl.commands.completion import candidates
from kubevirt.virtctl.commands.template import converted
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.progress import Progress, size
from kubevirt.virtctl.table import COMMANDS, CommandTable
from kubevirt.virtctl.templates.parameters import generated, processed
from kubevirt.virtctl.upload.order import Order, data_volume, upload_claim

IMAGE = "--image-path f"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("dv", "expecting two args"),
        ("vm x", "invalid resource type vm"),
        (f"dv x --pvc-name y {IMAGE}", "cannot use --pvc-name and args"),
        (f"dv x --size 1Gi --pvc-size 1Gi {IMAGE}", "--pvc-size and --size can not be specified at the same time"),
        ("dv x", "either image-path or archive-path must be provided"),
        (f"dv x {IMAGE} --archive-path a", "cannot handle both image-path and archive-path, provide only one"),
        (f"dv x {IMAGE} --volume-mode odd", "Invalid volume mode 'odd'. Valid values are 'block' and 'filesystem'."),
        (f"dv x {IMAGE} --volume-mode filesystem --block-volume",
         "incompatible --volume-mode 'filesystem' and --block-volume"),
        ("dv x --archive-path a --volume-mode block", "In archive upload the volume mode should always be filesystem"),
        (f"dv x {IMAGE} --default-instancetype-kind k",
         "--default-instancetype must be provided with --default-instancetype-kind"),
        (f"dv x {IMAGE} --default-preference-kind k",
         "--default-preference must be provided with --default-preference-kind"),
        (f"dv x {IMAGE} --default-preference p --no-create",
         "--default-instancetype and --default-preference cannot be used with --no-create"),
        (f"dv x {IMAGE} --access-mode ReadOnlyMany",
         "cannot upload to a readonly volume, use either ReadWriteOnce or ReadWriteMany if supported"),
    ],
)  # fmt: skip
def test_refused_uploads(arguments: str, message: str) -> None:
    result = CliRunner().invoke(CommandTable(), ["image-upload", *arguments.split()], standalone_mode=False)
    assert isinstance(result.exception, CommandError), result.output
    assert result.exception.message == message


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--pvc-name=x", "specify the name as the second argument instead."),
        ("--pvc-size=1Gi", "use --size instead."),
        ("--block-volume", "specify volume mode (filesystem/block) with --volume-mode instead."),
    ],
)
def test_deprecated_flags_say_what_to_use(flag: str, hint: str) -> None:
    """And go on: what ends the command is what else is wrong with it."""
    result = CliRunner().invoke(CommandTable(), ["image-upload", flag], standalone_mode=False)
    assert result.output == f"Flag {flag.partition('=')[0]} has been deprecated, {hint}\n"
    assert isinstance(result.exception, CommandError)


def test_what_an_upload_creates() -> None:
    order = Order(kind="dv", name="x", path="f", size="1Gi", storage_class="s", volume_mode="Block", force_bind=True,
                  instancetype=("i", "k"))  # fmt: skip
    made = data_volume(order)
    assert made["spec"] == {
        "source": {"upload": {}}, "contentType": "kubevirt",
        "storage": {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "s", "volumeMode": "Block"},
    }  # fmt: skip
    assert dig(made, "metadata", "annotations") == {"cdi.kubevirt.io/storage.bind.immediate.requested": ""}
    claim = upload_claim(order)
    assert dig(claim, "spec", "accessModes") == ["ReadWriteOnce"]
    assert dig(claim, "metadata", "annotations", "cdi.kubevirt.io/storage.upload.target") == ""
    assert dig(claim, "metadata", "labels") == {
        "cdi.kubevirt.io/applyStorageProfile": "true", "instancetype.kubevirt.io/default-instancetype": "i",
        "instancetype.kubevirt.io/default-instancetype-kind": "k",
    }  # fmt: skip


def template(machine: JsonObject, *parameters: JsonObject) -> JsonObject:
    return {"spec": {"parameters": list(parameters), "virtualMachine": machine, "message": "made ${NAME}"}}


def test_parameters_take_their_places() -> None:
    machine: JsonObject = {
        "metadata": {"name": "${NAME}-x", "namespace": "fixed"},
        "spec": {"cpus": "${{CPUS}}", "text": "${UNKNOWN}"},
    }
    found = template(machine, {"name": "NAME", "value": "web"}, {"name": "CPUS", "value": "2"}, {"name": "IDLE"})
    made, message, warnings = processed(found, {"CPUS": "4"})
    assert made == {"metadata": {"name": "web-x"}, "spec": {"cpus": 4, "text": "${UNKNOWN}"}}
    assert message == "made web"
    assert warnings == ["Warning: spec.parameters[2].name: IDLE is defined but never referenced"]


def test_an_unknown_parameter_is_an_error() -> None:
    with pytest.raises(CommandError, match="error merging template parameters: parameter X not found in template"):
        processed(template({}), {"X": "1"})


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        ("[a-z]{4}", r"[a-z]{4}"),
        ("vm-[a-zA-Z0-9]{8}", r"vm-[a-zA-Z0-9]{8}"),
        (r"[\w]{3}", r"\w{3}"),
        (r"\d{2}-\a{2}", r"[0-9]{2}-[a-zA-Z0-9]{2}"),
        ("fixed", "fixed"),
    ],
)
def test_generated_values(expression: str, pattern: str) -> None:
    assert re.fullmatch(pattern, generated(expression))


@pytest.mark.parametrize("expression", ["[a-z]{0}", "[a-z]{256}", "[z-a]{2}"])
def test_expressions_that_make_nothing(expression: str) -> None:
    with pytest.raises(CommandError):
        generated(expression)


def test_a_template_of_another_platform() -> None:
    made = converted({"metadata": {"name": "t", "uid": "u"}, "objects": [{"kind": "VirtualMachine"}], "message": "m"})
    assert made["kind"] == "VirtualMachineTemplate"
    assert made["metadata"] == {"name": "t"}
    assert made["spec"] == {"virtualMachine": {"kind": "VirtualMachine"}, "message": "m"}
    with pytest.raises(CommandError, match="template must contain exactly one object, found 2"):
        converted({"objects": [{}, {}]})


@pytest.mark.parametrize(
    ("words", "names", "directive"),
    [
        (["sta"], ["start"], 4),
        (["-n", "ns", "create", "v"], ["vm"], 4),
        (["create", "vm", "--run-s"], ["--run-strategy"], 4),
        (["pause", ""], ["vm", "vmi"], 4),
        (["pause", "vm", ""], [], 4),
        (["vmexport", "download", "x", "--output", ""], [], 0),
        (["scp", ""], [], 0),
        (["completion", ""], ["bash", "fish", "powershell", "zsh"], 4),
    ],
)
def test_candidates(words: list[str], names: list[str], directive: int) -> None:
    found, told = candidates(CommandTable(), words)
    assert ([name for name, _ in found], told) == (names, directive)


def test_every_command_of_the_table_exists() -> None:
    root = CommandTable()
    for name in COMMANDS:
        assert root.get_command_from(*COMMANDS[name][:2]).name == name


def test_progress_says_how_much_and_how_long() -> None:
    shown = Progress("uploading")
    assert shown.line(2.4) == "uploading (2 s)"
    shown.moved(512 * 1024, 2 * 1024 * 1024)
    assert shown.line(3) == "uploading 512.0 KiB of 2.0 MiB (25 %) (3 s)"
    assert size(5) == "5 B"
