"""How a build talks: one line a step with its time, and errors that say what to do next."""

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "images"
CACHE = OUTPUT / "cache"


class CannotBuild(Exception):
    """A build step that cannot go on: what happened, and what the user can do about it."""

    def __init__(self, cause: str, *, remedy: str) -> None:
        super().__init__(f"{cause}\n  what to do: {remedy}")


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Says what is being done and, when done, how many seconds it took."""
    print(f"images: {what} ...", flush=True)
    start = time.monotonic()
    yield
    print(f"images: {what}: {time.monotonic() - start:.1f} s", flush=True)


def run(command: Sequence[str | Path], *, remedy: str, stdin: bytes | None = None) -> bytes:
    """The standard output of a program; a failure becomes a CannotBuild with the end of what the program said."""
    try:
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, check=False)
    except FileNotFoundError as e:
        raise CannotBuild(f"there is no program {command[0]!s}", remedy=remedy) from e
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).decode(errors="replace").splitlines()[-15:])
        raise CannotBuild(f"{Path(command[0]).name} failed with status {done.returncode}:\n{said}", remedy=remedy)
    return done.stdout


def have(program: str) -> bool:
    return shutil.which(program) is not None


def warn(text: str) -> None:
    print(f"images: {text}", file=sys.stderr, flush=True)
