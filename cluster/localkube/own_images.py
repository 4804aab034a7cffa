"""The two images that localkube makes itself, each of one static program: the pause container and CoreDNS."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from localkube import downloads
from localkube.image_archive import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST

COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:v1.14.1"


def write(path: Path, *, name: str, program: Path) -> None:
    """Write an OCI archive at `path` whose one layer holds `program` as /<name of the program>."""
    layer = _layer(program)
    config = {
        "architecture": downloads.architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs = [layer, json.dumps(config).encode()]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": _digest(blobs[1]), "size": len(blobs[1])},
        "layers": [{"mediaType": OCI_LAYER, "digest": _digest(layer), "size": len(layer)}],
    }
    blobs.append(json.dumps(manifest).encode())
    index = {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": OCI_MANIFEST,
                "digest": _digest(blobs[2]),
                "size": len(blobs[2]),
                "annotations": {"io.containerd.image.name": name},
            }
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        _add(archive, "index.json", json.dumps(index).encode())
        for blob in blobs:
            _add(archive, "blobs/" + _digest(blob).replace(":", "/"), blob)


def _layer(program: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        _add(layer, program.name, program.read_bytes(), mode=0o755)
        for directory in ("tmp", "etc", "proc", "sys", "dev"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            layer.addfile(entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """Without times or owners, so that the same program gives the same image."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
