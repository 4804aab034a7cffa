"""SSH keys and passwords by the guest's agent: what is set when, from secrets as the kubelet mounts them."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from launcher_guest import Agent, machine

from kubevirt.kit.errors import Problem
from kubevirt.machine.access_credentials import AgentCredential
from kubevirt.virt_launcher import credentials, guest_programs, old_agent_keys
from kubevirt.virt_launcher.credentials import Wanted, changed_passwords, read
from kubevirt.virt_launcher.guest_agent import KEYS, KEYS_BY_SHELL

ADD, PASSWORD = "guest-ssh-add-authorized-keys", "guest-set-user-password"
INFO = "guest-info"
NEW_AGENT = {"version": "10.0", "supported_commands": [{"name": name, "enabled": True} for name in KEYS]}
OLD_AGENT = {"version": "4.2", "supported_commands": [{"name": name, "enabled": True} for name in KEYS_BY_SHELL]}


def secret(directory: Path, **values: str) -> Path:
    """A secret as the kubelet mounts it, with files of its own beside the keys."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "..2026_01").mkdir(exist_ok=True)
    for name, value in values.items():
        (directory / name).write_text(value)
    return directory


def test_keys_of_several_secrets_come_together(tmp_path: Path) -> None:
    one = secret(tmp_path / "one", a="key-a\n", b="key-b\n\nkey-c")
    two = secret(tmp_path / "two", x="key-a\nkey-x")
    wanted = read([AgentCredential(directory=str(one), key_users=("ann", "bob")),
                   AgentCredential(directory=str(two), key_users=("bob",))])
    assert wanted == Wanted(keys={"ann": ["key-a", "key-b", "key-c"], "bob": ["key-a", "key-b", "key-c", "key-x"]})


def test_passwords_are_named_by_their_users(tmp_path: Path) -> None:
    directory = secret(tmp_path / "pw", ann="s3cret\n", bob=" with spaces ")
    assert read([AgentCredential(directory=str(directory))]).passwords == {"ann": b"s3cret", "bob": b" with spaces "}


def test_a_secret_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="the secret keys cannot be read"):
        read([AgentCredential(directory=str(tmp_path / "keys-access-cred"))])


@pytest.mark.parametrize(("before", "after", "expected"), [
    pytest.param(None, {"a": b"1"}, ["a"], id="at first all"),
    pytest.param({"a": b"1", "b": b"2"}, {"a": b"1", "b": b"3"}, ["b"], id="then what has changed"),
    pytest.param({"a": b"1"}, {}, [], id="one that left the secret stays as it is"),
])
def test_only_changed_passwords_are_set(before: Any, after: Any, expected: list[str]) -> None:
    done = Wanted(passwords=before) if before is not None else None
    assert [user for user, _ in changed_passwords(done, Wanted(passwords=after))] == expected


def kept(given: list[AgentCredential], agent: Agent, guest: Any, steps: list[Any]) -> None:
    """Let the keeper look once before and once after each of the steps, without waiting between looks."""

    async def run() -> None:
        pauses = iter([*steps, None])
        done = asyncio.Event()

        async def pause(_seconds: float) -> None:
            step = next(pauses)
            if step is None:
                done.set()
                await asyncio.Event().wait()
            step()

        # A stand-in: it has what is used here, not the whole type.
        keeping = asyncio.create_task(credentials.keep(given, guest, agent, pause=pause))  # type: ignore[arg-type]
        await asyncio.wait_for(done.wait(), 10)
        keeping.cancel()

    asyncio.run(run())


def test_a_changed_secret_reaches_a_running_guest_and_an_unchanged_one_is_left_alone(tmp_path: Path) -> None:
    directory = secret(tmp_path / "keys", a="old")
    agent, guest = Agent({INFO: NEW_AGENT, ADD: {}}), machine_of()
    kept([AgentCredential(directory=str(directory), key_users=("ann",))], agent, guest,
         [lambda: None, lambda: secret(directory, a="new")])
    assert agent.asked == [(INFO, {}), (ADD, {"username": "ann", "keys": ["old"], "reset": True}),
                           (INFO, {}), (ADD, {"username": "ann", "keys": ["new"], "reset": True})]
    assert guest.told == ["", ""]


def test_a_guest_that_boots_anew_is_given_everything_anew(tmp_path: Path) -> None:
    agent, guest = Agent({PASSWORD: {}}), machine_of()
    directory = secret(tmp_path / "pw", ann="s3cret")

    def boot() -> None:
        guest.agent_visits += 1

    kept([AgentCredential(directory=str(directory))], agent, guest, [boot])
    assert [command for command, _ in agent.asked] == [PASSWORD, PASSWORD]
    assert agent.asked[0][1] == {"username": "ann", "password": base64.b64encode(b"s3cret").decode(), "crypted": False}


