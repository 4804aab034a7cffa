"""`virtctl ssh` and `scp`: the machine's own clients, led to the guest by `virtctl port-forward --stdio`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import click

from kubevirt.virtctl.errors import CommandError, count_error
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_stream_target


@dataclass(frozen=True, kw_only=True)
class Login:
    """A guest and the user to be there; an empty user leaves the choice to the client."""

    target: Target
    user: str = ""

    def host(self, namespace: str) -> str:
        """The name under which the client knows the guest, in its known_hosts for example."""
        short = "vm" if self.target.kind is Kind.VM else "vmi"
        name = f"{short}.{self.target.name}.{self.target.namespace or namespace}"
        return f"{self.user}@{name}" if self.user else name


@dataclass(frozen=True, kw_only=True)
class Client:
    """What ssh and scp have in common."""

    user: str
    port: int
    identity_file: str = ""
    options: tuple[str, ...] = ()

    def arguments(self, program: str, login: Login, namespace: str, virtctl: Sequence[str]) -> list[str]:
        """The program's command line up to the place where the two differ."""
        short = "vm" if login.target.kind is Kind.VM else "vmi"
        where = f"{short}/{login.target.name}/{login.target.namespace or namespace}"
        proxy = shlex.join([*virtctl, "port-forward", "--stdio=true", where, str(self.port)])
        identity = ["-i", self.identity_file] if self.identity_file else []
        return [program, "-o", f"ProxyCommand={proxy}", *self.options, *identity]


def parse_login(word: str, default_user: str) -> Login:
    """Read `[USER@]TYPE/NAME[/NAMESPACE]`."""
    user, at, rest = word.partition("@")
    if not at:
        return Login(target=parse_stream_target(word), user=default_user)
    if not user:
        raise CommandError("expected username before '@'")
    if not rest:
        raise CommandError("expected target after '@'")
    return Login(target=parse_stream_target(rest), user=user)


def default_user(environment: Mapping[str, str]) -> str:
    """Who the user is on this machine."""
    return next((found for name in ("USER", "USERNAME", "LOGNAME") if (found := environment.get(name, ""))), "")


def own_command(flags: Globals) -> list[str]:
    """How this program was called, with the global flags that lead to the cluster, for the proxy command."""
    program = [sys.executable, "-m", "kubevirt.virtctl"] if sys.argv[0].endswith(".py") else [sys.argv[0]]
    default = Globals()
    for field in fields(flags):
        value = getattr(flags, field.name)
        # --v says nothing about the cluster; the namespace stands in the target
        if field.name in ("v", "namespace") or value == getattr(default, field.name):
            continue
        name = "--" + field.name.rstrip("_").replace("_", "-")
        if isinstance(value, bool):
            program.append(name)
        else:
            program += [f"{name}={each}" for each in (value if isinstance(value, tuple) else (value,))]
    return program


def split_remote(word: str) -> tuple[str, str] | None:
    """(target, path) of a remote side, None for a local one. The side with a colon is the remote one."""
    target, colon, path = word.partition(":")
    return (target, path) if colon else None


def client_options(command_: click.Command) -> click.Command:
    """Give a command the flags that ssh and scp share."""
    command_.params += [
        click.Option(["-l", "--username"], default=None, help="User in the guest; default: the user here"),
        click.Option(["-i", "--identity-file"], default="", metavar="PATH", help="Private key to log in with"),
        click.Option(["-p", "--port"], type=int, default=22, help="Port of the secure shell in the guest"),
        click.Option(["-t", "--local-ssh-opts", "options"], multiple=True, help="Further argument of the client"),
        click.Option(["--known-hosts"], default="", hidden=True, help="Accepted; the client has a file of its own"),
    ]
    return command_


@command("ssh", help="Open a secure shell in a guest, with the ssh client of this machine.", params=client_options(
    click.Command("")).params)
@click.argument("words", nargs=-1, metavar="[USER@]TYPE/NAME[/NAMESPACE]")
@click.option("-c", "--command", "remote_command", default="", help="Run this in the guest instead of a shell")
@click.pass_obj
def ssh(flags: Globals, words: tuple[str, ...], remote_command: str, username: str | None, identity_file: str,
        port: int, options: tuple[str, ...], known_hosts: str) -> None:
    """Run ssh; its end is this command's."""
    if len(words) != 1:
        raise count_error(len(words), 1, 1)
    client = _client(username, port, identity_file, options)
    login = parse_login(words[0], client.user)
    namespace = run(flags, _namespace)
    arguments = client.arguments("ssh", login, namespace, own_command(flags))
    _execute([*arguments, login.host(namespace), *([remote_command] if remote_command else [])])


@command("scp", help="Copy files from or to a guest, with the scp client of this machine.", params=client_options(
    click.Command("")).params)
@click.argument("words", nargs=-1, metavar="SRC DST")
@click.option("-r", "--recursive", is_flag=True, help="Copy whole folders")
@click.option("--preserve", is_flag=True, help="Keep times and modes")
@click.pass_obj
def scp(flags: Globals, words: tuple[str, ...], recursive: bool, preserve: bool, username: str | None,
        identity_file: str, port: int, options: tuple[str, ...], known_hosts: str) -> None:
    """Run scp; its end is this command's."""
    if len(words) != 2:
        raise count_error(len(words), 2, 2)
    source, destination = words
    sides = [split_remote(source), split_remote(destination)]
    if all(sides):
        raise CommandError(
            "copying from a remote location to another remote location is not supported: "
            f'"{source}" to "{destination}"'
        )
    remote = next((side for side in sides if side is not None), None)
    if remote is None:
        raise CommandError(
            f'none of the two provided locations seems to be a remote location: "{source}" to "{destination}"'
        )
    client = _client(username, port, identity_file, options)
    login = parse_login(remote[0], client.user)
    namespace = run(flags, _namespace)
    switches = ["-r"] * recursive + ["-p"] * preserve
    ends = [f"{login.host(namespace)}:{side[1]}" if side else word for side, word in zip(sides, words, strict=True)]
    _execute([*client.arguments("scp", login, namespace, own_command(flags)), *switches, *ends])


def _client(username: str | None, port: int, identity_file: str, options: tuple[str, ...]) -> Client:
    user = default_user(os.environ) if username is None else username
    return Client(user=user, port=port, identity_file=identity_file, options=options)


async def _namespace(session: Session) -> str:
    return session.namespace


def _execute(arguments: list[str]) -> None:
    try:
        code = subprocess.run(arguments, check=False).returncode
    except FileNotFoundError as e:
        raise CommandError(f'exec: "{arguments[0]}": executable file not found in $PATH') from e
    if code:
        raise CommandError(f"exit status {code}")
