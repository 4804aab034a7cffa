"""Which secret a key or password goes into, and what the patches say. Requests run end to end."""

from __future__ import annotations

import pytest

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl import credentials as rules
from kubevirt.virtctl.errors import CommandError


def keys(secret: str, *users: str) -> JsonObject:
    return {"sshPublicKey": {"source": {"secret": {"secretName": secret}},
                             "propagationMethod": {"qemuGuestAgent": {"users": list(users)}}}}  # fmt: skip


NO_CLOUD: JsonObject = {"sshPublicKey": {"source": {"secret": {"secretName": "c"}},
                                         "propagationMethod": {"noCloud": {}}}}  # fmt: skip
PASSWORDS: JsonObject = {"userPassword": {"source": {"secret": {"secretName": "p"}},
                                          "propagationMethod": {"qemuGuestAgent": {}}}}  # fmt: skip


def machine(*credentials: JsonObject) -> JsonObject:
    spec: JsonObject = {"accessCredentials": list(credentials)}
    return {"metadata": {"name": "vm", "uid": "u"}, "spec": {"template": {"spec": spec}}}


def test_only_what_the_agent_brings_counts() -> None:
    vm = machine(keys("a", "me", "you"), keys("b", "you"), NO_CLOUD, PASSWORDS)
    assert rules.ssh_secrets(vm, "me") == ["a"]
    assert rules.ssh_secrets(vm, "you") == ["a", "b"]
    assert rules.ssh_secrets(vm, "nobody") == []
    assert rules.password_secrets(vm) == ["p"]
    assert rules.password_secrets(machine()) == []


@pytest.mark.parametrize(
    ("secrets", "wanted", "message"),
    [
        ([], "", "none"),
        (["a", "b"], "", "multiple secrets specified, use option --secret to specify which secret to modify"),
        (["a"], "c", "foreign"),
    ],
)
def test_no_one_secret(secrets: list[str], wanted: str, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        rules.choose(secrets, wanted, none="none", foreign="foreign")
    assert refused.value.message == message


def test_the_one_secret() -> None:
    assert rules.choose(["a"], "", none="", foreign="") == "a"
    assert rules.choose(["a", "b"], "b", none="", foreign="") == "b"


def secret(**entries: str) -> JsonObject:
    return {"data": {name: rules.encoded(text) for name, text in entries.items()}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(secret(a="ssh-rsa K me\n"), {}, id="an entry left empty goes"),
        pytest.param(secret(a="ssh-rsa K me\nssh-rsa L\n"), {"a": rules.encoded("ssh-rsa L\n")}, id="the line goes"),
        pytest.param(secret(a="ssh-rsa L\n"), None, id="another key stays, and nothing is written"),
        pytest.param({}, None, id="a secret without data"),
    ],
)
def test_a_key_is_taken_out(before: JsonObject, after: JsonObject | None) -> None:
    changed = rules.without(before, "ssh-rsa K")
    assert (changed or {}).get("data") == after
    assert (changed is None) == (after is None)


def test_a_key_is_known_by_its_whole_line() -> None:
    assert rules.contains(secret(a="x\nssh-rsa K\n"), "ssh-rsa K")
    assert not rules.contains(secret(a="ssh-rsa KL"), "ssh-rsa K")


def test_patches() -> None:
    path = "/spec/template/spec/accessCredentials"
    assert rules.first_credential(keys("a", "me"))[:2] == [
        {"op": "test", "path": path, "value": None},
        {"op": "add", "path": path, "value": []},
    ]
    assert rules.add_entry({"data": {}}, "a/b", "x") == [{"op": "add", "path": "/data/a~1b", "value": "eA=="}]
    assert rules.add_entry({}, "a", "x")[0] == {"op": "add", "path": "/data", "value": {}}


def test_a_new_secret_belongs_to_the_machine() -> None:
    vm = machine()
    made = rules.new_secret(vm, "ssh-key-abc123", "ssh-rsa K")
    assert rules.is_owned(made, vm)
    assert not rules.is_owned(secret(), vm)
    assert made["metadata"]["generateName"] == "vm-ssh-key-"  # type: ignore[call-overload, index]
