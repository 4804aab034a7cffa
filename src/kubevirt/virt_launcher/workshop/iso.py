"""ISO 9660 images with Rock Ridge and Joliet names: how cloud-init data and other small files reach a guest.

The library for them takes a fifth of the time in which all else of the workshop is loaded, and not every machine has
such an image, so it is loaded by its first use, or by `get_ready`.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath

_DIRECTORY_MODE, _FILE_MODE = 0o040755, 0o100644


def get_ready() -> None:
    """Load what writing an image takes, before anybody waits for one."""
    import pycdlib  # noqa: F401


def write_iso(target: Path, *, label: str, files: Mapping[str, bytes]) -> None:
    """Write an image with these files; it appears under its name only when it is complete."""
    import pycdlib

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09")
    directories: dict[PurePosixPath, str] = {PurePosixPath("."): ""}
    for number, (name, content) in enumerate(sorted(files.items())):
        path = PurePosixPath(name)
        for parent in reversed(path.parents):
            if parent not in directories:
                directories[parent] = f"{directories[parent.parent]}/D{len(directories)}"
                iso.add_directory(
                    directories[parent], rr_name=parent.name, joliet_path=f"/{parent}", file_mode=_DIRECTORY_MODE
                )
        iso.add_fp(
            BytesIO(content), len(content), f"{directories[path.parent]}/F{number}.;1",
            rr_name=path.name, joliet_path=f"/{path}", file_mode=_FILE_MODE,
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(target.name + ".staging")
    iso.write(str(staging))
    iso.close()
    staging.rename(target)
