"""Names, addresses and settings of clusters: what keeps two of them on one machine apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from localkube.errors import Problem
from localkube.layout import DEFAULT_DIR, Layout, NodeSettings, Settings, load_settings, save_settings
from localkube.network import bridge_name, link_name


def test_the_usual_cluster_has_a_readable_tag_and_others_one_of_their_own() -> None:
    assert Layout(DEFAULT_DIR).tag == "localkube"
    tags = {Layout(Path(f"/var/tmp/{name}")).tag for name in ("a", "b", "c")}
    assert len(tags) == 3


@pytest.mark.parametrize("root", [DEFAULT_DIR, Path("/var/tmp/another")])
def test_link_names_fit_into_the_kernels_fifteen_letters(root: Path) -> None:
    names = [bridge_name(Layout(root)), link_name(Layout(root), NodeSettings("node16", 16))]
    assert max(map(len, names)) <= 15


def test_clusters_of_different_slots_share_no_address_on_the_machine() -> None:
    one, two = Settings(slot=0), Settings(slot=1)
    assert not one.node_network.overlaps(two.node_network)
    assert not one.pod_network.overlaps(two.pod_network)
    assert one.loopback != two.loopback


def test_addresses_of_a_node_follow_from_its_number() -> None:
    settings, node = Settings(slot=0), NodeSettings("node2", 2)
    assert str(settings.node_address(node)) == "172.30.0.12"
    assert str(settings.pod_range(node)) == "10.244.2.0/24"
    assert settings.pod_range(node).subnet_of(settings.pod_network)


def test_an_unknown_node_is_named_beside_the_known_ones() -> None:
    settings = Settings(slot=0, nodes=[NodeSettings("node1", 1)])
    with pytest.raises(Problem, match="there is no node 'node9'; the cluster's nodes are: node1"):
        settings.node("node9")


def test_settings_survive_being_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert load_settings(layout) is None
    settings = Settings(slot=3, nodes=[NodeSettings("a", 1), NodeSettings("b", 2, stopped=True)])
    save_settings(layout, settings)
    assert load_settings(layout) == settings


@pytest.mark.parametrize("text", ["{", "[]", '{"slot": 1}', '{"slot": 1, "nodes": [{"size": 1}]}'])
def test_broken_settings_are_reported_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    with pytest.raises(Problem, match="down --purge"):
        load_settings(Layout(tmp_path))
