"""Running other programs: the answer as text, and a failure as a Problem that quotes what the program said."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from localkube.errors import Problem


def run(
    *command: str | Path,
    input_text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    remedy: str = "",
    timeout_s: float | None = None,
) -> str:
    """Run to the end and return standard output. Raises Problem: not installed, failed, or too slow."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, input=input_text, env=env, cwd=cwd, timeout=timeout_s, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as missing:
        raise Problem(cause=f"the program {words[0]!r} is not installed", remedy=remedy) from missing
    except subprocess.TimeoutExpired as late:
        raise Problem(cause=f"{_shown(words)} did not end within {timeout_s} s", remedy=remedy) from late
    except subprocess.CalledProcessError as failed:
        said = (failed.stderr or failed.stdout or "").strip() or "it said nothing"
        raise Problem(cause=f"{_shown(words)} failed: {said[-2000:]}", remedy=remedy) from failed
    return done.stdout


def succeeds(*command: str | Path) -> bool:
    """Whether the program ends with exit code 0; what it prints is dropped."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _shown(words: Sequence[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= 200 else text[:200] + " ..."
