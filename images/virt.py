"""The image of the add-on's programs, `kubevirt/virt`: QEMU, libvirt and Python on Debian, and nothing to keep house with.

Four layers, each rebuilt only when what it is made of changes: the Debian tree (minutes apart from a download), the Python
packages (pyproject.toml, constraints.txt), libvirt's knowledge of this QEMU, and the project's own code, which is small,
not compressed, and takes a second or two. Everything Python is compiled beforehand without looking at file times: the
launcher starts once per virtual machine, as a user who could not store what it compiled.
"""

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from images import slim
from images.debian import Recipe, tree
from images.layers import Entry, Layer, from_entries, from_tree
from images.oci import Image
from images.steps import CACHE, ROOT, CannotBuild, run, step

REPOSITORY = "docker.io/kubevirt/virt"
PYTHON = "3.13"
PACKAGES_AT = f"usr/local/lib/python{PYTHON}/dist-packages"
CODE_AT = "usr/lib/python3/dist-packages/kubevirt"
PROGRAMS = ("virt-api", "virt-controller", "virt-handler", "virt-launcher", "virt-operator", "virtctl")
SEED_MODULE = "virt_launcher/make_capability_seed.py"
SEED_AT = "usr/share/kubevirt/qemu-capabilities.xml"
QEMU_USER = 107  # the uid and gid of launchers, libvirt and QEMU

