"""Programs that builds use, from a Debian tree of their own, so that the machine itself needs none but mmdebstrap."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from images.debian import EPOCH, Recipe, tree
from images.steps import run

RECIPE = Recipe(
    name="tools",
    suite="trixie",
    installed=False,
    packages=("base-files", "coreutils", "dash", "e2fsprogs", "dosfstools", "mtools", "qemu-utils", "syslinux",
              "syslinux-common", "zstd"),
)  # fmt: skip


# syslinux opens its image by a path below /proc.
ENTER = 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c \'cd "$0" && exec "$@"\' "$@"'


class Workshop:
    """A directory inside the tools tree: files are made there by programs that run in a chroot, then taken out."""

    def __init__(self) -> None:
        self.tools = tree(RECIPE)

    def __enter__(self) -> "Workshop":
        self.directory = Path(tempfile.mkdtemp(dir=self.tools / "tmp"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory)

    def run(self, *command: str, stdin: bytes | None = None) -> bytes:
        """Runs a program of the tools tree with the workshop as its current directory."""
        inside = "/" + str(self.directory.relative_to(self.tools))
        return run(
            ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MTOOLS_SKIP_CHECK=1", f"SOURCE_DATE_EPOCH={EPOCH}",
             "unshare", "--mount", "/bin/sh", "-c", ENTER, self.tools, inside, *command],
            remedy=f"if the tools tree is damaged, remove {self.tools}",
            stdin=stdin,
        )  # fmt: skip


def zstd(source: Path, target: Path, *, level: int = 3) -> None:
    """Compresses a file; the loader trick runs the tool without a chroot, so paths are the host's."""
    tools = tree(RECIPE)
    libraries = f"{tools}/usr/lib/x86_64-linux-gnu"
    command: Sequence[str | Path] = [
        tools / "usr/lib64/ld-linux-x86-64.so.2", "--library-path", libraries, tools / "usr/bin/zstd",
        "-q", "-f", "-T0", f"-{level}", source, "-o", target,
    ]  # fmt: skip
    run(command, remedy=f"if the tools tree is damaged, remove {tools}")
