"""The guest's two trees: the initramfs that finds the disk, and the root file system that goes onto it."""

import shutil
import subprocess
from pathlib import Path

from guests import modules
from images import elf
from images.steps import CannotBuild

FILES = Path(__file__).resolve().parent / "cirros"

# bash only for people and for scripts that ask for it: busybox' shell asks every terminal where its cursor is, which
# confuses programs that read a console.
PROGRAMS = {
    "bin/bash": "bin/bash",
    "usr/sbin/dropbear": "usr/sbin/dropbear",
    "usr/bin/dropbearkey": "usr/bin/dropbearkey",
    "usr/bin/dbclient": "usr/bin/dbclient",
    "usr/sbin/qemu-ga": "usr/sbin/qemu-ga",
    "usr/lib/openssh/sftp-server": "usr/lib/sftp-server",
}
TERMINALS = ("v/vt100", "l/linux", "x/xterm", "x/xterm-256color", "s/screen")
BOOT_APPLETS = (
    "sh", "mount", "mkdir", "find", "cat", "sort", "xargs", "modprobe", "findfs", "echo", "usleep", "switch_root", "ls",
    "dmesg", "blkid",
)  # fmt: skip
# Applets that would only hide something better, or make no sense in this guest.
LEFT_OUT = {"dpkg", "dpkg-deb", "rpm", "rpm2cpio", "busybox", "init", "linuxrc", "adduser", "deluser", "svc", "svok"}
SECRET = {"etc/shadow": 0o600}
# su needs the rights of root; busybox gives them up in all other applets.
SET_USER_ID = {"bin/busybox-su": 0o4755}


def kernel_directory(source: Path) -> Path:
    (directory,) = (source / "lib/modules").iterdir()
    return directory


def initramfs(source: Path, target: Path) -> None:
    """Fills `target` with what is needed to find and mount the root file system."""
    for name in ("bin", "sbin", "dev", "proc", "sys", "newroot"):
        (target / name).mkdir(parents=True)
    shutil.copy(FILES / "initramfs/init", target / "init")
    shutil.copy(source / "bin/busybox", target / "bin/busybox")
    for applet in BOOT_APPLETS:
        (target / "bin" / applet).symlink_to("busybox")
    # The kernel and switch_root start modprobe by this path.
    (target / "sbin/modprobe").symlink_to("../bin/busybox")
    add_modules(source, target, modules.BOOT)


def root(source: Path, target: Path) -> None:
    """Fills `target` with the root file system."""
    shutil.copytree(FILES / "root", target)
    for name in ("bin", "sbin", "dev", "proc", "sys", "run", "tmp", "root", "mnt", "home/cirros", "etc/dropbear",
                 "var/lib/cirros", "var/log", "usr/local/bin", "usr/lib", "etc/network"):  # fmt: skip
        (target / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "bin/busybox", target / "bin/busybox")
    shutil.copy(source / "bin/busybox", target / "bin/busybox-su")
    applets = subprocess.run([source / "bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout
    for applet in set(applets.split()) - LEFT_OUT:
        if not any((target / place / applet).exists() for place in ("bin", "sbin", "usr/bin", "usr/sbin")):
            (target / "bin" / applet).symlink_to("busybox-su" if applet == "su" else "busybox")
    for applet in ("init", "getty", "reboot", "poweroff", "halt", "modprobe", "ifconfig", "route", "ip"):
        (target / "sbin" / applet).symlink_to("../bin/busybox")
    (target / "var/run").symlink_to("../run")
    for name, place in PROGRAMS.items():
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, target / place)
        add_libraries(source, target, source / name)
    for name in TERMINALS:
        (target / "lib/terminfo" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "lib/terminfo" / name, target / "lib/terminfo" / name)
    add_modules(source, target, modules.BOOT + modules.LATER)
    (target / "tmp").chmod(0o1777)
    (target / "root").chmod(0o700)
    for name, mode in (SECRET | SET_USER_ID).items():
        (target / name).chmod(mode)


def add_modules(source: Path, target: Path, wanted: tuple[str, ...]) -> None:
    directory = kernel_directory(source)
    inside = target / "lib/modules" / directory.name
    available = modules.find(directory)
    absent = [name for name in map(modules.canonical, wanted) if name not in available and not builtin(directory, name)]
    if absent:
        raise CannotBuild(f"the kernel has no module {absent}", remedy="correct the lists in guests/modules.py")
    chosen = modules.closure(available, tuple(n for n in map(modules.canonical, wanted) if n in available))
    for module in chosen:
        place = inside / module.path.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(modules.without_signature(module.path.read_bytes()))
    for name, text in modules.indexes(directory, chosen).items():
        (inside / name).write_text(text)


def builtin(directory: Path, name: str) -> bool:
    listed = (directory / "modules.builtin").read_text().splitlines()
    return any(modules.canonical(Path(line).stem) == name for line in listed)


def add_libraries(source: Path, target: Path, program: Path) -> None:
    """Copies the shared libraries a program needs, and those that these need, to where the loader looks by itself."""
    wanted, done = elf.needed(program), set[str]()
    while wanted:
        name = wanted.pop()
        done.add(name)
        places = [source / d / "i386-linux-gnu" / name for d in ("lib", "usr/lib")]
        found = next((p for p in places if p.exists()), None)
        if found is None:
            raise CannotBuild(f"{program.name} needs {name}", remedy="add its package in guests/cirros.py")
        (target / "lib").mkdir(exist_ok=True)
        shutil.copy(found.resolve(), target / "lib" / name)
        wanted |= elf.needed(found) - done
