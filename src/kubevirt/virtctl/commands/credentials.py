"""`virtctl credentials`: SSH keys and passwords that the guest agent brings into a guest, kept in secrets.

What is changed where is worked out in `virtctl.credentials`; here are the flags and the requests.
"""

from __future__ import annotations

import secrets as randomness
import string
from pathlib import Path

import click
import msgspec

from kubevirt.kit.json import JsonObject, dig
from kubevirt.kube.errors import ApiError, Conflict, Invalid, NotFound
from kubevirt.virtctl import credentials as rules
from kubevirt.virtctl.errors import CommandError, count_error, exclude
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.table import LazyGroup
from kubevirt.virtctl.targets import Kind, Target

JSON_PATCH = "application/json-patch+json"
ATTEMPTS = 5

credentials = LazyGroup(
    "credentials",
    {
        "add-ssh-key": ("credentials", "add_ssh_key", "Let a public key log in"),
        "remove-ssh-key": ("credentials", "remove_ssh_key", "Let a public key log in no more"),
        "set-password": ("credentials", "set_password", "Set the password of a user"),
    },
    "Change the keys and passwords of a guest's users.",
)
vm_argument = click.argument("names", nargs=-1, metavar="VM")
user_flag = click.option("-u", "--user", required=True, help="User in the guest")
secret_flag = click.option("--secret", default="", help="The secret to change, where there are several")
force_flag = click.option("--force", is_flag=True, help="Also for a running machine, or a secret that is not its own")
file_flag = click.option("-f", "--file", default="", metavar="PATH", help="File with the public key")
value_flag = click.option("--value", default="", metavar="KEY", help="The public key itself")


@command("add-ssh-key", help="Let a public key log in as a user of the guest.")
@vm_argument
@user_flag
@secret_flag
@force_flag
@file_flag
@value_flag
@click.option("--create-secret", is_flag=True, help="Keep the key in a new secret")
@click.option("--update-secret", is_flag=True, help="Keep the key in a secret that the machine has")
@click.pass_context
def add_ssh_key(ctx: click.Context, names: tuple[str, ...], user: str, secret: str, force: bool, file: str, value: str,
                create_secret: bool, update_secret: bool) -> None:
    """Put the key into a secret of the machine, a new one if it has none."""
    exclude(ctx, ("create-secret", "update-secret"), ("file", "value"))
    name, key = _one(names), _key(file, value)

    async def work(session: Session) -> str:
        vm = await _machine(session, name)
        known = rules.ssh_secrets(vm, user)
        if create_secret or (not update_secret and not known):
            await _create(session, vm, user, key, force=force)
            return ""
        chosen = _ssh_secret(known, secret, user)
        return await _update(session, vm, chosen, key, force=force)

    click.echo(run(ctx.obj, work), nl=False)


@command("remove-ssh-key", help="Let a public key log in no more as a user of the guest.")
@vm_argument
@user_flag
@secret_flag
@force_flag
@file_flag
@value_flag
@click.pass_context
def remove_ssh_key(ctx: click.Context, names: tuple[str, ...], user: str, secret: str, force: bool, file: str,
                   value: str) -> None:
    """Take the key out of the user's secrets."""
    exclude(ctx, ("file", "value"))
    name, key = _one(names), _key(file, value)

    async def work(session: Session) -> str:
        vm = await _machine(session, name)
        known = rules.ssh_secrets(vm, user)
        if not known:
            return f"No secrets associated with user {user}"
        for each in [_ssh_secret(known, secret, user)] if secret else known:
            await _remove(session, each, key)
        return ""

    click.echo(run(ctx.obj, work), nl=False)


@command("set-password", help="Set the password of a user of the guest.")
@vm_argument
@user_flag
@secret_flag
@force_flag
@click.option("-p", "--password", required=True, help="The new password")
@click.pass_obj
def set_password(flags: Globals, names: tuple[str, ...], user: str, secret: str, force: bool, password: str) -> None:
    """Put the password into the machine's secret of passwords."""
    name = _one(names)

    async def work(session: Session) -> str:
        vm = await _machine(session, name)
        chosen = rules.choose(
            rules.password_secrets(vm), secret, none="no secrets assigned to UserPassword AccessCredentials",
            foreign=f"secret {secret} was not assigned",
        )  # fmt: skip
        current = await _secret(session, chosen)
        await _patch_secret(session, chosen, rules.add_entry(current, user, password))
        return f'Successfully set password in secret "{chosen}"'

    click.echo(run(flags, work), nl=False)


