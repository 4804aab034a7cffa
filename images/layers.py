"""Layers: deterministic tars of directory trees, kept by recipe, with the two digests that an image needs."""

import hashlib
import json
import os
import stat
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from images.debian import EPOCH
from images.steps import CACHE, step
from images.tools import zstd


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A stored blob. `diff_id` is the digest of the uncompressed tar, `digest` that of the stored bytes."""

    path: Path
    digest: str
    diff_id: str
    size: int
    unpacked_size: int
    compressed: bool
    what: str

    @property
    def media_type(self) -> str:
        return "application/vnd.oci.image.layer.v1.tar" + ("+zstd" if self.compressed else "")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file that goes into a layer under another name or with another owner than it has on disk."""

    name: str
    source: Path
    uid: int = 0
    gid: int = 0
    mode: int | None = None


def from_entries(name: str, what: str, entries: Iterable[Entry], *, key: str, compress: bool) -> Layer:
    """A layer under `key`, from the cache if it is there. Entries are only looked at when it is not."""
    return cached(name, what, key, lambda target: write_entries(target, entries), compress=compress)


def from_tree(name: str, what: str, root: Path, *, key: str, skip: frozenset[str] = frozenset()) -> Layer:
    """A compressed layer of a whole tree with its owners and modes. `skip` are directories that stay, but empty."""
    return cached(name, what, key, lambda target: write_tree(target, root, skip), compress=True)


def cached(name: str, what: str, key: str, write: Callable[[Path], None], *, compress: bool) -> Layer:
    stem = CACHE / f"layer-{name}-{key}"
    blob, facts = stem.with_name(stem.name + ".blob"), stem.with_name(stem.name + ".json")
    if blob.exists() and facts.exists():
        return Layer(path=blob, **json.loads(facts.read_text()))
    with step(f"packing layer {name}"):
        CACHE.mkdir(parents=True, exist_ok=True)
        for older in CACHE.glob(f"layer-{name}-*"):
            older.unlink()
        plain = stem.with_name(stem.name + ".tar")
        write(plain)
        diff_id, unpacked_size = digest(plain), plain.stat().st_size
        if compress:
            zstd(plain, blob)
            plain.unlink()
        else:
            plain.rename(blob)
        layer = Layer(
            path=blob, digest=digest(blob), diff_id=diff_id, size=blob.stat().st_size, unpacked_size=unpacked_size,
            compressed=compress, what=what,
        )  # fmt: skip
        facts.write_text(json.dumps({k: v for k, v in asdict(layer).items() if k != "path"}, indent=1))
    return layer


def digest(path: Path) -> str:
    with path.open("rb") as f:
        return "sha256:" + hashlib.file_digest(f, "sha256").hexdigest()


def write_entries(target: Path, entries: Iterable[Entry]) -> None:
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in sorted(entries, key=lambda e: e.name):
            info = described(tar, entry.source, entry.name)
            info.uid, info.gid = entry.uid, entry.gid
            if entry.mode is not None:
                info.mode = entry.mode
            add(tar, info, entry.source)


def write_tree(target: Path, root: Path, skip: frozenset[str]) -> None:
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for directory, subdirectories, files in os.walk(root):
            here = Path(directory)
            inside = str(here.relative_to(root))
            if inside != ".":
                add(tar, described(tar, here, inside), here)
            if inside in skip:
                subdirectories.clear()
                continue
            links = [name for name in subdirectories if (here / name).is_symlink()]
            subdirectories[:] = sorted(set(subdirectories) - set(links))
            for name in sorted(files + links):
                path = here / name
                if not stat.S_ISSOCK(path.lstat().st_mode):
                    add(tar, described(tar, path, str(path.relative_to(root))), path)


def described(tar: tarfile.TarFile, path: Path, name: str) -> tarfile.TarInfo:
    """The tar header of a file, without what differs from build to build."""
    info = tar.gettarinfo(path, name)
    info.mtime = min(int(info.mtime), EPOCH)
    info.uname = info.gname = ""
    return info


def add(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> None:
    if info.isreg():
        with path.open("rb") as f:
            tar.addfile(info, f)
    else:
        tar.addfile(info)
