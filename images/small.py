"""The small images of tests and the demo: busybox, a guest's disk, and a disk that cannot be read."""

import hashlib
from pathlib import Path

from guests import cirros
from guests.disk import MIB
from images import elf
from images.debian import Recipe, tree
from images.layers import Entry, Layer, from_entries
from images.oci import Image
from images.steps import CACHE, run

# Not the static busybox: its name lookups crash where glibc's own libraries are absent.
BUSYBOX = Recipe(name="busybox", suite="trixie", installed=False, packages=("base-files", "busybox", "dropbear-bin"))
PROGRAMS = {"bin/busybox": "usr/bin/busybox", "bin/dbclient": "usr/bin/dbclient"}


def busybox() -> Image:
    """A pod image with a shell, an ssh client (dbclient) and busybox' network programs."""
    source = tree(BUSYBOX)
    work = CACHE / "busybox-files"
    (work / "tmp").mkdir(parents=True, exist_ok=True)
    files = {
        "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
    }
    for name, text in files.items():
        (work / name).write_text(text)
    entries = [Entry(name=f"etc/{name}", source=work / name) for name in files]
    entries += [Entry(name=name, source=source / place) for name, place in PROGRAMS.items()]
    entries += [Entry(name=name, source=work / "tmp", mode=mode) for name, mode in (("tmp", 0o1777), ("root", 0o700))]
    shared = {n: p for place in PROGRAMS.values() for n, p in libraries(source, source / place).items()}
    entries += [Entry(name=name, source=path) for name, path in shared.items()]
    (work / "links").mkdir(exist_ok=True)
    listed = run(["chroot", source, "/usr/bin/busybox", "--list"], remedy="this machine must run amd64 programs")
    for applet in listed.decode().split():
        link = work / "links" / applet
        if applet != "busybox":
            if not link.is_symlink():
                link.symlink_to("busybox")
            entries.append(Entry(name=f"bin/{applet}", source=link))
    key = hashlib.sha256(BUSYBOX.directory.name.encode() + Path(__file__).read_bytes()).hexdigest()[:12]
    layer = from_entries("busybox", "busybox and dropbear's ssh client", entries, key=key, compress=True)
    return Image(
        repository="docker.io/localkube/busybox",
        tag="latest",
        layers=[layer],
        command=["sh"],
        environment=["PATH=/bin"],
        description="busybox and an ssh client, from Debian packages",
    )


def libraries(source: Path, program: Path) -> dict[str, Path]:
    """Where a program's shared libraries go in the image, and where they are; the loader as programs name it."""
    found: dict[str, Path] = {}
    wanted = elf.needed(program)
    while wanted:
        name = wanted.pop()
        path = (source / "usr/lib/x86_64-linux-gnu" / name).resolve()
        found["lib64/" + name if name.startswith("ld-linux") else "lib/" + name] = path
        wanted |= {n for n in elf.needed(path) if not {f"lib/{n}", f"lib64/{n}"} & found.keys()}
    return found


def disk_image(repository: str, disk: Path, *, inside: str, description: str) -> Image:
    """A container disk: one file in /disk that only the user of QEMU can read."""
    with disk.open("rb") as f:
        key = hashlib.file_digest(f, "sha256").hexdigest()[:12]
    name = repository.rpartition("/")[2]
    entry = Entry(name=f"disk/{inside}", source=disk, uid=107, gid=107, mode=0o440)
    layer: Layer = from_entries(name, "A disk", [entry], key=key, compress=True)
    return Image(repository=repository, tag="latest", layers=[layer], description=description)


def cirros_disk() -> Image:
    return disk_image(
        "docker.io/kubevirt/cirros-container-disk-demo",
        cirros.build(),
        inside="cirros.qcow2",
        description="Stand-in for the CirrOS demo disk, made of Debian packages",
    )


def broken_disk() -> Image:
    """A file that calls itself qcow2 and points to tables far outside of itself: QEMU refuses it with a reason."""
    CACHE.mkdir(parents=True, exist_ok=True)
    disk = CACHE / "broken.qcow2"
    header = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(8) + bytes(4) + (16).to_bytes(4, "big")
    header += (64 * MIB).to_bytes(8, "big") + bytes(4) + (1 << 30).to_bytes(4, "big") + (1 << 62).to_bytes(8, "big")
    disk.write_bytes(header.ljust(65536, b"\xa5"))
    return disk_image(
        "docker.io/localkube/broken-container-disk",
        disk,
        inside="disk.qcow2",
        description="A disk image that cannot be read, for tests of what users are told then",
    )
