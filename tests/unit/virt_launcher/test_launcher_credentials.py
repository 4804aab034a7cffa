"""SSH keys and passwords by the guest's agent: what is set when, from secrets as the kubelet mounts them."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from launcher_guest import Agent, machine

from kubevirt.kit.errors import Problem
from kubevirt.machine.access_credentials import AgentCredential
from kubevirt.virt_launcher import credentials
from kubevirt.virt_launcher.credentials import Wanted, changed_passwords, read

ADD, PASSWORD = "guest-ssh-add-authorized-keys", "guest-set-user-password"


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

        keeping = asyncio.create_task(credentials.keep(given, guest, agent, pause=pause))  # type: ignore[arg-type]
        await asyncio.wait_for(done.wait(), 10)
        keeping.cancel()

    asyncio.run(run())


def test_a_changed_secret_reaches_a_running_guest_and_an_unchanged_one_is_left_alone(tmp_path: Path) -> None:
    directory = secret(tmp_path / "keys", a="old")
    agent, guest = Agent({ADD: {}}), machine_of()
    kept([AgentCredential(directory=str(directory), key_users=("ann",))], agent, guest,
         [lambda: None, lambda: secret(directory, a="new")])
    assert agent.asked == [(ADD, {"username": "ann", "keys": ["old"], "reset": True}),
                           (ADD, {"username": "ann", "keys": ["new"], "reset": True})]
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
    agent, guest = Agent({}), machine_of()
    directory = secret(tmp_path / "keys", a="key")
    kept([AgentCredential(directory=str(directory), key_users=("ann",))], agent, guest,
         [lambda: agent.answers.update({ADD: {}})])
    assert guest.told == [f"the guest has no {ADD}", ""]


def machine_of() -> Any:
    async def make() -> Any:
        return machine()

    return asyncio.run(make())
