"""What the cluster's programs are told: certificates, kubeconfigs, the nodes' configuration, mirrors, pins."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from localkube import binaries, build, certificates, controlplane, kubeconfigs, node_config, registry
from localkube.certificates import Leaf
from localkube.layout import Layout, NodeSettings, Settings

NODE = NodeSettings("node1", 1)
SETTINGS = Settings(slot=0, nodes=[NODE])


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    found = Layout(tmp_path_factory.mktemp("state"))
    certificates.ensure(found, [*certificates.leaves(SETTINGS), *certificates.node_leaves(SETTINGS, NODE)])
    return found


def load(layout: Layout, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((layout.pki / f"{name}.crt").read_bytes())


def test_every_certificate_is_signed_by_its_authority(layout: Layout) -> None:
    for leaf in certificates.leaves(SETTINGS):
        load(layout, leaf.file).verify_directly_issued_by(load(layout, leaf.authority))


def test_etcd_trusts_no_kubelet(layout: Layout) -> None:
    assert load(layout, "node1-kubelet").issuer != load(layout, "etcd-ca").subject


def test_private_keys_are_for_root_only(layout: Layout) -> None:
    modes = {path.name: path.stat().st_mode & 0o077 for path in layout.pki.glob("*.key")}
    assert modes
    assert not any(modes.values()), modes


def test_a_certificate_is_kept_until_its_hosts_change(tmp_path: Path) -> None:
    layout, leaf = Layout(tmp_path), Leaf(file="x", authority="ca", name="x", hosts=["one", "10.0.0.1"])
    certificates.ensure(layout, [leaf])
    first = load(layout, "x").serial_number
    certificates.ensure(layout, [leaf])
    assert load(layout, "x").serial_number == first
    certificates.ensure(layout, [Leaf(file="x", authority="ca", name="x", hosts=["one", "10.0.0.2"])])
    assert load(layout, "x").serial_number != first


def test_kubeconfig_names_the_server_and_is_private(layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    kubeconfigs.write(layout, SETTINGS, path, certificate="admin")
    document = yaml.safe_load(path.read_text())
    assert document["clusters"][0]["cluster"]["server"] == "https://172.30.0.1:6443"
    assert path.stat().st_mode & 0o777 == 0o600


def test_node_files_are_what_their_readers_parse(layout: Layout) -> None:
    node_config.write(layout, SETTINGS, NODE)
    place = layout.node("node1")
    kubelet = yaml.safe_load((place.config / "kubelet.yaml").read_text())
    containerd = tomllib.loads((place.config / "containerd.toml").read_text())
    network = json.loads((place.data / "cni" / "net.d" / "10-localkube.conflist").read_text())
    assert kubelet["authorization"] == {"mode": "Webhook"}
    assert kubelet["cgroupRoot"] == f"/{layout.tag}/node1"
    assert containerd["plugins"]["io.containerd.cri.v1.runtime"]["restrict_oom_score_adj"] is True
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]


def test_programs_start_in_an_order_in_which_each_finds_what_it_waits_for(layout: Layout) -> None:
    names = [program.name for program in controlplane.programs(layout, SETTINGS)]
    assert names == list(controlplane.PROGRAMS)
    assert [program.name for program in node_config.programs(layout, SETTINGS, NODE)] == [
        "containerd", "kubelet", "kube-proxy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "server"),
    [
        pytest.param("quay.io", "https://quay.io", id="a registry is its own server"),
        pytest.param("docker.io", "https://registry-1.docker.io", id="but Docker Hub's name differs"),
    ],
)
def test_mirror_comes_first_and_the_real_registry_second(tmp_path: Path, host: str, server: str) -> None:
    layout = Layout(tmp_path)
    registry.mirror(layout, SETTINGS, host)
    hosts = tomllib.loads((layout.certs_d / host / "hosts.toml").read_text())
    assert hosts["server"] == server
    assert hosts["host"][f"http://172.30.0.1:5000/v2/{host}"]["override_path"] is True


def test_every_tool_of_the_pins_is_built() -> None:
    go = "/bin/true"
    built = build.packages(go, binaries.SOURCES / "containerd")
    assert {path.rsplit("/", 1)[1] for path in built} == {"containerd", "containerd-shim-runc-v2", "ctr"}


@pytest.mark.parametrize(
    ("family", "module"),
    [
        ("kube", "k8s.io/kubernetes"),
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("containerd", "github.com/containerd/containerd/v2"),
    ],
)
def test_versions_are_those_of_the_pins(family: str, module: str) -> None:
    [known] = [each for each in binaries.FAMILIES if each.name == family]
    assert f"{module} {known.version}" in (binaries.SOURCES / family / "go.mod").read_text()


def test_a_folder_of_the_users_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etcd").write_text("")
    monkeypatch.setenv("KUBERNETES_BIN_DIR", str(tmp_path))
    [family] = [family for family in binaries.FAMILIES if family.name == "etcd"]
    assert binaries.find(family) == {"etcd": tmp_path / "etcd"}
