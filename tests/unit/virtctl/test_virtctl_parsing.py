"""How virtctl reads its command line, and the one line it says when it cannot; requests are tested end to end."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner

from kubevirt.api.names import vmi_id
from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.__main__ import run_command
from kubevirt.virtctl.commands.expose import introspected_ports, selector, service_spec
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals
from kubevirt.virtctl.session import seconds
from kubevirt.virtctl.table import COMMANDS, CommandTable
from kubevirt.virtctl.targets import Kind, Target, parse_target

EXPOSE: dict[str, str | int] = {
    "port": 0, "target_port": "", "protocol": "TCP", "port_name": "", "service_type": "ClusterIP", "cluster_ip": "",
    "external_ip": "", "ip_family": "", "ip_family_policy": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["start"], "accepts 1 arg(s), received 0", id="no name"),
        pytest.param(["start", "a", "b", "c"], "accepts between 1 and 2 arg(s), received 3", id="too many names"),
        pytest.param(["start", "pod", "a"], "unsupported resource type 'pod'", id="another kind"),
        pytest.param(
            ["start", "vmi/a"], "start acts on a VirtualMachine, not on a VirtualMachineInstance", id="an instance"
        ),
        pytest.param(["stop", "a", "--force"], "Must both use --force=true and set --grace-period.", id="force alone"),
        pytest.param(
            ["restart", "a", "--grace-period=0"], "Must both use --force=true and set --grace-period.", id="grace alone"
        ),
        pytest.param(["start", "--frob"], "unknown flag: --frob", id="unknown flag"),
        pytest.param(["expose", "vm", "a"], 'required flag(s) "name" not set', id="required flag"),
        pytest.param(
            ["expose", "pod", "a", "--name", "x"], "unsupported resource type: pod", id="exposing another kind"
        ),
        pytest.param(["frob"], 'unknown command "frob" for "virtctl"', id="unknown command"),
        pytest.param(["strat"], "\tstart", id="a near miss is helped"),
        pytest.param(
            ["--kubeconfig", "/absent/file", "start", "a"], "stat /absent/file: no such file", id="no kubeconfig"
        ),
    ],
)
def test_one_line_and_exit_1(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(arguments) == 1
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in err + out


def test_every_command_of_the_table_exists_and_takes_the_global_flags() -> None:
    root = CommandTable()
    context = root.make_context("virtctl", [])
    for name in COMMANDS:
        found = root.get_command(context, name)
        assert found is not None
        assert {"kubeconfig", "context", "namespace"} <= {param.name for param in found.params}


def test_no_command_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("web",), Target(kind=Kind.VM, name="web"), id="a bare name is of the command's kind"),
        pytest.param(("vm", "web"), Target(kind=Kind.VM, name="web", typed="vm"), id="kind and name"),
        pytest.param(("vmi/web",), Target(kind=Kind.VMI, name="web", typed="vmi"), id="kind/name"),
        pytest.param(
            ("VirtualMachines/web/shop",),
            Target(kind=Kind.VM, name="web", namespace="shop", typed="virtualmachines"),
            id="any case, with a namespace",
        ),
    ],
)
def test_targets(words: tuple[str, ...], expected: Target) -> None:
    assert parse_target(words, default=Kind.VM) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("vm/",), "name cannot be empty", id="no name"),
        pytest.param(("vm/a/",), "namespace cannot be empty", id="no namespace"),
        pytest.param(("vm/a/b/c",), "target is not valid with more than two '/'", id="too many parts"),
    ],
)
def test_bad_targets(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        parse_target(words, default=Kind.VM)


def test_flags_given_later_win_and_others_stay() -> None:
    merged = Globals(namespace="a", context="x").merged(Globals(namespace="b"))
    assert (merged.namespace, merged.context) == ("b", "x")


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("30", 30), ("1m30s", 90), ("500ms", 0.5)])
def test_request_timeouts(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_a_service_of_flags() -> None:
    spec = service_spec({**EXPOSE, "port": 27017, "target_port": "22", "service_type": "nodeport", "port_name": "ssh"})
    port = {"port": 27017, "protocol": "TCP", "targetPort": 22, "name": "ssh"}
    assert spec == {"type": "NodePort", "ports": [port]}


def test_two_families_prefer_dual_stack() -> None:
    spec = service_spec({**EXPOSE, "port": 1, "ip_family": "ipv4,IPv6"})
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "PreferDualStack")


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("protocol", "SCTP", "unknown protocol: SCTP"),
        ("service_type", "Magic", "unknown service type: Magic"),
        ("service_type", "ExternalName", "type: ExternalName not supported"),
        ("ip_family", "IPv5", "unknown IPFamily/s: IPv5"),
        ("ip_family_policy", "Maybe", "unknown IPFamilyPolicy/s: Maybe"),
    ],
)
def test_service_flags_that_are_refused(flag: str, value: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        service_spec({**EXPOSE, flag: value})


def test_ports_of_the_pod_networks_interface() -> None:
    spec: JsonObject = {
        "networks": [{"name": "other", "multus": {}}, {"name": "default", "pod": {}}],
        "domain": {
            "devices": {"interfaces": [{"name": "default", "ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}]}
        },
    }
    expected = [{"name": "port-1", "port": 80, "protocol": "TCP"}, {"name": "port-2", "port": 53, "protocol": "UDP"}]
    assert introspected_ports({"spec": spec}, Kind.VMI) == expected
    assert introspected_ports({"spec": {"template": {"spec": spec}}}, Kind.VM) == expected


def test_long_names_become_a_label_value() -> None:
    assert vmi_id("a" * 63) == "a" * 63
    assert len(vmi_id("a" * 64)) == 63
    assert vmi_id("a" * 64) != vmi_id("a" * 65)


def test_a_replica_set_is_selected_by_its_own_labels() -> None:
    target = Target(kind=Kind.REPLICASET, name="web", typed="vmirs")
    assert selector({"spec": {"selector": {"matchLabels": {"app": "web"}}}}, target) == {"app": "web"}
    with pytest.raises(CommandError, match="without any selector labels"):
        selector({"spec": {"selector": {}}}, target)
    with pytest.raises(CommandError, match="with match expressions"):
        selector({"spec": {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}}, target)


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("help", ["Available Commands:", "  start ", 'Use "virtctl <command> --help" for more information']),
        ("start --help", ["Usage:", "  virtctl start (VM) [flags]", "Flags:", "  --dry-run ",
                          'Use "virtctl options" for a list of global command-line options (applies to all',]),
        ("help credentials add-ssh-key", ["  virtctl credentials add-ssh-key VM [flags]", "  -u, --user "]),
        ("adm", ["  virtctl adm [command]", "  log-verbosity "]),
    ],
)  # fmt: skip
def test_help(arguments: str, lines: list[str]) -> None:
    result = CliRunner().invoke(CommandTable(), arguments.split(), prog_name="virtctl")
    assert result.exit_code == 0
    for line in lines:
        assert line in result.output


@pytest.mark.parametrize("arguments", ["version", "permitted-devices", "adm log-verbosity", "expand"])
def test_commands_that_take_nothing(arguments: str) -> None:
    result = CliRunner().invoke(CommandTable(), [*arguments.split(), "x"], prog_name="virtctl", standalone_mode=False)
    assert str(result.exception) == f'unknown command "x" for "virtctl {arguments}"'


@pytest.mark.parametrize(
    ("typed", "out", "err"),
    [
        ("", "Please enter Username: ", "EOF\n"),
        ("me\n", "Please enter Username: Please enter Password: ", "EOF\n"),
    ],
)
def test_who_brings_no_credentials_is_asked(
    typed: str, out: str, err: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/absent")
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert run_command(["start", "x", "--server", "https://127.0.0.1:1"]) == 1
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == (out, err)
