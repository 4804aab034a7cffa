"""Which module holds which command, so that a command loads only what it needs.

`virtctl start` must not pay for importing websockets or YAML: a group resolves names through its table and imports the
one module when the command is really called.
"""

from __future__ import annotations

import importlib
from pathlib import PurePath

import click

from kubevirt.virtctl.flags import GLOBAL_OPTIONS, add_global_options, take_globals, without_truth_values
from kubevirt.virtctl.help import program_of, write_help

Table = dict[str, tuple[str, str, str]]

COMMANDS: Table = {
    # command: (module, attribute, short help)
    "addvolume": ("volumes", "addvolume", "Plug a volume into a running virtual machine"),
    "adm": ("adm", "adm", "Look after the installation"),
    "completion": ("completion", "completion", "Print a script that completes commands in a shell"),
    "console": ("console", "console", "Connect to the serial console of a virtual machine instance"),
    "credentials": ("credentials", "credentials", "Change the keys and passwords of a guest's users"),
    "create": ("create", "create", "Print manifests of machines, instance types, preferences and clones"),
    "doctor": ("doctor", "doctor", "Check a cluster and its nodes, and say what to do"),
    "evacuate-cancel": ("evacuate_cancel", "evacuate_cancel", "Let a machine stay that was to leave its node"),
    "expand": ("expand", "expand", "Write a machine's instance type and preference out"),
    "expose": ("expose", "expose", "Make a virtual machine reachable through a Service"),
    "fslist": ("guest", "fslist", "Show the file systems mounted inside a guest"),
    "guestosinfo": ("guest", "guestosinfo", "Show what the guest agent tells of a guest"),
    "guestfs": ("guestfs", "guestfs", "Open a shell with disk tools beside a claim"),
    "image-upload": ("image_upload", "image_upload", "Upload a disk image into the cluster"),
    "memory-dump": ("memory_dump", "memory_dump", "Dump a guest's memory into a claim"),
    "migrate": ("migrate", "migrate", "Move a running virtual machine to another node"),
    "migrate-cancel": ("migrate", "migrate_cancel", "Call a migration off"),
    "objectgraph": ("objectgraph", "objectgraph", "Show the objects that a machine depends on"),
    "pause": ("pause", "pause", "Freeze the processors of a virtual machine"),
    "permitted-devices": ("permitted_devices", "permitted_devices", "List the host devices that machines may use"),
    "port-forward": ("port_forward", "port_forward", "Forward ports of this machine to a guest"),
    "removevolume": ("volumes", "removevolume", "Pull a volume out of a running virtual machine"),
    "render": ("render", "render_command", "Show what a manifest becomes, without a cluster"),
    "reset": ("instance", "reset", "Reset a virtual machine instance"),
    "restart": ("lifecycle", "restart", "Restart a virtual machine"),
    "scp": ("ssh", "scp", "Copy files from or to a guest"),
    "soft-reboot": ("instance", "soft_reboot", "Ask a guest to reboot"),
    "ssh": ("ssh", "ssh", "Open a secure shell in a guest"),
    "start": ("lifecycle", "start", "Start a virtual machine"),
    "stop": ("lifecycle", "stop", "Stop a virtual machine"),
    "template": ("template", "template", "Make and use templates of virtual machines"),
    "top": ("top", "top", "Show what virtual machines use of processors, memory, disks and network"),
    "unpause": ("pause", "unpause", "Let a paused virtual machine go on"),
    "usbredir": ("usbredir", "usbredir", "Give a USB device of this machine to a guest"),
    "userlist": ("guest", "userlist", "Show who is logged in inside a guest"),
    "version": ("version", "version", "Show the versions of client and server"),
    "vmexport": ("vmexport", "vmexport", "Export the disks of a machine"),
    "vnc": ("vnc", "vnc", "Show the screen of a virtual machine instance"),
    "why": ("why", "why", "Say what a virtual machine is waiting for"),
}
HIDDEN = frozenset({"help", "options", "__complete", "__completeNoDesc"})


