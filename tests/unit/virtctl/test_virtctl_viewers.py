"""Which viewer shows a screen on which platform, and how it is called; that one is started and connects: _screens."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.viewers import viewer_command

TIGER = "/Applications/TigerVNC.app/Contents/MacOS/vncviewer"
TIGER_OLD = "/Applications/TigerVNC Viewer 1.10.1.app/Contents/MacOS/TigerVNC Viewer"
TIGER_OLDER = "/Applications/TigerVNC Viewer 1.7.0.app/Contents/MacOS/TigerVNC Viewer"
CHICKEN = "/Applications/Chicken.app/Contents/MacOS/Chicken"
REAL = "/Applications/VNC Viewer.app/Contents/MacOS/vncviewer"
ADDRESS = "127.0.0.1:5900"
REMOTE = f"vnc://{ADDRESS}"
REAL_FLAGS = ["-WarnUnencrypted=0", "-Shared=0", "-ShareFiles=0"]


def viewer(platform: str, installed: list[str], vnc_type: str = "", vnc_path: str = "", *, talkative: bool = False
           ) -> list[str]:  # fmt: skip
    """The command line on a machine where these programs are, by path or, without one, in $PATH under /bin."""
    return viewer_command(
        5900,
        platform,
        vnc_type=vnc_type,
        vnc_path=vnc_path,
        which=lambda name: f"/bin/{name}" if name in installed else None,
        glob=lambda pattern: sorted(path for path in installed if fnmatchcase(path, pattern)),
        talkative=talkative,
    )


@pytest.mark.parametrize(
    ("platform", "installed", "vnc_type", "command"),
    [
        ("linux", ["remote-viewer", "vncviewer"], "", ["/bin/remote-viewer", REMOTE]),
        ("linux", ["vncviewer"], "", ["/bin/vncviewer", ADDRESS]),
        ("linux", ["vncviewer", "remote-viewer"], "tiger", ["/bin/vncviewer", ADDRESS]),
        ("win32", ["remote-viewer"], "", ["/bin/remote-viewer", REMOTE]),
        ("darwin", [REAL, CHICKEN, TIGER_OLD, TIGER, "remote-viewer"], "", [TIGER, ADDRESS]),
        ("darwin", [REAL, CHICKEN, TIGER_OLD], "", [TIGER_OLD, ADDRESS]),
        ("darwin", [REAL, CHICKEN], "", [CHICKEN, ADDRESS]),
        ("darwin", [REAL, "remote-viewer"], "", [REAL, ADDRESS, *REAL_FLAGS]),
        ("darwin", ["remote-viewer"], "", ["/bin/remote-viewer", REMOTE]),
        ("darwin", [TIGER_OLDER, TIGER_OLD, CHICKEN], "tiger", [TIGER_OLDER, ADDRESS]),
        ("darwin", [TIGER, CHICKEN], "chicken", [CHICKEN, ADDRESS]),
        ("darwin", [TIGER, REAL], "real", [REAL, ADDRESS, *REAL_FLAGS]),
        ("darwin", [TIGER, "remote-viewer"], "remote-viewer", ["/bin/remote-viewer", REMOTE]),
    ],
)  # fmt: skip
def test_viewers(platform: str, installed: list[str], vnc_type: str, command: list[str]) -> None:
    """Of several old TigerVNCs it is the one whose name comes last."""
    assert viewer(platform, installed, vnc_type) == command


@pytest.mark.parametrize(
    ("vnc_type", "arguments"),
    [
        ("tiger", [ADDRESS, "Log=*:stderr:100"]),
        ("remote-viewer", [REMOTE, "--debug"]),
        ("chicken", [ADDRESS]),
        ("real", [ADDRESS, *REAL_FLAGS, "-log=*:stderr:100"]),
    ],
)
def test_viewers_of_ones_own_that_say_more(vnc_type: str, arguments: list[str]) -> None:
    assert viewer("darwin", ["/my/viewer"], vnc_type, "/my/viewer", talkative=True) == ["/my/viewer", *arguments]


@pytest.mark.parametrize(
    ("platform", "vnc_type", "vnc_path", "message"),
    [
        ("linux", "", "", "could not find remote-viewer or vncviewer binary in $PATH"),
        ("darwin", "", "", "no supported VNC app found for darwin"),
        ("darwin", "real", "", "no supported VNC app found for darwin"),
        ("linux", "x", "", "unsupported vnc-type: x"),
        ("linux", "chicken", "", "unsupported vnc-type for linux: chicken"),
        ("win32", "real", "", "unsupported vnc-type for windows: real"),
        ("linux", "tiger", "/absent", "specified VNC path does not exist: /absent"),
        ("linux", "tiger", "", 'could not find vncviewer in $PATH: exec: "vncviewer": executable file not found'),
        ("plan9", "", "", "virtctl does not support VNC on plan9"),
    ],
)
def test_no_viewer(platform: str, vnc_type: str, vnc_path: str, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        viewer(platform, [], vnc_type, vnc_path)
    assert refused.value.message == message
