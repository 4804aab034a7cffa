"""The Debian tree of the image of the programs: which packages, what is taken out of them again, what is added.

Also the way to run something inside the tree, with Python packages or code laid over it.
"""

import shutil
from pathlib import Path

from images import slim
from images.debian import Recipe, tree
from images.steps import run

PYTHON = "3.13"
PACKAGES_AT = f"usr/local/lib/python{PYTHON}/dist-packages"
CODE_AT = "usr/lib/python3/dist-packages/kubevirt"
QEMU_USER = 107  # the uid and gid of launchers, libvirt and QEMU

DEBIAN_PACKAGES = (
    "qemu-system-x86", "qemu-utils", "seabios", "ovmf", "swtpm", "swtpm-tools", "libvirt-daemon",
    "libvirt-daemon-driver-qemu", "python3", "python3-libvirt", "ca-certificates",
)  # fmt: skip
# The essential ones that only matter to a system that is installed, booted or upgraded.
REMOVED_PACKAGES = (
    "apt", "sqv", "perl-base", "dpkg", "debconf", "init-system-helpers", "systemd", "systemd-container", "iproute2",
    "passwd", "login", "login.defs", "gettext-base", "diffutils", "ncurses-bin", "openssl", "bash",
    "debianutils", "libpam-modules", "libpam-modules-bin", "libpam-runtime", "dbus-daemon", "tzdata",
)  # fmt: skip
REMOVED_PATHS = (
    "usr/bin/qemu-system-i386", "usr/bin/qemu-io", "usr/bin/qemu-nbd", "usr/bin/qemu-storage-daemon",
    "usr/bin/qemu-system-x86_64-microvm",
    # Beside certtool, by which a TPM gets its certificate.
    "usr/bin/danetool", "usr/bin/gnutls-*", "usr/bin/ocsptool", "usr/bin/p11tool", "usr/bin/psktool",
    "usr/bin/swtpm_bios", "usr/share/qemu/trace-events-all", "usr/share/qemu/*.tar.gz",
    "usr/share/locale", "usr/share/i18n", "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/perl*",
    "usr/share/common-licenses", "usr/share/pixmaps", "usr/share/icons", "usr/share/applications", "usr/share/zoneinfo",
    "usr/share/bash-completion", "usr/share/debconf", "usr/share/dbus-1", "usr/share/polkit-1", "usr/share/apport",
    "usr/share/systemd", "usr/share/gdb", "usr/share/pam*", "usr/share/lintian", "usr/share/OVMF/*snakeoil*",
    "usr/share/OVMF/*strictnx*", "usr/share/ovmf", "usr/share/qemu/OVMF.fd",
    "usr/lib/systemd", "usr/lib/udev", "usr/lib/apt", "usr/lib/dpkg", "usr/lib/x86_64-linux-gnu/systemd",
    "usr/lib/x86_64-linux-gnu/perl*", "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/libsystemd-shared*",
    "usr/lib/python3*/idlelib", "usr/lib/python3*/lib2to3", "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/turtledemo", "usr/lib/python3/dist-packages/*.egg-info", "usr/share/python3", "usr/lib/valgrind",
    "usr/libexec/*audit*", "var/lib/dpkg", "var/lib/apt", "var/lib/pam", "var/lib/systemd", "var/cache/*",
    "var/log/*", "var/backups", "boot/*", "etc/apt", "etc/dpkg", "etc/systemd", "etc/pam.d", "etc/init.d",
    "etc/rc*.d", "etc/cron*", "etc/logrotate.d", "etc/kernel", "etc/security", "etc/skel", "root/.*", "tmp/*", "run/*",
)  # fmt: skip
# Firmware of the one architecture, by the names QEMU looks for.
QEMU_DATA = (
    "bios*", "vgabios*", "kvmvapic.bin", "linuxboot*", "multiboot*", "pvh.bin", "qboot.rom", "efi-*.rom", "keymaps",
    "firmware", "edk2-*",
)  # fmt: skip
OVMF_NAMES = {
    "OVMF_CODE.fd": "OVMF_CODE_4M.fd",
    "OVMF_CODE.secboot.fd": "OVMF_CODE_4M.secboot.fd",
    "OVMF_VARS.fd": "OVMF_VARS_4M.fd",
    "OVMF_VARS.secboot.fd": "OVMF_VARS_4M.ms.fd",
}
# Counts up whenever finish_base, or what it calls, does something else than before: the Debian tree is then made anew.
FINISH = 1

BASE = Recipe(
    name="virt-debian",
    suite="trixie",
    packages=DEBIAN_PACKAGES,
    installed=True,
    finish=repr((FINISH, REMOVED_PACKAGES, REMOVED_PATHS, QEMU_DATA, sorted(OVMF_NAMES.items()), slim.KEPT_LIBRARIES)),
)


def finish_base(root: Path) -> None:
    """What is done to the Debian tree before it is kept: slimmed, users and names added, Python compiled."""
    slim.remove_packages(root, REMOVED_PACKAGES)
    slim.remove_paths(root, REMOVED_PATHS)
    slim.keep_only(root / "usr/share/qemu", QEMU_DATA)
    slim.remove_unused_libraries(root)
    for name, line in {
        "passwd": f"qemu:x:{QEMU_USER}:{QEMU_USER}:QEMU and libvirt in launcher pods:/:/usr/sbin/nologin",
        "group": f"qemu:x:{QEMU_USER}:",
    }.items():
        with (root / "etc" / name).open("a") as f:
            f.write(line + "\n")
    for name, real in OVMF_NAMES.items():
        (root / "usr/share/OVMF" / name).symlink_to(real)
    (root / "usr/share/edk2").mkdir()
    (root / "usr/share/edk2/ovmf").symlink_to("../OVMF")
    for place in (PACKAGES_AT, CODE_AT):
        (root / place).mkdir(parents=True, exist_ok=True)
    for cached in root.joinpath("usr/lib").glob("python3*/**/__pycache__"):
        shutil.rmtree(cached)
    compile_python(root, [f"/usr/lib/python{PYTHON}", "/usr/lib/python3/dist-packages"], mounts={})


def compile_python(root: Path, places: list[str], *, mounts: dict[str, Path]) -> None:
    """Compiles with the tree's own Python; compiled files hold no times and are never checked against their source."""
    command = "python3 -m compileall -q -f -j 2 --invalidation-mode unchecked-hash -i -"
    in_tree(command, mounts=mounts, root=root, stdin="\n".join(places).encode())


def in_tree(script: str, *, mounts: dict[str, Path], root: Path | None = None, stdin: bytes | None = None) -> bytes:
    """Runs a shell script inside the Debian tree with directories laid over it, in mounts of its own."""
    root = root or tree(BASE)
    binds = [f'mount --bind "{source}" "{root}/{place}"' for place, source in mounts.items()]
    prepare = [f'mount -t proc proc "{root}/proc"', f'mount -t tmpfs -o mode=1777 tmpfs "{root}/tmp"', *binds]  # noqa: S108
    enter = f'exec chroot "{root}" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 HOME=/tmp /bin/sh -c "$0"'
    return run(
        ["unshare", "--mount", "/bin/sh", "-c", " && ".join([*prepare, enter]), script],
        remedy=f"see the message above; if the tree is damaged, remove {root}",
        stdin=stdin,
    )
