"""The flags that every command understands, before or after the command's name, as kubectl has them.

click binds options to the command they follow. Users write `virtctl start vm -n prod` as well as
`virtctl -n prod start vm`, so every command carries the global flags too, and `Globals` is the merged result.
A command's own flag of the same name hides the global one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import click

from kubevirt.virtctl.help import write_help


@dataclass(frozen=True, kw_only=True)
class Globals:
    """Where the cluster is and as whom to speak to it. None or empty: not given, the kubeconfig decides."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None
    server: str | None = None
    token: str | None = None
    username: str | None = None
    password: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    certificate_authority: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    request_timeout: str | None = None
    as_: str | None = None
    as_uid: str | None = None
    as_group: tuple[str, ...] = ()
    disable_compression: bool = False
    v: int = 2

    def merged(self, later: Globals) -> Globals:
        """These flags, with those given later on the line winning."""
        default = Globals()
        given = {f.name: getattr(later, f.name) for f in fields(later)}
        return replace(self, **{k: v for k, v in given.items() if v != getattr(default, k)})


GLOBAL_OPTIONS: tuple[tuple[Sequence[str], dict[str, object]], ...] = (
    (("--kubeconfig",), {"metavar": "PATH", "help": "Kubeconfig file to use"}),
    (("--context",), {"help": "Name of the kubeconfig context"}),
    (("--cluster",), {"help": "Name of the kubeconfig cluster"}),
    (("--user",), {"help": "Name of the kubeconfig user"}),
    (("-n", "--namespace"), {"help": "Namespace to work in"}),
    (("-s", "--server"), {"metavar": "URL", "help": "Address of the Kubernetes API server"}),
    (("--token",), {"help": "Bearer token for the API server"}),
    (("--username",), {"help": "Name for basic authentication"}),
    (("--password",), {"help": "Password for basic authentication"}),
    (("--client-certificate",), {"metavar": "PATH", "help": "Client certificate for TLS"}),
    (("--client-key",), {"metavar": "PATH", "help": "Key of the client certificate"}),
    (("--certificate-authority",), {"metavar": "PATH", "help": "Certificate authority of the API server"}),
    (("--insecure-skip-tls-verify",), {"is_flag": True, "help": "Do not verify the API server's certificate"}),
    (("--tls-server-name",), {"help": "Name to verify the server's certificate against"}),
    (("--proxy-url",), {"help": "HTTP proxy on the way to the API server"}),
    (("--request-timeout",), {"help": "Time limit of a single request, for example 30s; 0 means none"}),
    (("--as", "as_"), {"help": "User to impersonate"}),
    (("--as-uid",), {"help": "UID to impersonate"}),
    (("--as-group",), {"multiple": True, "help": "Group to impersonate; may be repeated"}),
    (("--disable-compression",), {"is_flag": True, "help": "Ask for uncompressed answers"}),
    (("-v", "--v"), {"type": int, "default": 2, "help": "Log verbosity"}),
)
GLOBAL_NAMES = frozenset(f.name for f in fields(Globals))


def add_global_options(command: click.Command) -> None:
    """Give a command every global flag that it does not hide behind one of its own."""
    taken = {opt for param in command.params for opt in param.opts}
    names = {param.name for param in command.params}
    for declarations, attributes in GLOBAL_OPTIONS:
        if taken.intersection(declarations):
            continue
        # Arguments by name, as the table has them.
        option = click.Option(list(declarations), hidden=True, **attributes)  # type: ignore[arg-type]
        if option.name not in names:
            command.params.append(option)


def take_globals(ctx: click.Context, hidden: frozenset[str] = frozenset()) -> Globals:
    """Move the global flags out of a context's parameters, merged over those given before the command."""
    before = ctx.obj if isinstance(ctx.obj, Globals) else Globals()
    here = {name: ctx.params.pop(name) for name in list(ctx.params) if name in GLOBAL_NAMES - hidden}
    return before.merged(Globals(**here))


TRUE, FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})


def without_truth_values(params: Sequence[click.Parameter], args: list[str]) -> list[str]:
    """`--force=true` as `--force`, and `--force=false` as nothing, or as the flag's opposite where it has one.

    click's switches take no value, and established clients and scripts give them one.
    """
    switches = {
        name: param.secondary_opts
        for param in params
        if isinstance(param, click.Option) and param.is_flag
        for name in param.opts
    }
    found: list[str] = []
    for index, word in enumerate(args):
        if word == "--":
            return found + args[index:]
        name, given, value = word.partition("=")
        if not given or name not in switches:
            found.append(word)
        elif value.lower() in TRUE:
            found.append(name)
        elif value.lower() in FALSE:
            found.extend(switches[name][:1])
        else:
            raise click.ClickException(f'invalid argument "{value}" for "{name}" flag: it is either true or false')
    return found


def required(params: Sequence[click.Parameter], args: list[str]) -> str:
    """What a command says of all required flags that are missing, not of the first alone."""
    missing = [
        f'"{max(param.opts, key=len).lstrip("-")}"'
        for param in params
        if isinstance(param, click.Option) and param.required and not _is_given(param, args)
    ]
    return f"required flag(s) {', '.join(sorted(missing))} not set" if missing else ""


def _is_given(option: click.Option, args: Sequence[str]) -> bool:
    words = args[: args.index("--")] if "--" in args else args
    long = tuple(name for name in option.opts if name.startswith("--"))
    brief = tuple(name for name in option.opts if not name.startswith("--"))
    return any(word.partition("=")[0] in long or (bool(brief) and word.startswith(brief)) for word in words)


class CommandWithGlobals(click.Command):
    """A command that accepts the global flags and hands them on as `ctx.obj`."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # whatever click takes
        self._own = frozenset(param.name for param in self.params if param.name)
        add_global_options(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = without_truth_values(self.params, args)
        try:
            return self._parsed(ctx, list(args))
        except click.MissingParameter as e:
            raise click.ClickException(required(self.params, args) or e.format_message()) from e

    def _parsed(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(isinstance(param, click.Argument) for param in self.params):
            return super().parse_args(ctx, args)
        ctx.allow_extra_args = True  # to be refused in the words of the other clients
        rest = super().parse_args(ctx, args)
        if rest:
            path = ctx.command_path.replace(" virt ", " ", 1)  # the plugin's second word is not part of command paths
            raise click.ClickException(f'unknown command "{rest[0]}" for "{path}"')
        return rest

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_help(self, ctx, formatter, [])

    def invoke(self, ctx: click.Context) -> object:
        ctx.obj = take_globals(ctx, hidden=self._own)
        return super().invoke(ctx)


def command(name: str, **attributes: object) -> Callable[[Callable[..., object]], click.Command]:
    """`@command("start")`: declare a command of virtctl."""
    return click.command(name, cls=CommandWithGlobals, **attributes)