def _one(names: tuple[str, ...]) -> str:
    if len(names) != 1:
        raise count_error(len(names), 1, 1)
    return names[0]


def _key(file: str, value: str) -> str:
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as e:
            raise CommandError(f"error getting ssh key: open {file}: {(e.strerror or str(e)).lower()}") from e
    if not value:
        raise CommandError("error getting ssh key: one of --file, or --value must be specified")
    return value.strip()


def _ssh_secret(known: list[str], secret: str, user: str) -> str:
    return rules.choose(known, secret, none=f"no secrets specified for user: {user}",
                        foreign=f"secret {secret} is not associated with user {user}")  # fmt: skip


def _must_own(secret: JsonObject, vm: JsonObject, name: str) -> None:
    if not rules.is_owned(secret, vm):
        owner = dig(vm, "metadata", "name")
        raise CommandError(f"secret {name} does not have an owner reference pointing to VM {owner}")


async def _machine(session: Session, name: str) -> JsonObject:
    with session.explaining("error getting virtual machine: {}"):
        return await session.get(Target(kind=Kind.VM, name=name))


async def _secret(session: Session, name: str) -> JsonObject:
    with session.explaining(f'error getting secret "{name}": {{}}'):
        return await session.read(_path(session, name))


def _path(session: Session, name: str = "") -> str:
    path = f"/api/v1/namespaces/{session.namespace}/secrets"
    return f"{path}/{name}" if name else path


async def _patch_secret(session: Session, name: str, operations: list[JsonObject]) -> None:
    with session.explaining(f'error patching secret "{name}": {{}}'):
        await session.client.raw(
            "PATCH", _path(session, name), body=msgspec.json.encode(operations), content_type=JSON_PATCH
        )


async def _create(session: Session, vm: JsonObject, user: str, key: str, *, force: bool) -> None:
    name = str(dig(vm, "metadata", "name"))
    if not force and await _runs(session, name):
        raise CommandError(f"virtual machine {name} is running. Use --force flag to update a running VM, "
                           "it will take effect after restart")  # fmt: skip
    made = msgspec.json.decode(
        await session.client.raw(
            "POST", _path(session), body=msgspec.json.encode(rules.new_secret(vm, _entry(), key))
        ),
        type=JsonObject,
    )
    credential = rules.added_credential(str(dig(made, "metadata", "name")), user)
    target = session.object_path(Target(kind=Kind.VM, name=name))
    try:
        await _patch(session, target, rules.append_credential(credential))
    except (Invalid, Conflict):  # there is no list to append to
        await _patch(session, target, rules.first_credential(credential))


async def _runs(session: Session, name: str) -> bool:
    try:
        await session.get(Target(kind=Kind.VMI, name=name))
    except NotFound:
        return False
    return True


async def _patch(session: Session, path: str, operations: list[JsonObject]) -> None:
    await session.client.raw("PATCH", path, body=msgspec.json.encode(operations), content_type=JSON_PATCH)


async def _update(session: Session, vm: JsonObject, name: str, key: str, *, force: bool) -> str:
    current = await _secret(session, name)
    if rules.contains(current, key):
        return f'Secret "{name}" already contains this SSH key.'
    if not force:
        _must_own(current, vm, name)
    await _patch_secret(session, name, rules.add_entry(current, _entry(), key))
    return f'Successfully added the key to secret "{name}"'


async def _remove(session: Session, name: str, key: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            current = await session.read(_path(session, name))
        except NotFound:
            return
        except ApiError as e:
            raise CommandError(f'error getting secret "{name}": {e.message}') from e
        changed = rules.without(current, key)
        if changed is None:
            return
        try:
            await session.client.raw("PUT", _path(session, name), body=msgspec.json.encode(changed))
        except NotFound:
            return
        except Conflict:
            if attempt == ATTEMPTS:
                raise
            continue
        return


def _entry() -> str:
    letters = string.ascii_lowercase + string.digits
    return "ssh-key-" + "".join(randomness.choice(letters) for _ in range(6))
