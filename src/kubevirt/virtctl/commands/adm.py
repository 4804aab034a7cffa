"""`virtctl adm log-verbosity`: how much each program of the installation writes to its log."""

from __future__ import annotations

from collections.abc import Mapping

import click
import msgspec

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import CommandWithGlobals, Globals
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.table import LazyGroup

PROGRAMS = {
    "virt-api": "virtAPI",
    "virt-controller": "virtController",
    "virt-handler": "virtHandler",
    "virt-launcher": "virtLauncher",
    "virt-operator": "virtOperator",
}
SHOW = "10"
DEFAULT = 2
DEVELOPER = "/spec/configuration/developerConfiguration"
KUBEVIRTS = "/apis/kubevirt.io/v1/kubevirts"

adm = LazyGroup(
    "adm", {"log-verbosity": ("adm", "log_verbosity", "Show or set log verbosity")}, "Look after the installation."
)


class Verbosity(CommandWithGlobals):
    """A bare `--virt-api` means "show", as `--virt-api=10` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        bare = {f"--{name}" for name in (*PROGRAMS, "all")}
        return super().parse_args(ctx, [f"{word}={SHOW}" if word in bare else word for word in args])


@click.command("log-verbosity", cls=Verbosity, help="Show or set the log verbosity (0-9) of the programs.")
@click.option("--virt-api", default=None, metavar="[=N]", help="virt-api; without a number: show it")
@click.option("--virt-controller", default=None, metavar="[=N]", help="virt-controller")
@click.option("--virt-handler", default=None, metavar="[=N]", help="virt-handler")
@click.option("--virt-launcher", default=None, metavar="[=N]", help="virt-launcher")
@click.option("--virt-operator", default=None, metavar="[=N]", help="virt-operator")
@click.option("--all", "all_", default=None, metavar="[=N]", help="All of them")
@click.option("--reset", is_flag=True, help="Back to the default")
@click.pass_context
def log_verbosity(ctx: click.Context, /, all_: str | None, reset: bool, **programs: str | None) -> None:
    """Show what is set, or set what was asked for."""
    given = {name.replace("_", "-"): value for name, value in programs.items() if value is not None}
    if not given and all_ is None and not reset:
        click.echo(ctx.get_help())
        raise CommandError("no flag specified - expecting at least one flag")
    if reset and all_ is not None:
        raise CommandError("if any flags in the group [all reset] are set none of the others can be; "
                           "[all reset] were all set")  # fmt: skip
    wanted = Wanted(
        levels={name: _level(name, value) for name, value in given.items()},
        everyone=_level("all", all_) if all_ is not None else None,
        reset=reset,
    )
    flags: Globals = ctx.obj
    text = run(flags, lambda session: _carry_out(session, wanted))
    if text:
        click.echo(text)


class Wanted(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked for; 10 stands for "show"."""

    levels: dict[str, int]
    everyone: int | None = None
    reset: bool = False

    @property
    def shows(self) -> bool:
        """Whether levels are to be shown. Raises CommandError when some are to be set as well."""
        asked = [*self.levels.values(), *([] if self.everyone is None else [self.everyone])]
        shown = [level == int(SHOW) for level in asked]
        if any(shown) and (not all(shown) or self.reset):
            raise CommandError("only show or set is allowed")
        return bool(shown) and all(shown)


def _level(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) > int(SHOW):
        raise CommandError(f"{name}: log verbosity must be 0-9")
    return int(text)


def shown(levels: Mapping[str, int], wanted: Wanted) -> str:
    """The lines that say how talkative the programs are."""
    names = PROGRAMS if wanted.everyone is not None else wanted.levels
    return "\n".join(f"{name}={levels.get(PROGRAMS[name], DEFAULT)}" for name in sorted(names))


def patch(developer: JsonObject | None, wanted: Wanted) -> list[JsonObject]:
    """The JSON patch that does what was asked for; empty when there is nothing to do."""
    current = developer.get("logVerbosity") if developer is not None else None
    before: JsonObject = dict(current) if isinstance(current, dict) else {}
    path = f"{DEVELOPER}/logVerbosity"
    operations: list[JsonObject] = []
    if wanted.reset:
        if before:
            operations.append({"op": "add", "path": path, "value": {}})
        before = {}
    after: dict[str, Json] = dict(before)
    if wanted.everyone is not None:
        after |= dict.fromkeys(PROGRAMS.values(), wanted.everyone)
    after |= {PROGRAMS[name]: level for name, level in wanted.levels.items()}
    if wanted.everyone is None and not wanted.levels:
        return operations
    if developer is None:
        operations.insert(0, {"op": "add", "path": DEVELOPER, "value": {}})
    return [*operations, {"op": "add", "path": path, "value": after}]


async def _carry_out(session: Session, wanted: Wanted) -> str:
    shows = wanted.shows
    items = (await session.read(KUBEVIRTS)).get("items")
    found = [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
    if not found:
        raise CommandError("could not detect a KubeVirt installation")
    if len(found) > 1:
        raise CommandError("invalid kubevirt installation, more than one KubeVirt resource found")
    developer = _below(found[0], "spec", "configuration", "developerConfiguration")
    if shows:
        levels = _below(developer or {}, "logVerbosity") or {}
        return shown({name: level for name, level in levels.items() if isinstance(level, int)}, wanted)
    operations = patch(developer, wanted)
    if not operations:
        return ""
    if _below(found[0], "spec", "configuration") is None:
        operations.insert(0, {"op": "add", "path": "/spec/configuration", "value": {}})
    metadata = _below(found[0], "metadata") or {}
    path = f"/apis/kubevirt.io/v1/namespaces/{metadata.get('namespace')}/kubevirts/{metadata.get('name')}"
    await session.client.raw(
        "PATCH", path, body=msgspec.json.encode(operations), content_type="application/json-patch+json"
    )
    return "successfully set/reset the log verbosity"


def _below(value: JsonObject, *path: str) -> JsonObject | None:
    found: Json = value
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