DEBIAN_PACKAGES = (
    "qemu-system-x86", "qemu-utils", "seabios", "ovmf", "swtpm", "libvirt-daemon", "libvirt-daemon-driver-qemu",
    "python3", "python3-libvirt", "ca-certificates",
)  # fmt: skip
# The essential ones that only matter to a system that is installed, booted or upgraded.
REMOVED_PACKAGES = (
    "apt", "sqv", "perl-base", "dpkg", "debconf", "init-system-helpers", "systemd", "systemd-container", "iproute2",
    "passwd", "login", "login.defs", "gettext-base", "diffutils", "ncurses-bin", "openssl", "bash",
    "debianutils", "libpam-modules", "libpam-modules-bin", "libpam-runtime", "dbus-daemon", "tzdata",
)  # fmt: skip
REMOVED_PATHS = (
    "usr/bin/qemu-system-i386", "usr/bin/qemu-io", "usr/bin/qemu-nbd", "usr/bin/qemu-storage-daemon",
    "usr/bin/qemu-system-x86_64-microvm", "usr/share/qemu/trace-events-all", "usr/share/qemu/*.tar.gz",
    "usr/share/locale", "usr/share/i18n", "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/perl*",
    "usr/share/common-licenses", "usr/share/pixmaps", "usr/share/icons", "usr/share/applications", "usr/share/zoneinfo",
    "usr/share/bash-completion", "usr/share/debconf", "usr/share/dbus-1", "usr/share/polkit-1", "usr/share/apport",
    "usr/share/systemd", "usr/share/gdb", "usr/share/pam*", "usr/share/lintian", "usr/share/OVMF/*snakeoil*",
    "usr/share/OVMF/*strictnx*", "usr/share/ovmf", "usr/share/qemu/OVMF.fd",
    "usr/lib/systemd", "usr/lib/udev", "usr/lib/apt", "usr/lib/dpkg", "usr/lib/x86_64-linux-gnu/systemd",
    "usr/lib/x86_64-linux-gnu/perl*", "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/libsystemd-shared*",
    "usr/lib/python3*/idlelib", "usr/lib/python3*/lib2to3", "usr/lib/python3*/pydoc_data", "usr/lib/python3*/turtledemo",
    "usr/lib/python3/dist-packages/*.egg-info", "usr/share/python3", "usr/lib/valgrind", "usr/libexec/*audit*",
    "var/lib/dpkg", "var/lib/apt", "var/lib/pam", "var/lib/systemd", "var/cache/*", "var/log/*", "var/backups", "boot/*",
    "etc/apt", "etc/dpkg", "etc/systemd", "etc/pam.d", "etc/init.d", "etc/rc*.d", "etc/cron*", "etc/logrotate.d",
    "etc/kernel", "etc/security", "etc/skel", "root/.*", "tmp/*", "run/*",
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
FINISH_SOURCE = Path(__file__).read_bytes().split(b"# --- code below this line does not change the Debian tree")[0]

BASE = Recipe(
    name="virt-debian",
    suite="trixie",
    packages=DEBIAN_PACKAGES,
    installed=True,
    finish=hashlib.sha256(FINISH_SOURCE + Path(slim.__file__).read_bytes()).hexdigest(),
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


# --- code below this line does not change the Debian tree


def image() -> Image:
    base = from_tree(
        "virt-debian", "Debian packages: QEMU, libvirt, Python", tree(BASE, finish_base),
        key=BASE.directory.name.rpartition("-")[2], skip=frozenset({"dev", "proc", "sys", "tmp"}),
    )  # fmt: skip
    layers = [base, packages_layer(), *seed_layer(), code_layer()]
    return Image(
        repository=REPOSITORY,
        layers=layers,
        environment=["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=C.UTF-8", "MALLOC_ARENA_MAX=1"],
        description="The programs of KubeVirt in Python: virt-api, -controller, -handler, -launcher, -operator, virtctl",
    )


def packages_directory() -> Path:
    """The Python packages of all programs, as a tree to lay over the Debian one; installed and compiled once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted: list[str] = project["dependencies"] + project["optional-dependencies"]["node"]
    constraints = ROOT / "constraints.txt"
    key = hashlib.sha256("\n".join([PYTHON, BASE.directory.name, *wanted, constraints.read_text()]).encode())
    directory = CACHE / f"virt-python-{key.hexdigest()[:12]}"
    if directory.exists():
        return directory
    with step("installing Python packages for the image"):
        partial = directory.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        platforms = [f"--platform=manylinux_{glibc}_x86_64" for glibc in ("2_34", "2_28", "2_17")]
        run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:", f"--target={partial}",
             f"--python-version={PYTHON}", "--implementation=cp", "--abi=cp313", "--abi=abi3", "--abi=none",
             *platforms, "--platform=manylinux2014_x86_64", f"--constraint={constraints}", *wanted],
            remedy="see pip's message; it uses this machine's own pip settings",
        )  # fmt: skip
        for useless in [*partial.glob("bin"), *partial.rglob("tests"), *partial.glob("grpc/_cython/_credentials")]:
            shutil.rmtree(useless)
        compile_python(tree(BASE), [f"/{PACKAGES_AT}"], mounts={PACKAGES_AT: partial})
        for older in CACHE.glob("virt-python-*"):
            if older != partial:
                shutil.rmtree(older)
        partial.rename(directory)
    return directory


def packages_layer() -> Layer:
    directory = packages_directory()
    files = (Entry(name=f"{PACKAGES_AT}/{p.relative_to(directory)}", source=p) for p in directory.rglob("*"))
    return from_entries("virt-python", "Python packages", files, key=directory.name.rpartition("-")[2], compress=True)


def seed_layer() -> list[Layer]:
    """What libvirt would otherwise find out about QEMU at the start of every launcher; none if the code has no such part."""
    module = ROOT / "src/kubevirt" / SEED_MODULE
    if not module.exists():
        return []
    key = hashlib.sha256(BASE.directory.name.encode() + module.read_bytes()).hexdigest()[:12]
    target = CACHE / f"virt-seed-{key}.xml"
    if not target.exists():
        with step("asking QEMU for its capabilities"):
            name = "kubevirt." + SEED_MODULE.removesuffix(".py").replace("/", ".")
            script = f"setpriv --reuid={QEMU_USER} --regid={QEMU_USER} --clear-groups python3 -m {name} /tmp/seed.xml >&2"
            mounts = {PACKAGES_AT: packages_directory(), CODE_AT: staged_code()}
            content = in_tree(f"{script} && cat /tmp/seed.xml", mounts=mounts)
            for older in CACHE.glob("virt-seed-*"):
                older.unlink()
            target.write_bytes(content)
    return [from_entries("virt-seed", "QEMU's capabilities", [Entry(name=SEED_AT, source=target)], key=key, compress=False)]


def code_layer() -> Layer:
    """The project's code, compiled, and its programs."""
    code, programs = staged_code(), staged_programs()
    entries = [Entry(name=f"{CODE_AT}/{p.relative_to(code)}", source=p) for p in code.rglob("*")]
    entries += [Entry(name=f"usr/bin/{p.name}", source=p, mode=0o755) for p in programs.iterdir()]
    key = hashlib.sha256()
    for entry in sorted(entries, key=lambda e: e.name):
        if entry.source.is_file():
            key.update(entry.name.encode() + b"\0" + entry.source.read_bytes())
    return from_entries("virt-code", "The project's code", entries, key=key.hexdigest()[:12], compress=False)


def staged_code() -> Path:
    """A copy of src/kubevirt with its compiled files; only what changed since the last time is copied and compiled."""
    source, staged = ROOT / "src/kubevirt", CACHE / f"virt-code-{BASE.directory.name.rpartition('-')[2]}"
    present = {p.relative_to(source) for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    for path in [p for p in staged.rglob("*") if p.is_file() and "__pycache__" not in p.parts]:
        if path.relative_to(staged) not in present:
            path.unlink()
            for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
                compiled.unlink()
    changed = []
    for name in sorted(present):
        content = (source / name).read_bytes()
        if not (staged / name).exists() or (staged / name).read_bytes() != content:
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).write_bytes(content)
            changed.append(name)
    modules = [name for name in changed if name.suffix == ".py"]
    if modules:
        try:
            compile_python(tree(BASE), [f"/{CODE_AT}/{name}" for name in modules], mounts={CODE_AT: staged})
        except CannotBuild:
            for name in modules:
                (staged / name).unlink()
            raise
    return staged


def staged_programs() -> Path:
    directory = CACHE / "virt-programs"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for program in PROGRAMS:
        module = program.replace("-", "_")
        text = f"#!/usr/bin/python3 -I\nfrom kubevirt.{module}.__main__ import main\n\nraise SystemExit(main())\n"
        (directory / program).write_text(text)
    for path in (Path(__file__).parent / "files/usr/bin").iterdir():
        shutil.copy(path, directory / path.name)
    return directory


def compile_python(root: Path, places: list[str], *, mounts: dict[str, Path]) -> None:
    """Compiles with the tree's own Python; compiled files hold no times and are never checked against their source."""
    command = "python3 -m compileall -q -f -j 2 --invalidation-mode unchecked-hash -i -"
    in_tree(command, mounts=mounts, root=root, stdin="\n".join(places).encode())


def in_tree(script: str, *, mounts: dict[str, Path], root: Path | None = None, stdin: bytes | None = None) -> bytes:
    """Runs a shell script inside the Debian tree with directories laid over it, in mounts of its own."""
    root = root or tree(BASE)
    binds = [f'mount --bind "{source}" "{root}/{place}"' for place, source in mounts.items()]
    prepare = [f'mount -t proc proc "{root}/proc"', f'mount -t tmpfs -o mode=1777 tmpfs "{root}/tmp"', *binds]
    enter = f'exec chroot "{root}" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 HOME=/tmp /bin/sh -c "$0"'
    return run(
        ["unshare", "--mount", "/bin/sh", "-c", " && ".join([*prepare, enter]), script],
        remedy=f"see the message above; if the tree is damaged, remove {root}",
        stdin=stdin,
    )
