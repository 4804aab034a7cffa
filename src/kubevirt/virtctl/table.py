"""Which module holds which command, so that a command loads only what it needs.

`virtctl start` must not pay for importing websockets or YAML: the group resolves names through this table and imports
the one module when the command is really called.
"""

from __future__ import annotations

import importlib

import click

from kubevirt.virtctl.flags import add_global_options, take_globals

COMMANDS: dict[str, tuple[str, str, str]] = {
    # command: (module, attribute, short help)
    "completion": ("completion", "completion", "Print a script that completes commands in a shell"),
    "console": ("console", "console", "Connect to the serial console of a virtual machine instance"),
    "expose": ("expose", "expose", "Make a virtual machine reachable through a Service"),
    "pause": ("pause", "pause", "Freeze the processors of a virtual machine"),
    "render": ("render", "render_command", "Show what a manifest becomes, without a cluster"),
    "restart": ("lifecycle", "restart", "Restart a virtual machine"),
    "start": ("lifecycle", "start", "Start a virtual machine"),
    "stop": ("lifecycle", "stop", "Stop a virtual machine"),
    "unpause": ("pause", "unpause", "Let a paused virtual machine go on"),
    "version": ("version", "version", "Show the versions of client and server"),
}


class CommandTable(click.Group):
    """The root group: commands by name from the table, global flags before them."""

    def __init__(self) -> None:
        super().__init__(
            name="virtctl",
            help="virtctl controls virtual machines on Kubernetes.",
            invoke_without_command=True,
            no_args_is_help=False,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        add_global_options(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute, _ = entry
        found = getattr(importlib.import_module(f"kubevirt.virtctl.commands.{module}"), attribute)
        assert isinstance(found, click.Command)  # noqa: S101 - the table names commands only; a test walks it
        return found

    def invoke(self, ctx: click.Context) -> object:
        ctx.obj = take_globals(ctx)
        if not ctx._protected_args and not ctx.args:
            click.echo(ctx.get_help())
            return None
        return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            raise click.ClickException(unknown_command(args[0], ctx.info_name or "virtctl"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing their modules."""
        with formatter.section("Available Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])


def unknown_command(word: str, program: str) -> str:
    """The refusal of a command that does not exist, with near names."""
    import difflib

    text = f'unknown command "{word}" for "{program}"'
    near = difflib.get_close_matches(word, COMMANDS, n=3, cutoff=0.6)
    if near:
        text += "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near)
    return text
