"""Takes out of a Debian tree what a container of this project never runs, and checks that nothing needed went along.

The tree stays a plain directory: package managers and their databases are removed, so nothing can be installed later.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from images import elf
from images.steps import CannotBuild

LIBRARIES = "usr/lib/x86_64-linux-gnu"
# Loaded by name at run time, so that no program's list of libraries mentions them.
LOADED_BY_NAME = ("libnss_", "libgcc_s.", "ld-linux")
# Asked for by Python packages, which are not part of the Debian tree.
FOR_PYTHON_PACKAGES = ("libpthread.", "libdl.", "librt.", "libutil.", "libm.", "libstdc++.")
KEPT_LIBRARIES = LOADED_BY_NAME + FOR_PYTHON_PACKAGES


def remove_packages(root: Path, packages: Iterable[str]) -> None:
    """Deletes the files of packages, except those that a package that stays has too."""
    info = root / "var/lib/dpkg/info"
    lists = {path.name.removesuffix(".list").partition(":")[0]: path for path in info.glob("*.list")}
    going = set(packages)
    if absent := going - lists.keys():
        raise CannotBuild(f"no packages {sorted(absent)} to remove", remedy="correct the list in images/virt_debian.py")
    staying = {line for name in lists.keys() - going for line in lists[name].read_text().splitlines()}
    for name in going:
        for line in lists[name].read_text().splitlines():
            path = root / line.lstrip("/")
            if line not in staying and (path.is_symlink() or path.is_file()):
                path.unlink()


def remove_paths(root: Path, patterns: Iterable[str]) -> None:
    for pattern in patterns:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def keep_only(directory: Path, patterns: Iterable[str]) -> None:
    keep = {path for pattern in patterns for path in directory.glob(pattern)}
    for path in set(directory.iterdir()) - keep:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def remove_unused_libraries(root: Path) -> None:
    """Deletes shared libraries that no program and no other library asks for; an unmet need is an error."""
    libraries = root / LIBRARIES
    binaries = [p for p in root.joinpath("usr").rglob("*") if p.is_file() and not p.is_symlink() and is_elf(p)]
    needs = {path: elf.needed(path) for path in binaries}
    candidates = {p for p in libraries.glob("*.so*") if not p.name.startswith(KEPT_LIBRARIES)}
    wanted = [path for path in binaries if path not in candidates]
    reached: set[Path] = set()
    while wanted:
        for name in needs.get(wanted.pop(), set()):
            path = libraries / name
            if not path.exists():
                path = next(iter(libraries.glob(f"*/{name}")), path)
            if not path.exists():
                raise CannotBuild(f"{name} is gone, but needed", remedy="keep its package (images/virt_debian.py)")
            if path not in reached:
                reached |= {path, path.resolve()}
                wanted.append(path.resolve())
    for path in candidates - reached:
        path.unlink()


def check_libraries(root: Path, packages: Path) -> None:
    """Looks whether the compiled parts of Python packages find their libraries, in the tree or among themselves."""
    own = {p.name for p in packages.rglob("*.so*")}
    for path in packages.rglob("*.so*"):
        for name in elf.needed(path) - own:
            if not (root / LIBRARIES / name).exists():
                raise CannotBuild(f"{path.name} needs {name}", remedy="keep it: FOR_PYTHON_PACKAGES in images/slim.py")


def is_elf(path: Path) -> bool:
    with path.open("rb") as f:
        return f.read(4) == b"\x7fELF"
