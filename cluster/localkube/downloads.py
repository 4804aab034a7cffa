"""Official release files with pinned digests, where somebody has pinned them and the network lets us reach them."""

from __future__ import annotations

import hashlib
import platform
import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml

from localkube.errors import Problem
from localkube.progress import note

REACH_WITHIN_S = 4


def fetch(family: str, version: str, programs: Sequence[str], target: Path) -> bool:
    """Download every program of the family, or none: False when a digest is not pinned or the host is out of reach."""
    pins = yaml.safe_load(files("localkube").joinpath("config/downloads.yaml").read_text())
    pinned = (pins.get(family) or {}).get(f"{version} {architecture()}") or {}
    if not programs or any(program not in pinned for program in programs):
        return False
    for program in programs:
        try:
            _download(pinned[program]["url"], pinned[program]["sha256"], target / program)
        except (urllib.error.URLError, OSError) as unreachable:
            note(f"{family}: the official download is out of reach ({unreachable})")
            for started in programs:
                (target / started).unlink(missing_ok=True)
            return False
    return True


def _download(url: str, sha256: str, path: Path) -> None:
    checksum = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=REACH_WITHIN_S) as answer, path.open("wb") as output:  # noqa: S310
        while chunk := answer.read(1 << 20):
            checksum.update(chunk)
            output.write(chunk)
    if checksum.hexdigest() != sha256:
        path.unlink()
        raise Problem(cause=f"{url} is not the file that was pinned", remedy="do not use it; check cluster/localkube")
    shutil.copymode("/bin/true", path)


def architecture() -> str:
    """This machine's, as Go and container images call it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
