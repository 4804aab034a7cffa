"""Shells complete virtctl's commands: a person types the beginnings, presses Tab, and the line that comes of it runs.

What the candidates are: tests/unit/virtctl/test_virtctl_upload.py.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import BIN, Console, run, virtctl_path

pytestmark = pytest.mark.e2e
SHELLS = {
    # shell: (how it is started without anybody's own settings, what a user writes into its start-up file)
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(virtctl completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit && compinit -u -D && source <(virtctl completion zsh)"),
    "fish": (["fish", "--no-config", "-i"], "virtctl completion fish | source"),
}


@contextlib.contextmanager
def shell(command: list[str], folder: Path) -> Iterator[Console]:
    """A shell on a pseudo-terminal, in a folder of its own, with this environment's virtctl."""
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "PS1": "ready> "}
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment, cwd=folder,
                               start_new_session=True)  # fmt: skip
    os.close(follower)
    try:
        yield Console(leader, process)
    finally:
        process.kill()
        process.wait()
        os.close(leader)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.skipif(shutil.which(each) is None, reason=f"needs {each}"))
             for each in SHELLS]
)  # fmt: skip
def test_a_line_is_completed_and_runs(name: str, tmp_path: Path) -> None:
    """Commands, commands below commands, flags, and files where a flag takes one."""
    command, prepare = SHELLS[name]
    (tmp_path / "only-file").write_text("very secret")
    with shell(command, tmp_path) as typist:
        typist.type(f"{prepare}; echo set-''up\n")
        typist.expect("set-up")
        typist.type("virtctl crea\tv\t--run-st\tHalted --user me --password-f\t\t--volume-containerd\tsrc:a/b:c\n")
        for said in ("runStrategy: Halted", "image: a/b:c", "password: very secret"):
            typist.expect(said)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["create", "v"], "vm"),
        (["pause", ""], "vm vmi"),
        (["credentials", "add-ssh-key", "--cr"], "--create-secret"),
        (["adm", ""], "log-verbosity"),
        (["top", "--so"], "--sort-by"),
        (["nonsense", "x"], ""),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_what_bash_offers(words: list[str], candidates: str, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(run(virtctl_path(), "completion", "bash").ok().out)
    typed = " ".join(f"'{word}'" for word in words)
    line = f"source {script}; COMP_WORDS=({virtctl_path()} {typed}); COMP_CWORD={len(words)}; __virtctl_complete; "
    assert run("bash", "-c", line + 'echo "${COMPREPLY[@]}"').ok().out == f"{candidates}\n"


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "powershell"])
def test_each_script_asks_virtctl(name: str) -> None:
    assert " __complete " in run(virtctl_path(), "completion", name).ok().out
    assert " __completeNoDesc " in run(virtctl_path(), "completion", name, "--no-descriptions").ok().out
