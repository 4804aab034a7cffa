"""`virtctl completion SHELL`, and the hidden `__complete` that the printed scripts call with the words typed so far.

The protocol is the one that clients of Kubernetes share: a candidate a line, after a tab what it is, and at the end
`:N`, a number that tells the shell whether file names would do as well (0) or not (4). Commands, flags and the fixed
words of commands are completed; names of objects are not, since that would ask the cluster at every key.
"""

from __future__ import annotations

import click

from kubevirt.virtctl.flags import command
from kubevirt.virtctl.shells import SCRIPTS
from kubevirt.virtctl.table import LazyGroup

FILES, NO_FILES = 0, 4
WORDS = {  # what stands in the first place after a command
    "pause": ("vm", "vmi"),
    "unpause": ("vm", "vmi"),
    "evacuate-cancel": ("vm", "vmi"),
    "expose": ("vm", "vmi", "vmirs"),
    "image-upload": ("dv", "pvc"),
    "memory-dump": ("download", "get", "remove"),
    "vmexport": ("create", "delete", "download"),
    "vnc": ("screenshot",),
}

completion = LazyGroup(
    "completion",
    {shell: ("completion", shell, f"Print the script for {shell}") for shell in SCRIPTS},
    "Print a script that completes virtctl's commands and flags in a shell.",
)


def _printer(shell: str) -> click.Command:
    @command(shell, help=f"Print the completion script for {shell}. It belongs into the shell's start-up files.")
    @click.option("--no-descriptions", is_flag=True, help="Candidates without a word about them")
    @click.pass_context
    def show(ctx: click.Context, no_descriptions: bool) -> None:
        program = (ctx.find_root().info_name or "virtctl").replace(" ", "-")
        asked = "__completeNoDesc" if no_descriptions else "__complete"
        function = program.replace("-", "_")
        click.echo(SCRIPTS[shell].replace("@PROGRAM@", program).replace("@FUNCTION@", function)
                   .replace("@COMPLETE@", asked), nl=False)  # fmt: skip

    return show


bash, zsh, fish, powershell = (_printer(shell) for shell in ("bash", "zsh", "fish", "powershell"))


@click.command("__complete", hidden=True, context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def complete(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Print the candidates for the last of the words."""
    root = ctx.find_root().command
    assert isinstance(root, LazyGroup)  # noqa: S101 - the program's own root
    found, directive = candidates(root, list(words) or [""])
    described = ctx.info_name == "__complete"
    for name, text in found:
        click.echo(f"{name}\t{text}" if described and text else name)
    click.echo(f":{directive}")


def candidates(root: LazyGroup, words: list[str]) -> tuple[list[tuple[str, str]], int]:
    """What the last word may become, each with its description, and the directive."""
    *before, last = words
    here: click.Command = root
    place, value_of = 0, None
    for word in before:
        if value_of is not None:
            value_of = None
        elif word.startswith("-"):
            value_of = _awaiting(here, word)
        elif isinstance(here, LazyGroup) and (below := here.table.get(word)) is not None:
            here = here.get_command_from(below[0], below[1])
        else:
            place += 1
    if value_of is not None:
        return [], FILES
    if last.startswith("-"):
        return _flags(here, last), NO_FILES
    if isinstance(here, LazyGroup):
        rows = [(name, entry[2]) for name, entry in sorted(here.table.items()) if name.startswith(last)]
        if here is root and "help".startswith(last):
            rows.append(("help", "Help about any command"))
        return sorted(rows), NO_FILES
    fixed = WORDS.get(here.name or "", ()) if place == 0 else ()
    return [(word, "") for word in fixed if word.startswith(last)], FILES if here.name in ("scp",) else NO_FILES


def _awaiting(here: click.Command, word: str) -> click.Option | None:
    """The flag whose value the next word is."""
    if "=" in word:
        return None
    for param in here.params:
        if isinstance(param, click.Option) and word in param.opts:
            return None if param.is_flag else param
    return None


def _flags(here: click.Command, begun: str) -> list[tuple[str, str]]:
    found = [
        (name, param.help or "")
        for param in here.params
        if isinstance(param, click.Option)
        for name in param.opts
        if name.startswith("--") and name.startswith(begun)
    ]
    return sorted({*found, *([("--help", "Show help")] if "--help".startswith(begun) else [])})


