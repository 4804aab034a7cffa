"""The image of the add-on's programs, `kubevirt/virt`: QEMU, libvirt and Python on Debian, and no tools to keep house.

Four layers, each rebuilt only when what it is made of changes: the Debian tree, the Python packages (pyproject.toml,
constraints.txt), libvirt's knowledge of this QEMU, and the project's own code, which is small, not compressed, and
takes a second or two. All Python is compiled beforehand, so that file times do not count: the launcher starts once per
virtual machine, as a user who could not store what it compiled.
"""

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from images import slim
from images.debian import tree
from images.layers import Entry, Layer, from_entries, from_tree
from images.oci import Image
from images.steps import CACHE, ROOT, run, step
from images.virt_debian import BASE, CODE_AT, PACKAGES_AT, PYTHON, QEMU_USER, compile_python, finish_base, in_tree

REPOSITORY = "docker.io/kubevirt/virt"
PROGRAMS = ("virt-api", "virt-controller", "virt-handler", "virt-launcher", "virt-operator", "virtctl")
# A third of a bare interpreter's start is the search for what site-packages might add; nothing here does.
LEAN_START = f"#!/usr/bin/python3 -IS\nimport sys\n\nsys.path += ['/{CODE_AT.rpartition('/')[0]}', '/{PACKAGES_AT}']"
SEED_MODULE = "virt_launcher/make_capability_seed.py"
SEED_AT = "usr/share/kubevirt/qemu-capabilities.xml"
PROBED = "/tmp/seed.xml"  # noqa: S108 - a tmpfs of its own, only there while QEMU is asked
AS_QEMU = f"setpriv --reuid={QEMU_USER} --regid={QEMU_USER} --clear-groups"
CHECKS = """
    qemu-system-x86_64 --version; qemu-img --version; libvirtd --version; swtpm --version
    swtpm_setup --print-capabilities; certtool --version
    for program in flock tail sleep swtpm_ioctl swtpm_cert swtpm_localca; do command -v $program; done
    python3 -c "import aiohttp, click, cryptography.x509, google.protobuf, grpc.aio, libvirt, prometheus_client"
    python3 -c "import asyncio, msgspec, pycdlib, pyroute2, rich.console, ssl, yaml"
    python3 -c "import socket; socket.getaddrinfo(None, 1)"
"""


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
        description="KubeVirt in Python: virt-api, -controller, -handler, -launcher, -operator, virtctl",
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
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:",
             f"--target={partial}", f"--python-version={PYTHON}", "--implementation=cp", "--abi=cp313",
             "--abi=abi3", "--abi=none", *platforms, "--platform=manylinux2014_x86_64", f"--constraint={constraints}",
             *wanted],
            remedy="see pip's message; it uses this machine's own pip settings",
        )  # fmt: skip
        for useless in [*partial.glob("bin"), *partial.rglob("tests")]:
            shutil.rmtree(useless)
        slim.check_libraries(tree(BASE), partial)
        compile_python(tree(BASE), [f"/{PACKAGES_AT}"], mounts={PACKAGES_AT: partial})
        check(partial)
        for older in CACHE.glob("virt-python-*"):
            if older != partial:
                shutil.rmtree(older)
        partial.rename(directory)
    return directory


def check(packages: Path) -> None:
    """Starts, as the launcher's user, what the image is there for: nothing that was slimmed too far may be kept."""
    in_tree(f"{AS_QEMU} sh -ec '{CHECKS}' >&2", mounts={PACKAGES_AT: packages})


def packages_layer() -> Layer:
    directory = packages_directory()
    files = (Entry(name=f"{PACKAGES_AT}/{p.relative_to(directory)}", source=p) for p in directory.rglob("*"))
    return from_entries("virt-python", "Python packages", files, key=directory.name.rpartition("-")[2], compress=True)


def seed_layer() -> list[Layer]:
    """What libvirt would else find out about QEMU at the start of every launcher; none if the code has no such part."""
    module = ROOT / "src/kubevirt" / SEED_MODULE
    if not module.exists():
        return []
    key = hashlib.sha256(BASE.directory.name.encode() + module.read_bytes()).hexdigest()[:12]
    target = CACHE / f"virt-seed-{key}.xml"
    if not target.exists():
        with step("asking QEMU for its capabilities"):
            name = "kubevirt." + SEED_MODULE.removesuffix(".py").replace("/", ".")
            script = f"{AS_QEMU} python3 -m {name} {PROBED} >&2"
            mounts = {PACKAGES_AT: packages_directory(), CODE_AT: staged_code()}
            content = in_tree(f"{script} && cat {PROBED}", mounts=mounts)
            for older in CACHE.glob("virt-seed-*"):
                older.unlink()
            target.write_bytes(content)
    entry = Entry(name=SEED_AT, source=target)
    return [from_entries("virt-seed", "QEMU's capabilities", [entry], key=key, compress=False)]


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
    """A copy of src/kubevirt with its compiled files; only what changed since the last time is copied and compiled.

    A changed module loses its compiled file before anything else, so that a build that is broken off leaves work to
    do, never a module beside the compiled form of an older one.
    """
    source, staged = ROOT / "src/kubevirt", CACHE / f"virt-code-{PYTHON}"
    present = {p.relative_to(source) for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    for path in [p for p in staged.rglob("*") if p.is_file() and "__pycache__" not in p.parts]:
        if path.relative_to(staged) not in present:
            compiled(path).unlink(missing_ok=True)
            path.unlink()
    for name in sorted(present):
        content, copy = (source / name).read_bytes(), staged / name
        if not copy.exists() or copy.read_bytes() != content:
            compiled(copy).unlink(missing_ok=True)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    missing = sorted(name for name in present if name.suffix == ".py" and not compiled(staged / name).exists())
    if missing:
        compile_python(tree(BASE), [f"/{CODE_AT}/{name}" for name in missing], mounts={CODE_AT: staged})
    return staged


def compiled(module: Path) -> Path:
    """Where Python keeps a module's compiled form."""
    return module.parent / "__pycache__" / f"{module.stem}.cpython-{PYTHON.replace('.', '')}.pyc"


def staged_programs() -> Path:
    directory = CACHE / "virt-programs"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for program in PROGRAMS:
        module = program.replace("-", "_")
        start = LEAN_START if program == "virt-launcher" else "#!/usr/bin/python3 -I"
        text = f"{start}\nfrom kubevirt.{module}.__main__ import main\n\nraise SystemExit(main())\n"
        (directory / program).write_text(text)
    for path in (Path(__file__).parent / "files/usr/bin").iterdir():
        shutil.copy(path, directory / path.name)
    return directory
