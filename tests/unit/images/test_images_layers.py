"""Layers and image tars: same content, same bytes; other content, another tag; and loaders find the name."""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from images import layers, oci
from images.layers import Entry, Layer
from images.oci import Image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layers, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(oci, "OUTPUT", tmp_path / "out/images")
    return tmp_path / "cache"


def layer(tmp_path: Path, text: str = "content", key: str = "k1", *, mtime: int = 2_000_000_000) -> Layer:
    file = tmp_path / "file"
    file.write_text(text)
    os.utime(file, (mtime, mtime))
    entry = Entry(name="disk/disk.qcow2", source=file, uid=107, gid=107, mode=0o440)
    return layers.from_entries("part", "A part", [entry], key=key, compress=False)


def test_times_of_files_do_not_change_a_layer(tmp_path: Path) -> None:
    first = layer(tmp_path, key="k1", mtime=2_000_000_000)
    assert layer(tmp_path, key="k2", mtime=2_100_000_000).digest == first.digest


def test_a_layer_keeps_owner_and_mode_that_were_asked_for(tmp_path: Path) -> None:
    with tarfile.open(layer(tmp_path).path) as tar:
        (member,) = tar.getmembers()
    assert (member.name, member.uid, member.gid, member.mode) == ("disk/disk.qcow2", 107, 107, 0o440)


def test_a_layer_is_made_once_per_key_and_older_ones_are_removed(tmp_path: Path, cache: Path) -> None:
    first = layer(tmp_path, "one", "k1")
    assert layer(tmp_path, "two", "k1") == first
    assert layer(tmp_path, "two", "k2").digest != first.digest
    assert sorted(p.name for p in cache.iterdir()) == ["layer-part-k2.blob", "layer-part-k2.json"]


def test_a_tree_keeps_links_and_empties_what_is_skipped(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/tool").write_text("x")
    (root / "bin").symlink_to("usr/bin")
    (root / "proc").mkdir()
    (root / "proc/leftover").write_text("x")
    target = tmp_path / "tree.tar"
    layers.write_tree(target, root, frozenset({"proc"}))
    with tarfile.open(target) as tar:
        members = {m.name: m for m in tar}
    assert sorted(members) == ["bin", "proc", "usr", "usr/bin", "usr/bin/tool"]
    assert members["bin"].linkname == "usr/bin"


def test_every_content_has_a_tag_of_its_own(tmp_path: Path) -> None:
    first = Image(repository="docker.io/kubevirt/virt", layers=[layer(tmp_path, "one", "k1")]).reference
    again = Image(repository="docker.io/kubevirt/virt", layers=[layer(tmp_path, "one", "k3")]).reference
    other = Image(repository="docker.io/kubevirt/virt", layers=[layer(tmp_path, "two", "k2")]).reference
    assert first == again != other
    assert first.startswith("docker.io/kubevirt/virt:")


def test_an_image_tar_is_a_complete_oci_layout(tmp_path: Path) -> None:
    image = Image(repository="docker.io/localkube/x", tag="latest", layers=[layer(tmp_path)], command=["sh"])
    with tarfile.open(oci.write(image, "x")) as tar:
        blobs = {m.name: file.read() for m in tar if (file := tar.extractfile(m))}
    (entry,) = json.loads(blobs["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/localkube/x:latest"
    manifest = json.loads(blobs["blobs/" + entry["digest"].replace(":", "/")])
    for part in [manifest["config"], *manifest["layers"]]:
        content = blobs["blobs/" + part["digest"].replace(":", "/")]
        assert part["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert part["size"] == len(content)
    config = json.loads(blobs["blobs/" + manifest["config"]["digest"].replace(":", "/")])
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    assert config["config"]["Cmd"] == ["sh"]


def test_a_current_tar_is_left_alone(tmp_path: Path) -> None:
    image = Image(repository="docker.io/localkube/x", tag="latest", layers=[layer(tmp_path)])
    before = oci.write(image, "x").stat().st_ino
    assert oci.write(image, "x").stat().st_ino == before
    changed = Image(repository="docker.io/localkube/x", tag="latest", layers=[layer(tmp_path, "new", "k2")])
    assert oci.write(changed, "x").stat().st_ino != before
