"""What is read from image archives, and under which names it is kept. Pushing them is tested end to end."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from localkube import own_images
from localkube.errors import Problem
from localkube.image_archive import OCI_MANIFEST, Archive, full_name, split_name


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("busybox", "docker.io/library/busybox:latest", id="a bare name is one of Docker's library"),
        pytest.param("busybox:1", "docker.io/library/busybox:1", id="a tag stays"),
        pytest.param("kubevirt/virt", "docker.io/kubevirt/virt:latest", id="an owner on Docker Hub"),
        pytest.param("quay.io/a/b:c", "quay.io/a/b:c", id="a full name is left alone"),
        pytest.param("localhost/a", "localhost/a:latest", id="localhost is a registry"),
        pytest.param("registry:5000/a", "registry:5000/a:latest", id="a port makes it a registry"),
    ],
)
def test_full_name(given: str, expected: str) -> None:
    assert full_name(given) == expected


def test_split_name_keeps_the_port_of_the_registry_apart_from_the_tag() -> None:
    assert split_name("registry:5000/a/b:c") == ("registry:5000", "a/b", "c")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        pytest.param({"readme": b"hello"}, "no image", id="a tar of something else"),
        pytest.param({"index.json": b"{"}, "not JSON", id="a broken index"),
        pytest.param(
            {"manifest.json": json.dumps([{"Config": "c", "RepoTags": ["a"], "Layers": []}]).encode()},
            "incomplete: c is missing",
            id="a blob that is not there",
        ),
    ],
)
def test_a_bad_archive_is_refused_with_its_reason(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    with Archive(write_tar(tmp_path / "image.tar", members)) as archive, pytest.raises(Problem, match=said):
        archive.images()


def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"not a tar at all")
    with pytest.raises(Problem, match="not a tar file"):
        Archive(path)


def test_docker_archive_becomes_an_oci_image_with_its_layers_as_they_are(tmp_path: Path) -> None:
    plain, packed, config = b"layer one", gzip.compress(b"layer two"), b"{}"
    listing = [{"Config": "config", "RepoTags": ["demo", "quay.io/x/y:2"], "Layers": ["one", "two"]}]
    members = {"config": config, "one": plain, "two": packed, "manifest.json": json.dumps(listing).encode()}
    with Archive(write_tar(tmp_path / "image.tar", members)) as archive:
        [image] = archive.images()
        contents = [archive.open(blob).read() for blob in image.blobs]
    assert image.names == ["docker.io/library/demo:latest", "quay.io/x/y:2"]
    assert contents == [config, plain, packed]
    [manifest] = image.manifests
    document = json.loads(manifest.data)
    assert manifest.digest == digest(manifest.data)
    assert [layer["mediaType"].rpartition(".")[2] for layer in document["layers"]] == ["tar", "tar+gzip"]
    assert [layer["digest"] for layer in document["layers"]] == [digest(plain), digest(packed)]


def test_index_of_many_platforms_is_cut_down_to_those_in_the_archive(tmp_path: Path) -> None:
    config, layer = b"{}", b"layer"
    manifest = json.dumps(
        {
            "mediaType": OCI_MANIFEST,
            "config": {"digest": digest(config), "size": len(config)},
            "layers": [{"digest": digest(layer), "size": len(layer)}],
        }
    ).encode()
    index = json.dumps(
        {
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                {"digest": digest(manifest), "mediaType": OCI_MANIFEST},
                {"digest": digest(b"elsewhere"), "mediaType": OCI_MANIFEST},
            ],
        }
    ).encode()
    entry = {"digest": digest(index), "annotations": {"org.opencontainers.image.ref.name": "quay.io/a/b:c"}}
    blobs = {f"blobs/sha256/{digest(data)[7:]}": data for data in (config, layer, manifest, index)}
    path = write_tar(tmp_path / "image.tar", {"index.json": json.dumps({"manifests": [entry]}).encode(), **blobs})
    with Archive(path) as archive:
        [image] = archive.images()
    assert image.names == ["quay.io/a/b:c"]
    assert json.loads(image.manifests[0].data)["mediaType"] == OCI_MANIFEST
    assert [each["digest"] for each in json.loads(image.manifests[-1].data)["manifests"]] == [digest(manifest)]


def test_our_own_image_is_the_same_for_the_same_program(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"#!/bin/true")
    for name in ("one.tar", "two.tar"):
        own_images.write(tmp_path / name, name="registry.k8s.io/tool:1", program=program)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with Archive(tmp_path / "one.tar") as archive:
        [image] = archive.images()
        with tarfile.open(fileobj=archive.open(image.blobs[1])) as layer:
            assert layer.getmember("tool").mode == 0o755
    assert image.names == ["registry.k8s.io/tool:1"]
