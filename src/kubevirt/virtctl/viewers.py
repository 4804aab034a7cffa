"""Which program shows a guest's screen on this machine, and how it is called. Pure: the caller knows what exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kubevirt.virtctl.errors import CommandError

TIGER_MACOS = "/Applications/TigerVNC.app/Contents/MacOS/vncviewer"
TIGER_MACOS_OLD = "/Applications/TigerVNC Viewer *.app/Contents/MacOS/TigerVNC Viewer"
CHICKEN_MACOS = "/Applications/Chicken.app/Contents/MacOS/Chicken"
REAL_MACOS = "/Applications/VNC Viewer.app/Contents/MacOS/vncviewer"
MACOS = ((TIGER_MACOS, "tiger"), (TIGER_MACOS_OLD, "tiger"), (CHICKEN_MACOS, "chicken"), (REAL_MACOS, "real"))
TYPES = ("tiger", "remote-viewer", "chicken", "real")

Which = Callable[[str], str | None]
Glob = Callable[[str], Sequence[str]]


def viewer_command(port: int, platform: str, *, vnc_type: str, vnc_path: str, which: Which, glob: Glob,
                   talkative: bool = False) -> list[str]:
    """The viewer's command line. `glob` gives the existing files of a pattern or path, `which` looks in $PATH."""
    if platform not in ("linux", "win32", "darwin"):
        raise CommandError(f"virtctl does not support VNC on {platform}")
    arguments = _arguments(port, talkative=talkative)
    if vnc_type:
        return _chosen(platform, vnc_type, vnc_path, arguments, which, glob)
    if platform == "darwin":
        for path, type_ in MACOS:
            if found := glob(path):
                return [found[-1], *arguments[type_]]
        if program := which("remote-viewer"):
            return [program, *arguments["remote-viewer"]]
        raise CommandError("no supported VNC app found for darwin")
    if program := which("remote-viewer"):
        return [program, *arguments["remote-viewer"]]
    if program := which("vncviewer"):
        return [program, *arguments["tiger"]]
    raise CommandError("could not find remote-viewer or vncviewer binary in $PATH")


def _arguments(port: int, *, talkative: bool) -> dict[str, list[str]]:
    """What each kind of viewer is told."""
    address = f"127.0.0.1:{port}"
    more = {"tiger": ["Log=*:stderr:100"], "remote-viewer": ["--debug"], "real": ["-log=*:stderr:100"]}
    plain = {
        "tiger": [address],
        "remote-viewer": [f"vnc://{address}"],
        "chicken": [address],
        "real": [address, "-WarnUnencrypted=0", "-Shared=0", "-ShareFiles=0"],
    }
    return {type_: [*words, *(more.get(type_, []) if talkative else [])] for type_, words in plain.items()}


def _chosen(platform: str, vnc_type: str, vnc_path: str, arguments: Mapping[str, list[str]], which: Which, glob: Glob
            ) -> list[str]:
    if vnc_type not in TYPES:
        raise CommandError(f"unsupported vnc-type: {vnc_type}")
    if vnc_type in ("chicken", "real") and platform != "darwin":
        name = "windows" if platform == "win32" else platform
        raise CommandError(f"unsupported vnc-type for {name}: {vnc_type}")
    if vnc_path:
        if not glob(vnc_path):
            raise CommandError(f"specified VNC path does not exist: {vnc_path}")
        return [vnc_path, *arguments[vnc_type]]
    if vnc_type == "remote-viewer" or platform != "darwin":
        program = "remote-viewer" if vnc_type == "remote-viewer" else "vncviewer"
        found = which(program)
        if found is None:
            raise CommandError(f'could not find {program} in $PATH: exec: "{program}": executable file not found')
        return [found, *arguments[vnc_type]]
    for place, type_ in MACOS:
        if type_ == vnc_type and (existing := glob(place)):
            return [existing[-1], *arguments[vnc_type]]
    raise CommandError("no supported VNC app found for darwin")