def test_what_goes_wrong_is_told_and_tried_again(tmp_path: Path) -> None:
    agent, guest = Agent({INFO: NEW_AGENT}), machine_of()
    directory = secret(tmp_path / "keys", a="key")
    kept([AgentCredential(directory=str(directory), key_users=("ann",))], agent, guest,
         [lambda: agent.answers.update({ADD: {}})])
    assert guest.told == [f"the guest has no {ADD}", ""]


class Shell:
    """A guest whose agent can run programs: keeps what they were given, ends them as the table of answers says."""

    def __init__(self, *ends: dict[str, Any]) -> None:
        self.ends = list(ends)
        self.ran: list[dict[str, Any]] = []
        self.agent = Agent({INFO: OLD_AGENT, "guest-exec": self._exec, "guest-exec-status": self._status})

    def _exec(self, **arguments: Any) -> Any:
        self.ran.append(arguments)
        return {"pid": 7}

    def _status(self, pid: int) -> Any:
        assert pid == 7
        return self.ends.pop(0)


FINE = {"exited": True, "exitcode": 0}


def test_an_old_agent_lets_a_shell_write_the_keys_as_their_user(tmp_path: Path) -> None:
    """Never as root, who would follow whatever links the user has put in the way."""
    directory = secret(tmp_path / "keys", a="key-a", b="key-b\n")
    shell, guest = Shell(FINE, {"exited": False}, FINE), machine_of()
    kept([AgentCredential(directory=str(directory), key_users=("ann", "bob"))], shell.agent, guest, [])
    assert [(ran["path"], ran["arg"][-2:]) for ran in shell.ran] == [("su", ["--", "ann"]), ("su", ["--", "bob"])]
    assert {base64.b64decode(ran["input_data"]) for ran in shell.ran} == {b"key-a\nkey-b\n"}
    assert guest.told == [""]


def test_a_user_without_keys_left_has_an_empty_file(tmp_path: Path) -> None:
    shell, guest, directory = Shell(FINE), machine_of(), secret(tmp_path / "keys", a="\n")
    kept([AgentCredential(directory=str(directory), key_users=("ann",))], shell.agent, guest, [])
    assert [ran.get("input_data") for ran in shell.ran] == [None], "the program's input is at its end at once"


@pytest.mark.parametrize(("end", "why"), [
    pytest.param({"exited": True, "exitcode": 1, "err-data": base64.b64encode(b"su: no user ann\n").decode()},
                 "su: no user ann", id="the words of the guest"),
    pytest.param({"exited": True, "exitcode": 127}, "its shell ended with code 127", id="without words its code"),
    pytest.param({"exited": True, "signal": 9}, "its shell ended with code 1", id="a shell that was killed"),
])  # fmt: skip
def test_an_old_agent_that_fails_is_told_and_tried_again(end: dict[str, Any], why: str, tmp_path: Path) -> None:
    shell, guest = Shell(end, FINE), machine_of()
    kept([AgentCredential(directory=str(secret(tmp_path / "keys", a="key")), key_users=("ann",))], shell.agent, guest,
         [lambda: None])
    first, second = guest.told
    assert f"the keys of user 'ann' could not be written in the guest: {why}" in first
    assert second == ""


def test_a_guest_that_never_ends_the_program_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_agent_keys, "WITHIN_S", 0.01)
    monkeypatch.setattr(guest_programs, "ASK_AGAIN_S", 0)
    agent = Agent({"guest-exec": {"pid": 7}, "guest-exec-status": {"exited": False}})
    with pytest.raises(Problem, match=r"did not write them within 0\.01 s"):
        asyncio.run(old_agent_keys.set_keys(agent, "ann", ["key"]))  # type: ignore[arg-type]  # a stand-in


@pytest.mark.parametrize("before", [None, "own key\n", "link"])
def test_what_the_shell_does(before: str | None, tmp_path: Path) -> None:
    """The script itself, run by this machine's shell in an empty home directory, and in ones that are not."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.write_text("not mine")
    file = home / ".ssh/authorized_keys"
    if before is not None:
        file.parent.mkdir()
        file.symlink_to(elsewhere) if before == "link" else file.write_text(before)
    subprocess.run(["/bin/sh", "-c", old_agent_keys.SCRIPT], input=b"key\n", check=True, cwd="/",
                   env={"HOME": str(home), "PATH": os.environ["PATH"]})  # fmt: skip
    assert (file.read_text(), file.is_symlink()) == ("key\n", False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert elsewhere.read_text() == "not mine"
    assert [p.name for p in file.parent.iterdir()] == ["authorized_keys"]


def machine_of() -> Any:
    async def make() -> Any:
        return machine()

    return asyncio.run(make())
