"""Building the cluster's programs from the pinned Go modules in cluster/go."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from localkube import host
from localkube.errors import Problem
from localkube.progress import console, note

GO_PINNED = "1.26"
GO_NEEDED = (1, 21)  # from which on Go fetches the version that go.mod asks for through the module proxy
# Without debug information, and with a garbage collector that may use some memory, compiling takes a tenth less.
FLAGS = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-gcflags=all=-dwarf=false"]
SPACE_NEEDED = 6 << 30

_KUBERNETES_VERSION = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_TAGS = {"containerd": "no_btrfs no_zfs no_devmapper no_tracing"}


def build(source: Path, name: str, version: str, target: Path) -> None:
    """Build every program of the module at `source` into `target`; prints what it is at. Raises Problem."""
    go = find_go() or _install_go()
    free = shutil.disk_usage(target).free
    if free < SPACE_NEEDED:
        raise Problem(
            cause=f"building takes up to {SPACE_NEEDED >> 20} MiB, and {free >> 20} are free on the disk of {target}",
            remedy="free some space, or set XDG_CACHE_HOME and GOCACHE to a larger disk",
        )
    command = [go, "build", *flags(name, version), "-v", "-o", f"{target}/", *packages(go, source)]
    started = time.monotonic()
    note(f"building {name} {version} from source (once; it is kept in the cache)")
    with subprocess.Popen(
        command, cwd=source, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        lines = _follow(process, name, started)
    if process.returncode != 0:
        said = "\n".join(lines[-15:])
        if process.returncode < 0:
            said += f"\nsignal: killed ({-process.returncode})"
        raise Problem(cause=f"building {name} failed:\n{said}", remedy=_remedy(said))
    note(f"built {name} in {time.monotonic() - started:.0f} s")


def flags(name: str, version: str) -> list[str]:
    """How the programs of a family are built; part of the cache's key."""
    return [*FLAGS, "-tags", _TAGS.get(name, ""), "-ldflags", _linker_flags(name, version)]


def find_go() -> str:
    """A Go that is new enough, from PATH or the usual places; "" when there is none."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if not candidate or not Path(candidate).exists():
            continue
        said = subprocess.run([candidate, "version"], capture_output=True, text=True, check=False).stdout
        if _is_enough(said, r"go(\d+)\.(\d+)"):
            return candidate
    return ""


def _install_go() -> str:
    """The distribution's Go, where that is new enough."""
    if shutil.which("apt-cache"):
        said = subprocess.run(["apt-cache", "policy", "golang-go"], capture_output=True, text=True, check=False).stdout
        if _is_enough(said, r"Candidate: 2:(\d+)\.(\d+)"):
            note("installing the Debian package golang-go")
            host.install_packages(["golang-go"])
            if found := find_go():
                return found
    raise Problem(
        cause=f"Go {GO_PINNED} is needed to build Kubernetes (or {'.'.join(map(str, GO_NEEDED))}, which fetches it), "
        "and there is none",
        remedy=f"install Go {GO_PINNED} from https://go.dev/dl to /usr/local/go (from Debian 13 on: 'apt-get install "
        "golang-go'), or set KUBERNETES_BIN_DIR to a folder with the programs",
    )


def _is_enough(text: str, pattern: str) -> bool:
    version = re.search(pattern, text)
    return version is not None and (int(version[1]), int(version[2])) >= GO_NEEDED


def packages(go: str, source: Path) -> list[str]:
    """The module's own programs, and those of its dependencies that go.mod names as tools."""
    listed = subprocess.run(
        [go, "list", "-f", "{{if eq .Name \"main\"}}{{.ImportPath}}{{end}}", "./..."],
        cwd=source, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    module = (source / "go.mod").read_text()
    tools = re.search(r"^tool \(\n(.*?)^\)", module, re.MULTILINE | re.DOTALL)
    return [*listed.stdout.split(), *(tools[1].split() if tools else [])]


def _linker_flags(name: str, version: str) -> str:
    words = ["-s", "-w"]
    if name == "containerd":
        words.append(f"-X github.com/containerd/containerd/v2/version.Version={version}")
    if name == "kube":
        major, minor = version.lstrip("v").split(".")[:2]
        for package in _KUBERNETES_VERSION:
            values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
            words += [f"-X {package}.{key}={value}" for key, value in values.items()]
    return " ".join(words)


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "auto", "GOGC": "400"}


def _follow(process: subprocess.Popen[str], name: str, started: float) -> list[str]:
    """Show how far the compiler is: one line that changes on a terminal, a line every 30 s elsewhere."""
    lines: list[str] = []
    shown, packages = started, 0
    for line in process.stdout or ():
        text = line.strip()
        if re.fullmatch(r"[\w.~/@-]+", text):
            packages += 1
        else:
            lines.append(text)
        now = time.monotonic()
        if console.is_terminal:
            sys.stderr.write(f"\r\x1b[K     {name}: {packages} packages, {now - started:.0f} s  {text[:60]}")
        elif now - shown > 30:
            shown = now
            note(f"{name}: {packages} packages compiled after {now - started:.0f} s")
    if console.is_terminal:
        sys.stderr.write("\r\x1b[K")
    process.wait()
    return lines


def _remedy(said: str) -> str:
    if "dial tcp" in said or "no such host" in said or ": reading http" in said:
        return "the Go module proxy must be reachable (see GOPROXY in 'go help environment')"
    if "No space left" in said or "no space left" in said:
        return "free some disk space (Go's cache: 'go env GOCACHE')"
    if "signal: killed" in said:
        return "the compiler was killed, most likely for want of memory: 4 GiB are needed"
    return "the pins stand in cluster/go; 'git status' shows whether they were changed"
