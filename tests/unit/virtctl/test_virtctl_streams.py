"""Ports, logins and log verbosity: how they are read and what they become. Streams run end to end."""

from __future__ import annotations

import pytest

from kubevirt.virtctl.commands.adm import Wanted, patch, shown
from kubevirt.virtctl.commands.permitted_devices import as_text
from kubevirt.virtctl.commands.port_forward import Port, parse_port
from kubevirt.virtctl.commands.ssh import Client, Login, default_user, own_command, parse_login, split_remote
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals
from kubevirt.virtctl.table import program_name
from kubevirt.virtctl.targets import Kind, Target


@pytest.mark.parametrize(
    ("word", "port"),
    [
        ("22", Port(protocol="tcp", local=22, remote=22)),
        ("8080:80", Port(protocol="tcp", local=8080, remote=80)),
        ("udp/5353:53", Port(protocol="udp", local=5353, remote=53)),
    ],
)
def test_ports(word: str, port: Port) -> None:
    assert parse_port(word) == port


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", "invalid port, missing local and/or remote port"),
        ("80:", "invalid port, missing local and/or remote port"),
        ("a", 'strconv.Atoi: parsing "a": invalid syntax'),
        ("sctp/80", "unknown protocol: sctp"),
        ("70000", "invalid port 70000, the highest is 65535"),
    ],
)
def test_refused_ports(word: str, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse_port(word)
    assert refused.value.message == message


VM = Target(kind=Kind.VM, name="a.b", typed="vm")


@pytest.mark.parametrize(
    ("word", "login"),
    [
        ("vm/a.b", Login(target=VM, user="me")),
        ("you@vm/a.b", Login(target=VM, user="you")),
        ("you@vmi/a/ns", Login(target=Target(kind=Kind.VMI, name="a", namespace="ns", typed="vmi"), user="you")),
    ],
)
def test_logins(word: str, login: Login) -> None:
    assert parse_login(word, "me") == login


def test_the_client_is_led_through_port_forward() -> None:
    client = Client(user="me", port=22, identity_file="key", options=("-o A=b",))
    assert client.arguments("ssh", Login(target=VM), "ns", ["virtctl", "--context=a b"]) == [
        "ssh", "-o", "ProxyCommand=virtctl '--context=a b' port-forward --stdio=true vm/a.b/ns 22", "-o A=b",
        "-i", "key",
    ]  # fmt: skip
    assert Login(target=VM, user="me").host("ns") == "me@vm.a.b.ns"


def test_the_way_to_the_cluster_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/virtctl", "ssh"])
    assert own_command(Globals(namespace="n", v=4)) == ["/usr/bin/virtctl"]
    assert own_command(Globals(kubeconfig="k", as_group=("a", "b"), insecure_skip_tls_verify=True)) == [
        "/usr/bin/virtctl", "--kubeconfig=k", "--insecure-skip-tls-verify", "--as-group=a", "--as-group=b",
    ]  # fmt: skip


def test_who_the_user_is() -> None:
    assert default_user({"USERNAME": "u", "LOGNAME": "l"}) == "u"
    assert default_user({}) == ""


def test_the_side_with_a_colon_is_remote() -> None:
    assert split_remote("vm/a:/tmp/x") == ("vm/a", "/tmp/x")
    assert split_remote("/tmp/x") is None


@pytest.mark.parametrize(
    ("executable", "name"),
    [("/usr/bin/virtctl", "virtctl"), ("/a/kubectl-virt", "kubectl virt"), ("oc-virt", "oc virt")],
)
def test_the_programs_own_name(executable: str, name: str) -> None:
    assert program_name(executable) == name


PATH = "/spec/configuration/developerConfiguration"


def test_log_verbosity() -> None:
    assert shown({"virtAPI": 5}, Wanted(levels={"virt-api": 10, "virt-handler": 10})) == "virt-api=5\nvirt-handler=2"
    assert patch(None, Wanted(levels={"virt-api": 5}, everyone=3))[1]["value"] == {
        "virtAPI": 5, "virtController": 3, "virtHandler": 3, "virtLauncher": 3, "virtOperator": 3,
    }  # fmt: skip
    assert patch({}, Wanted(levels={}, reset=True)) == []
    assert patch({"logVerbosity": {"virtAPI": 5}}, Wanted(levels={}, reset=True)) == [
        {"op": "add", "path": f"{PATH}/logVerbosity", "value": {}}
    ]
    with pytest.raises(CommandError, match="only show or set is allowed"):
        assert Wanted(levels={"virt-api": 10, "virt-handler": 3}).shows


def test_permitted_devices() -> None:
    assert as_text(["a/b", "c/d"], []) == "Permitted Devices: \nHost Devices: \na/b, c/d \nGPU Devices: \n "
