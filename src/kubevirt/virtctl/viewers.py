"""Which program shows a guest's screen on this machine, and how it is called. Pure: the caller knows what exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubevirt.virtctl.errors import CommandError

TIGER_MACOS = "/Applications/TigerVNC.app/Contents/MacOS/vncviewer"
TIGER_MACOS_OLD = "/Applications/TigerVNC Viewer *.app/Contents/MacOS/TigerVNC Viewer"
CHICKEN_MACOS = "/Applications/Chicken.app/Contents/MacOS/Chicken"
REAL_MACOS = "/Applications/VNC Viewer.app/Contents/MacOS/vncviewer"
TYPES = ("tiger", "remote-viewer", "chicken", "real")

Which = Callable[[str], str | None]
Glob = Callable[[str], Sequence[str]]


def viewer_command(port: int, platform: str, *, vnc_type: str, vnc_path: str, which: Which, glob: Glob) -> list[str]:
    """The viewer's command line. `glob` gives the existing files of a pattern or path, `which` looks in $PATH."""
    if platform not in ("linux", "win32", "darwin"):
        raise CommandError(f"virtctl does not support VNC on {platform}")
    if vnc_type:
        return _chosen(port, platform, vnc_type, vnc_path, which, glob)
    if platform == "darwin":
        for path, arguments in _macos(port):
            if found := glob(path):
                return [found[-1], *arguments]
        if program := which("remote-viewer"):
            return [program, *_remote_viewer(port)]
        raise CommandError("no supported VNC app found for darwin")
    if program := which("remote-viewer"):
        return [program, *_remote_viewer(port)]
    if program := which("vncviewer"):
        return [program, _address(port)]
    raise CommandError("could not find remote-viewer or vncviewer binary in $PATH")


def _chosen(port: int, platform: str, vnc_type: str, vnc_path: str, which: Which, glob: Glob) -> list[str]:
    if vnc_type not in TYPES:
        raise CommandError(f"unsupported vnc-type: {vnc_type}")
    if vnc_type in ("chicken", "real") and platform != "darwin":
        name = "windows" if platform == "win32" else platform
        raise CommandError(f"unsupported vnc-type for {name}: {vnc_type}")
    arguments = {
        "tiger": [_address(port)],
        "remote-viewer": _remote_viewer(port),
        "chicken": [_address(port)],
        "real": [_address(port), "-WarnUnencrypted=0", "-Shared=0", "-ShareFiles=0"],
    }[vnc_type]
    if vnc_path:
        if not glob(vnc_path):
            raise CommandError(f"specified VNC path does not exist: {vnc_path}")
        return [vnc_path, *arguments]
    if vnc_type == "remote-viewer" or platform != "darwin":
        program = "remote-viewer" if vnc_type == "remote-viewer" else "vncviewer"
        found = which(program)
        if found is None:
            raise CommandError(f'could not find {program} in $PATH: exec: "{program}": executable file not found')
        return [found, *arguments]
    places = {"tiger": (TIGER_MACOS, TIGER_MACOS_OLD), "chicken": (CHICKEN_MACOS,), "real": (REAL_MACOS,)}[vnc_type]
    for place in places:
        if existing := glob(place):
            return [existing[-1], *arguments]
    raise CommandError("no supported VNC app found for darwin")


def _macos(port: int) -> list[tuple[str, list[str]]]:
    real = [_address(port), "-WarnUnencrypted=0", "-Shared=0", "-ShareFiles=0"]
    plain = [_address(port)]
    return [(TIGER_MACOS, plain), (TIGER_MACOS_OLD, plain), (CHICKEN_MACOS, plain), (REAL_MACOS, real)]


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


def _remote_viewer(port: int) -> list[str]:
    return [f"vnc://127.0.0.1:{port}"]
