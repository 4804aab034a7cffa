"""Reading container images from tar files: OCI image layouts, and the archives that `docker save` writes.

Blobs are streamed from the tar and never unpacked to disk; layers are taken as they are, compressed or not.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from localkube.errors import Problem

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_COMPRESSIONS = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}


@dataclass(frozen=True)
class Blob:
    """A layer or a configuration: where its bytes lie."""

    digest: str
    size: int
    member: str = ""
    data: bytes = b""


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as it is pushed."""

    digest: str
    media_type: str
    data: bytes


@dataclass
class Image:
    """An image: its full names ("docker.io/library/busybox:latest"), its blobs, its manifests with the root last."""

    names: list[str]
    blobs: list[Blob] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)


class Archive:
    """An image tar that is open for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115  closed by __exit__
        except FileNotFoundError as missing:
            raise Problem(cause=f"there is no file {path}") from missing
        except tarfile.TarError as broken:
            raise Problem(cause=f"{path} is not a tar file: {broken}") from broken
        self._members = {member.name.removeprefix("./"): member for member in self._tar}

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def open(self, blob: Blob) -> IO[bytes]:
        """The bytes of a blob that lies in the tar."""
        return self._open(blob.member)

    def images(self) -> list[Image]:
        """Every image with a name in the archive."""
        if "index.json" in self._members:
            found = list(self._from_layout())
        elif "manifest.json" in self._members:
            found = list(self._from_docker())
        else:
            raise Problem(
                cause=f"{self.path} is no image: it holds neither index.json nor manifest.json",
                remedy="write it with 'docker save', 'podman save' or 'skopeo copy ... oci-archive:FILE'",
            )
        return found

    def _from_layout(self) -> Iterator[Image]:
        index = self._json("index.json")
        for entry in cast(list[dict[str, object]], index["manifests"]):
            annotations = cast(dict[str, str], entry.get("annotations") or {})
            name = next((annotations[key] for key in NAME_ANNOTATIONS if annotations.get(key)), "")
            image = Image(names=[full_name(name)] if _is_name(name) else [])
            self._collect(image, str(entry["digest"]), str(entry.get("mediaType", OCI_MANIFEST)))
            yield image

    def _collect(self, image: Image, digest: str, media_type: str) -> None:
        data = self._open(_member(digest)).read()
        document = json.loads(data)
        media_type = document.get("mediaType", media_type)
        if media_type in INDEXES:
            kept = [entry for entry in document["manifests"] if _member(entry["digest"]) in self._members]
            if len(kept) != len(document["manifests"]):
                # An archive made for one platform may keep the index of all; a registry refuses what is incomplete.
                document["manifests"] = kept
                data = json.dumps(document).encode()
            for entry in kept:
                self._collect(image, entry["digest"], entry["mediaType"])
        else:
            for part in [document["config"], *document["layers"]]:
                image.blobs.append(Blob(part["digest"], part["size"], _member(part["digest"])))
        image.manifests.append(Manifest(_digest(data), media_type, data))

    def _from_docker(self) -> Iterator[Image]:
        for entry in cast(list[dict[str, object]], self._json("manifest.json")):
            config = self._hashed(str(entry["Config"]))
            layers = [self._hashed(name) for name in cast(list[str], entry["Layers"])]
            document = {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": {"mediaType": OCI_CONFIG, "digest": config.digest, "size": config.size},
                "layers": [
                    {"mediaType": OCI_LAYER + self._compression(layer), "digest": layer.digest, "size": layer.size}
                    for layer in layers
                ],
            }
            data = json.dumps(document).encode()
            names = [full_name(name) for name in cast(list[str], entry.get("RepoTags") or [])]
            yield Image(names=names, blobs=[config, *layers], manifests=[Manifest(_digest(data), OCI_MANIFEST, data)])

    def _hashed(self, name: str) -> Blob:
        checksum, stream = hashlib.sha256(), self._open(name)
        while chunk := stream.read(1 << 20):
            checksum.update(chunk)
        return Blob(f"sha256:{checksum.hexdigest()}", stream.tell(), name)

    def _compression(self, blob: Blob) -> str:
        start = self._open(blob.member).read(4)
        return next((name for magic, name in _COMPRESSIONS.items() if start.startswith(magic)), "")

    def _open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        # extractfile follows the links by which docker save shares layers.
        stream = self._tar.extractfile(member) if member else None
        if stream is None:
            raise Problem(cause=f"{self.path} is incomplete: {name} is missing", remedy="make the archive again")
        return stream

    def _json(self, name: str) -> dict[str, object]:
        try:
            return cast(dict[str, object], json.loads(self._open(name).read()))
        except ValueError as broken:
            raise Problem(cause=f"{name} in {self.path} is not JSON: {broken}") from broken


def full_name(name: str) -> str:
    """The name with its registry and tag: "busybox" is "docker.io/library/busybox:latest"."""
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    if ":" not in name.rsplit("/", 1)[1] and "@" not in name:
        name += ":latest"
    return name


def split_name(name: str) -> tuple[str, str, str]:
    """Registry, repository and tag of a full name."""
    host, _, rest = full_name(name).partition("/")
    repository, _, tag = rest.rpartition(":")
    return host, repository, tag


def _is_name(name: str) -> bool:
    """A layout may carry a bare tag ("latest") instead of a name."""
    return "/" in name or ":" in name


def _member(digest: str) -> str:
    """Where an image layout keeps a blob."""
    return "blobs/" + digest.replace(":", "/")


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
