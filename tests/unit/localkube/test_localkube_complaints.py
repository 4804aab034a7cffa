"""What localkube says when it cannot go on: each complaint has a cause and a way out."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from localkube import build, host
from localkube.cli import cli
from localkube.errors import Problem
from localkube.layout import Layout, Settings


def test_not_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Problem, match="you are not root; run it with sudo"):
        host.check(Layout(tmp_path))


def test_old_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("platform.release", lambda: "4.19.0-27-amd64")
    with pytest.raises(Problem, match=r"this kernel is 4\.19\.0-27-amd64; boot Linux 5\.13 or later"):
        host.check(Layout(tmp_path))


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("localkube.cgroups.hierarchies", list)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, 1 << 30, 5 << 20))
    with pytest.raises(Problem, match=f"and 5 are free on the disk of {tmp_path}; free some space"):
        host.check(Layout(tmp_path))


def test_no_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("localkube.cgroups.ROOT", tmp_path / "nothing")
    with pytest.raises(Problem, match="no control groups are mounted"):
        host.check(Layout(tmp_path))


def test_taken_port_names_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(slot=13)
    monkeypatch.setattr(Settings, "gateway", property(lambda self: self.loopback))
    said = r"127\.77\.13\.1:2379, which the etcd needs, is taken by .*pid="
    with socket.create_server((settings.loopback, 2379)), pytest.raises(Problem, match=said):
        host.check_ports(settings, within_s=0)
    host.check_ports(settings, within_s=0)


def test_missing_programs_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path="": None if program in ("nft", "runc") else "/bin/x")
    assert host.missing_packages() == ["nftables", "runc"]


def test_no_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert build.find_go() == ""
    with pytest.raises(Problem, match=r"Go 1\.26 is needed .*, and there is none.*KUBERNETES_BIN_DIR"):
        build.build(Path("/nowhere"), "kube", "v1.36.3", Path("/"))


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["kubectl", "get", "pods"], "there is no cluster in"),
        (["load", "image.tar"], "there is no cluster in"),
        (["node", "stop", "node1"], "there is no cluster in"),
        (["logs", "kubelet"], "there is no log of 'kubelet'"),
        (["which", "kubectl"], "there is no program 'kubectl' in"),
    ],
    ids=" ".join,
)
def test_commands_without_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], cause: str
) -> None:
    monkeypatch.setenv("LOCALKUBE_DIR", str(tmp_path))
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, Problem)
    assert cause in result.exception.cause
    assert result.exception.remedy


def test_status_without_a_cluster_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALKUBE_DIR", str(tmp_path))
    result = CliRunner().invoke(cli, ["status"])
    assert result.exit_code == 1
    assert f"there is no cluster in {tmp_path}" in result.output
