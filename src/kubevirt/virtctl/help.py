"""Help as users of kubectl know it: what a command is for, its usage, the commands below it, its flags.

Global flags are not listed with every command; a last line says where they are.
"""

from __future__ import annotations

import click

SORTED_EXCEPT = ("create vm",)  # its flags stand in the order in which a machine is thought of


def write_help(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter,
               below: list[tuple[str, str]]) -> None:
    """The whole text; `below` lists the commands of a group."""
    from kubevirt.virtctl.examples import examples_of

    program = program_of(ctx)
    if command.help:
        formatter.write_text(command.help)
        formatter.write_paragraph()
    formatter.write("Usage:\n")
    formatter.write(f"  {usage(command, ctx, is_group=bool(below))}\n")
    if examples := examples_of(path_of(ctx), program):
        formatter.write(f"\nExamples:\n{examples}\n")
    if below:
        formatter.write("\nAvailable Commands:\n")
        with formatter.indentation():
            formatter.write_dl(below)
    if rows := flag_rows(command, ctx):
        formatter.write("\nFlags:\n")
        with formatter.indentation():
            formatter.write_dl(rows)
    if below:
        formatter.write(f'\nUse "{program} <command> --help" for more information about a given command.')
    formatter.write(f'\nUse "{program} options" for a list of global command-line options (applies to all commands).\n')


def usage(command: click.Command, ctx: click.Context, *, is_group: bool) -> str:
    """The usage line; of the program's name only the first word, as a shell would have it."""
    program = program_of(ctx)
    rest = ctx.command_path.removeprefix(program).split()
    places = [param.make_metavar(ctx) for param in command.params if isinstance(param, click.Argument)]
    ending = ["[command]"] if is_group else [*(place.removesuffix("...") for place in places), "[flags]"]
    return " ".join([program.split()[0], *rest, *ending])


def flag_rows(command: click.Command, ctx: click.Context) -> list[tuple[str, str]]:
    """The command's own flags, by name."""
    options = [param for param in command.get_params(ctx) if isinstance(param, click.Option) and not param.hidden]
    if path_of(ctx) not in SORTED_EXCEPT:
        options.sort(key=lambda option: max(option.opts, key=len))
    records = [option.get_help_record(ctx) for option in options]
    return [record for record in records if record is not None]


def path_of(ctx: click.Context) -> str:
    """The command's words without the program's."""
    return ctx.command_path.removeprefix(program_of(ctx)).strip()


def program_of(ctx: click.Context) -> str:
    """How the program calls itself."""
    return ctx.find_root().info_name or "virtctl"
