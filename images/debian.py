"""Trees of Debian packages: mmdebstrap with the machine's own mirror settings, kept under a name made of the recipe.

A tree is either `installed` (maintainer scripts have run: something to boot or to chroot into) or only `unpacked`
(an ingredient whose files are picked from). It is built once and then never written to; a changed recipe makes another.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from images.steps import CACHE, CannotBuild, have, run, step, warn

# Every file of an image is at most this old or young: builds of one recipe give the same bytes.
EPOCH = 1735689600  # 2025-01-01

MIRROR_VARIABLE = "DEBIAN_MIRROR"
EXCLUDED_PATHS = (
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*",
    "/usr/share/bash-completion/*", "/usr/share/zsh/*", "/usr/share/bug/*", "/usr/share/gtk-doc/*",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a tree is made of. `finish` names what was done to it afterwards, so that a change there rebuilds it."""

    name: str
    suite: str
    packages: tuple[str, ...]
    installed: bool
    architecture: str = "amd64"
    finish: str = ""

    @property
    def directory(self) -> Path:
        text = json.dumps(asdict(self), sort_keys=True) + repr(EXCLUDED_PATHS)
        return CACHE / f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def tree(recipe: Recipe, finish: Callable[[Path], None] | None = None) -> Path:
    """The directory with the recipe's tree, built if it is not there yet. `finish` changes it before it is kept."""
    if recipe.directory.exists():
        return recipe.directory
    ready_to_build()
    with step(f"unpacking Debian {recipe.suite} packages for {recipe.name} ({recipe.architecture})"):
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = recipe.directory.with_suffix(".partial")
        archive, *security = sources(recipe.suite)
        try:
            unpack(recipe, partial, [archive, *security])
        except CannotBuild as e:
            if not security:
                raise
            # Mirrors of the security archive are out of step with their own index now and then.
            warn(f"{last_error(str(e))}\nimages: trying once more without the security archive")
            unpack(recipe, partial, [archive])
        if finish:
            finish(partial)
        partial.rename(recipe.directory)
        for older in CACHE.glob(f"{recipe.name}-*"):
            if older != recipe.directory:
                shutil.rmtree(older)
    return recipe.directory


def last_error(text: str) -> str:
    """The line of apt's or mmdebstrap's output that says what went wrong."""
    return next((line for line in text.splitlines() if line.startswith("E: ")), text)


def unpack(recipe: Recipe, target: Path, sources: list[str]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    run(
        ["env", f"SOURCE_DATE_EPOCH={EPOCH}", "mmdebstrap", "--mode=root", "--format=directory",
         f"--architectures={recipe.architecture}", f"--variant={'minbase' if recipe.installed else 'extract'}",
         f"--include={','.join(recipe.packages)}", *(f"--dpkgopt=path-exclude={p}" for p in EXCLUDED_PATHS),
         recipe.suite, target, *sources],
        remedy=f"see the message above; the mirror comes from this machine's apt settings or ${MIRROR_VARIABLE}",
    )  # fmt: skip


def ready_to_build() -> None:
    """Checks rights, space and the one program of the host that is needed, which is installed where apt is at hand."""
    if os.geteuid() != 0:
        raise CannotBuild("packages are unpacked with their owners, which only root may do", remedy="use sudo")
    CACHE.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(CACHE).free < 4 << 30:
        raise CannotBuild(f"less than 4 GiB free in {CACHE}", remedy="free some space there")
    if not have("mmdebstrap"):
        with step("apt-get install mmdebstrap"):
            remedy = "install the Debian package mmdebstrap (Debian 12 or later), then run this again"
            apt_get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
            run([*apt_get, "update"], remedy=remedy)
            run([*apt_get, "install", "--no-install-recommends", "mmdebstrap"], remedy=remedy)


def sources(suite: str) -> list[str]:
    """apt source lines of a suite and its security updates, on the mirrors that this machine itself uses."""
    mirror = os.environ.get(MIRROR_VARIABLE) or find_mirror(apt_settings(), security=False)
    if not mirror:
        raise CannotBuild(
            "no Debian mirror in /etc/apt (sources.list, sources.list.d)",
            remedy=f"set {MIRROR_VARIABLE} to the address of one, as it stands after 'deb' in a sources.list",
        )
    lines = [f"deb {mirror} {suite} main"]
    if security := find_mirror(apt_settings(), security=True):
        lines.append(f"deb {security} {suite}-security main")
    return lines


def apt_settings() -> str:
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    return "\n\n".join(f.read_text(errors="replace") for f in files if f.is_file())


ONE_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s+)?(?P<uri>\S+)\s+(?P<suites>\S+)\s+(?P<components>.*)$", re.MULTILINE)
DEBIAN_SUITE = re.compile(r"^(bullseye|oldstable|stable|testing|unstable|sid|bookworm|trixie|forky)(?P<part>-\S+)?$")


def find_mirror(settings: str, *, security: bool) -> str | None:
    """The first mirror of Debian itself (not of other archives) in apt settings of either format."""
    entries = [(m["uri"], m["suites"], m["components"]) for m in ONE_LINE.finditer(settings)]
    for stanza in re.split(r"\n\s*\n", settings):
        fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.*)$", stanza, re.MULTILINE))
        if fields.get("Types", "").split()[:1] == ["deb"] and fields.get("Enabled", "yes") != "no":
            entries.append((fields.get("URIs", "").split()[0], fields.get("Suites", ""), fields.get("Components", "")))
    for uri, suites, components in entries:
        parts = [m["part"] or "" for m in map(DEBIAN_SUITE.match, suites.split()) if m]
        wanted = [part for part in parts if part.startswith("-security") == security and part in ("", "-security")]
        if wanted and "main" in components.split():
            return str(uri)
    return None
