"""Where the cluster's programs come from: the user's folder, the cache, an official download, or the Go sources here.

The cache is keyed by what the programs are built from, so a changed pin builds anew and nothing else does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localkube import build, downloads
from localkube.errors import Problem
from localkube.layout import Layout
from localkube.progress import note

SOURCES = Path(__file__).resolve().parent.parent / "go"
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
CNI = ("bridge", "host-local", "loopback", "portmap")


@dataclass(frozen=True, kw_only=True)
class Family:
    """Programs that are built together. `files` is what the build makes, `links` the further names of those files."""

    name: str
    version: str
    files: Sequence[str]
    links: Sequence[str] = ()

    @property
    def programs(self) -> list[str]:
        return [*self.links] if self.links else [*self.files]


FAMILIES = (
    Family(name="kube", version="v1.36.3", files=["kube"], links=KUBERNETES),
    Family(name="etcd", version="v3.6.8", files=["etcd"]),
    Family(name="containerd", version="v2.2.3", files=["containerd", "containerd-shim-runc-v2", "ctr"]),
    Family(name="addons", version="", files=["supervise", "pause", "coredns", "registry", "provisioner", *CNI]),
)


def cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "localkube"


def provide(layout: Layout) -> None:
    """Make every program available in the cluster's bin directory, as links to where it was found."""
    layout.bin.mkdir(parents=True, exist_ok=True)
    layout.cni_bin.mkdir(parents=True, exist_ok=True)
    for family in FAMILIES:
        found = find(family)
        for program in family.programs:
            directory = layout.cni_bin if program in CNI else layout.bin
            _link(directory / program, found[program])


def find(family: Family) -> dict[str, Path]:
    given = os.environ.get("KUBERNETES_BIN_DIR")
    if given:
        found = {name: Path(given) / name for name in family.programs if (Path(given) / name).exists()}
        if len(found) == len(family.programs):
            return found
    cached = cache_dir() / f"{family.name}-{_key(family)}"
    if not _complete(cached, family):
        _fill(cached, family)
    return {name: cached / name for name in family.programs}


def _fill(cached: Path, family: Family) -> None:
    """Put the family into the cache. A directory appears there only when it is whole."""
    draft = cached.with_name(cached.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    if not downloads.fetch(family.name, family.version, family.programs, draft):
        build.build(SOURCES / family.name, family.name, family.version, draft)
        for link in family.links:
            (draft / link).symlink_to(family.files[0])
    if not _complete(draft, family):
        raise Problem(cause=f"{draft} lacks some of {', '.join(family.programs)}", remedy="remove it and try again")
    shutil.rmtree(cached, ignore_errors=True)
    draft.rename(cached)
    note(f"{family.name}: kept in {cached}")


def _complete(directory: Path, family: Family) -> bool:
    return all((directory / name).exists() for name in family.programs)


def _key(family: Family) -> str:
    """A digest of the sources and pins."""
    checksum = hashlib.sha256(" ".join(build.flags(family.name, family.version)).encode())
    for path in sorted((SOURCES / family.name).rglob("*")):
        if path.is_file():
            checksum.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    return checksum.hexdigest()[:12]


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
