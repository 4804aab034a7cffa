"""`virtctl completion SHELL`: a script for the shell's start-up file; completing itself is click's."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command

SHELLS = ("bash", "fish", "zsh")


@command("completion", help="Print a script that completes virtctl's commands and flags in a shell.")
@click.argument("shell", metavar="|".join(SHELLS))
@click.option("--no-descriptions", is_flag=True, help="Accepted for compatibility; descriptions are short anyway")
@click.pass_context
def completion(ctx: click.Context, shell: str, no_descriptions: bool) -> None:
    """Print the completion script of one shell."""
    found = get_completion_class(shell)
    if found is None or shell not in SHELLS:
        raise CommandError(f'unknown command "{shell}" for "virtctl completion"; choose one of {", ".join(SHELLS)}')
    root = ctx.find_root()
    assert isinstance(ctx.obj, Globals)  # noqa: S101 - set by the command class
    script = found(root.command, {}, "virtctl", "_VIRTCTL_COMPLETE")
    click.echo(script.source_template % script.source_vars())
