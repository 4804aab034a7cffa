"""The secrets behind a machine's access credentials, and the patches that change them. Pure; requests are elsewhere.

Only credentials that the guest agent carries into the guest count: cloud-init reads its own once, at first boot.
"""

from __future__ import annotations

import base64

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.virtctl.errors import CommandError

LIST_PATH = "/spec/template/spec/accessCredentials"


def ssh_secrets(vm: JsonObject, user: str) -> list[str]:
    """The secrets with the user's public keys."""
    return [
        str(name)
        for each in _credentials(vm)
        if user in _list(dig(each, "sshPublicKey", "propagationMethod", "qemuGuestAgent", "users"))
        and (name := dig(each, "sshPublicKey", "source", "secret", "secretName"))
    ]


def password_secrets(vm: JsonObject) -> list[str]:
    """The secrets with passwords."""
    return [
        str(name)
        for each in _credentials(vm)
        if dig(each, "userPassword", "propagationMethod", "qemuGuestAgent") is not None
        and (name := dig(each, "userPassword", "source", "secret", "secretName"))
    ]


def choose(secrets: list[str], wanted: str, *, none: str, foreign: str) -> str:
    """The one secret that is meant. Raises CommandError when there is none, when there are several and none was named,
    or when the named one is not among them."""
    if not secrets:
        raise CommandError(none)
    if wanted:
        if wanted not in secrets:
            raise CommandError(foreign)
        return wanted
    if len(secrets) > 1:
        raise CommandError("multiple secrets specified, use option --secret to specify which secret to modify")
    return secrets[0]


def contains(secret: JsonObject, key: str) -> bool:
    """Whether a secret has this public key already, on a line of any entry."""
    return any(line.strip() == key for text in _texts(secret).values() for line in text.splitlines())


def without(secret: JsonObject, key: str) -> JsonObject | None:
    """The secret without all lines that begin with the key, and without entries left empty; None when unchanged."""
    changed = False
    kept: dict[str, Json] = {}
    for name, text in _texts(secret).items():
        lines = [line for line in text.splitlines(keepends=True) if not line.strip().startswith(key)]
        left = "".join(lines)
        if left == text:
            kept[name] = encoded(text)
            continue
        changed = True
        if left.strip():
            kept[name] = encoded(left)
    return {**secret, "data": kept} if changed else None


def is_owned(secret: JsonObject, vm: JsonObject) -> bool:
    """Whether the machine owns the secret."""
    uid = dig(vm, "metadata", "uid")
    return any(dig(each, "uid") == uid for each in _list(dig(secret, "metadata", "ownerReferences")))


def new_secret(vm: JsonObject, entry: str, key: str) -> JsonObject:
    """A secret with one key, which goes when the machine goes."""
    name = str(dig(vm, "metadata", "name"))
    owner: JsonObject = {
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": name, "uid": dig(vm, "metadata", "uid"),
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"generateName": f"{name}-ssh-key-", "ownerReferences": [owner]},
        "data": {entry: encoded(key)},
    }


def added_credential(secret: str, user: str) -> JsonObject:
    """The access credential that brings a secret's keys to a user."""
    return {
        "sshPublicKey": {
            "source": {"secret": {"secretName": secret}},
            "propagationMethod": {"qemuGuestAgent": {"users": [user]}},
        }
    }


def append_credential(credential: JsonObject) -> list[JsonObject]:
    """The patch for a machine that has access credentials."""
    return [{"op": "add", "path": f"{LIST_PATH}/-", "value": credential}]


def first_credential(credential: JsonObject) -> list[JsonObject]:
    """The patch for a machine that has none."""
    return [
        {"op": "test", "path": LIST_PATH, "value": None},
        {"op": "add", "path": LIST_PATH, "value": []},
        *append_credential(credential),
    ]


def add_entry(secret: JsonObject, entry: str, value: str) -> list[JsonObject]:
    """The patch that puts one entry into a secret, which may have none yet."""
    path = "/data/" + entry.replace("~", "~0").replace("/", "~1")
    start: list[JsonObject] = [] if isinstance(secret.get("data"), dict) else [
        {"op": "add", "path": "/data", "value": {}}
    ]  # fmt: skip
    return [*start, {"op": "add", "path": path, "value": encoded(value)}]


def encoded(text: str) -> str:
    """Text as secrets hold it."""
    return base64.b64encode(text.encode()).decode()


def _credentials(vm: JsonObject) -> list[Json]:
    return _list(dig(vm, "spec", "template", "spec", "accessCredentials"))


def _texts(secret: JsonObject) -> dict[str, str]:
    data = secret.get("data")
    if not isinstance(data, dict):
        return {}
    return {name: base64.b64decode(str(value)).decode(errors="replace") for name, value in data.items()}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
