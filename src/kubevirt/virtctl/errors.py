"""What a command may say when it cannot go on, and how click's parse errors read to a user of the original.

Scripts match on these texts, so they are the established ones (positional counts, unknown flags, exclusive flags);
click's own wording is translated here and nowhere else.
"""

from __future__ import annotations

import click

from kubevirt.virtctl.flags import Globals


class CommandError(click.ClickException):
    """An error of a command: its text is the whole line on standard error, the exit code is 1."""

    exit_code = 1
    spoke_to: Globals | None = None  # how the cluster was reached, when the command reached for one

    def format_message(self) -> str:
        return self.message


def readable(error: click.ClickException) -> str:
    """The one line that a user sees for an error that click or a command raised."""
    match error:
        case click.NoSuchOption():
            name = error.option_name
            if name.startswith("--"):
                return f"unknown flag: {name}"
            return f"unknown shorthand flag: '{name.lstrip('-')[:1]}' in {name}"
        case click.BadOptionUsage():
            return f"flag needs an argument: {error.option_name}"
        case click.BadParameter() if error.param is not None and error.param.opts:
            return f'invalid argument for "{", ".join(error.param.opts)}" flag: {error.message}'
    return error.format_message()


def count_error(received: int, least: int, most: int) -> CommandError:
    """The refusal of a wrong number of positional arguments, worded as command users know it."""
    if least == most:
        return CommandError(f"accepts {least} arg(s), received {received}")
    return CommandError(f"accepts between {least} and {most} arg(s), received {received}")


def given_flags(ctx: click.Context) -> set[str]:
    """The names of the flags that stand on the command line."""
    return {
        (name or "").rstrip("_").replace("_", "-")
        for name in ctx.params
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }


def exclude(ctx: click.Context, *groups: tuple[str, ...]) -> None:
    """Refuse flags that exclude one another; each group in the order in which its command defines them."""
    given = given_flags(ctx)
    for group in groups:
        chosen = sorted(given.intersection(group))
        if len(chosen) > 1:
            raise CommandError(
                f"if any flags in the group [{' '.join(group)}] are set none of the others can be; "
                f"[{' '.join(chosen)}] were all set"
            )
