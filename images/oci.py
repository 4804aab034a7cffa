"""An image as a tar in the OCI layout: what containerd, skopeo, podman and registries' tools take in."""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from images.debian import EPOCH
from images.layers import Layer
from images.steps import OUTPUT

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CREATED = "2025-01-01T00:00:00Z"  # EPOCH


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an image is: its repository (with a registry's name first), its layers, how a container of it starts.

    Without a tag of its own it is tagged by content, so that every build has a name of its own and none is ever moved.
    """

    repository: str
    layers: list[Layer]
    tag: str = ""
    command: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    description: str = ""

    @property
    def config(self) -> bytes:
        return as_json(
            {
                "created": CREATED,
                "architecture": "amd64",
                "os": "linux",
                "config": {
                    **({"Cmd": self.command} if self.command else {}),
                    **({"Env": self.environment} if self.environment else {}),
                    "Labels": {"org.opencontainers.image.description": self.description},
                },
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
                "history": [{"created": CREATED, "created_by": layer.what} for layer in self.layers],
            }
        )

    @property
    def manifest(self) -> bytes:
        return as_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described(CONFIG, self.config),
                "layers": [
                    {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in self.layers
                ],
            }
        )

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag or hashlib.sha256(self.manifest).hexdigest()[:12]}"


def as_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def described(media_type: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": media_type, "digest": "sha256:" + hashlib.sha256(content).hexdigest(), "size": len(content)}


def write(image: Image, name: str) -> Path:
    """Writes build/images/NAME.tar and NAME.json (reference, digest, sizes); leaves current ones alone."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    target, facts = OUTPUT / f"{name}.tar", OUTPUT / f"{name}.json"
    about = json.dumps(
        {
            "reference": image.reference,
            "digest": "sha256:" + hashlib.sha256(image.manifest).hexdigest(),
            "tar": str(target.relative_to(OUTPUT.parent.parent)),
            "size": sum(layer.size for layer in image.layers),
            "unpacked_size": sum(layer.unpacked_size for layer in image.layers),
            "layers": [
                {"what": layer.what, "size": layer.size, "unpacked_size": layer.unpacked_size} for layer in image.layers
            ],
        },
        indent=1,
    )
    if target.exists() and facts.exists() and facts.read_text() == about:
        return target
    partial = target.with_suffix(".partial")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in small_files(image).items():
            add_bytes(tar, path, content)
        for layer in {layer.digest: layer for layer in image.layers}.values():
            info = tarfile.TarInfo(f"blobs/sha256/{layer.digest.partition(':')[2]}")
            info.size, info.mtime = layer.size, EPOCH
            with layer.path.open("rb") as f:
                tar.addfile(info, f)
    partial.rename(target)
    facts.write_text(about)
    return target


def small_files(image: Image) -> dict[str, bytes]:
    entry = described(MANIFEST, image.manifest) | {
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {
            "io.containerd.image.name": image.reference,
            "org.opencontainers.image.ref.name": image.reference.rpartition(":")[2],
        },
    }
    return {
        "oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}),
        f"blobs/sha256/{hashlib.sha256(image.manifest).hexdigest()}": image.manifest,
        f"blobs/sha256/{hashlib.sha256(image.config).hexdigest()}": image.config,
    }


def add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), EPOCH
    tar.addfile(info, io.BytesIO(content))