class LazyGroup(click.Group):
    """A group that knows its commands from a table and imports a command's module when it is called."""

    def __init__(self, name: str, table: Table, help_text: str) -> None:
        super().__init__(name=name, help=help_text, invoke_without_command=True, no_args_is_help=False)
        self.table = table
        add_global_options(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.table.get(cmd_name)
        return self.get_command_from(entry[0], entry[1]) if entry is not None else None

    def get_command_from(self, module: str, attribute: str) -> click.Command:
        """The command that a module below `commands` holds under a name."""
        found = getattr(importlib.import_module(f"kubevirt.virtctl.commands.{module}"), attribute)
        assert isinstance(found, click.Command)  # noqa: S101 - the tables name commands only; a test walks them
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = next((n for n, word in enumerate(args) if not word.startswith("-")), len(args))
        return super().parse_args(ctx, without_truth_values(self.params, args[:own]) + args[own:])

    def invoke(self, ctx: click.Context) -> object:
        ctx.obj = take_globals(ctx)
        words = [*ctx._protected_args, *ctx.args]
        if not words or self.wants_usage(words[0]):
            click.echo(ctx.get_help())
            return None
        return super().invoke(ctx)

    def wants_usage(self, word: str) -> bool:
        """Groups below the root answer an unknown word with their usage."""
        return word not in self.table

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """With the commands from the table, without importing their modules."""
        write_help(self, ctx, formatter, [(name, self.table[name][2]) for name in sorted(self.table)])


class CommandTable(LazyGroup):
    """The root group: commands by name from the table, global flags before them."""

    def __init__(self) -> None:
        super().__init__("virtctl", COMMANDS, "virtctl controls virtual machines on Kubernetes.")
        self.context_settings = {"help_option_names": ["-h", "--help"], "max_content_width": 120}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in ("__complete", "__completeNoDesc"):
            return self.get_command_from("completion", "complete")
        if cmd_name == "help":
            return help_command(self)
        if cmd_name == "options":
            return click.Command("options", callback=lambda: click.echo(global_options_text()), hidden=True)
        return super().get_command(ctx, cmd_name)

    def wants_usage(self, word: str) -> bool:
        return False

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and args[0] not in HIDDEN:
            raise click.ClickException(unknown_command(args[0], (ctx.info_name or "virtctl").split()[0]))
        return super().resolve_command(ctx, args)


def help_command(root: LazyGroup) -> click.Command:
    """`help [COMMAND]...`: what the command's own --help says."""

    @click.command("help", help="Help about any command.")
    @click.argument("words", nargs=-1, metavar="[command]")
    @click.pass_context
    def show(ctx: click.Context, words: tuple[str, ...]) -> None:
        here: click.Command = root
        context = click.Context(root, info_name=program_of(ctx), **root.context_settings)
        for word in words:
            below = here.get_command(context, word) if isinstance(here, LazyGroup) else None
            if below is None:
                raise click.ClickException(f'unknown help topic "{" ".join(words)}"')
            here, context = below, click.Context(below, parent=context, info_name=word)
        click.echo(here.get_help(context))

    return show


def program_name(executable: str) -> str:
    """How the program calls itself: `kubectl virt` for kubectl-virt, the plugin's name, else virtctl."""
    name = PurePath(executable).name
    return f"{name.removesuffix('-virt')} virt" if name.endswith("-virt") else "virtctl"


def global_options_text() -> str:
    """What the hidden command `options` prints."""
    formatter = click.HelpFormatter(width=100)
    rows = [(", ".join(d for d in declared if d.startswith("-")), str(a.get("help", ""))) for declared, a in
            GLOBAL_OPTIONS]
    formatter.write_text("The following options can be passed to any command:")
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_dl(rows)
    return formatter.getvalue().rstrip()


def unknown_command(word: str, program: str) -> str:
    """The refusal of a command that does not exist, with near names."""
    import difflib

    text = f'unknown command "{word}" for "{program}"'
    near = difflib.get_close_matches(word, COMMANDS, n=3, cutoff=0.6)
    if near:
        text += "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near)
    return text
