"""A launcher pod without Kubernetes: the built image's tree in namespaces of its own, with the user and the directories
that the kubelet gives to a launcher. For tests of virt-launcher alone.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kubevirt.launcher_link.client import LauncherEvent, LauncherLink
from kubevirt.launcher_link.messages import DomainEvent, GuestEvent
from kubevirt.machine.domain_report import DomainReport

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "build" / "images"
UNPACKED = ROOT / "build" / "launcher-alone"
UID = "11111111-2222-3333-4444-555555555555"
NAMESPACE = "launcher-box"
"""One that no cluster has: tests of clusters, which run beside these, look for what is left of their own guests."""
BOX_PREFIX = f"launcher-box-{os.getpid()}-"
PATIENCE_S = 120.0
"""How long anything is waited for. Nobody promises to be so slow: a machine that runs tests may be."""
DIRECTORIES = ("private", "public", "sockets", "libvirt", "ephemeral", "image")

# Runs as root in new mount, pid and network namespaces; ends as the launcher, process 1 of the box, without privileges.
SCRIPT = """
set -e
R=$BOX/root
mkdir -p $R $BOX/changes
mount -t tmpfs tmpfs $BOX/changes
mkdir $BOX/changes/upper $BOX/changes/work
mount -t overlay overlay -o lowerdir=$TREE,upperdir=$BOX/changes/upper,workdir=$BOX/changes/work $R
mkdir -p $R/proc $R/run $R/dev $R/tmp $R/sys
mount -t proc proc $R/proc
mount -t tmpfs tmpfs $R/run
mount -t tmpfs -o mode=1777 tmpfs $R/tmp
mount -t tmpfs -o mode=755 tmpfs $R/dev
mount --rbind /sys $R/sys
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 $R/dev/${node%:*} c 1 ${node#*:}; done
mkdir $R/dev/shm $R/dev/pts $R/dev/net
mount -t tmpfs -o mode=1777 shm $R/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $R/dev/pts
ln -s pts/ptmx $R/dev/ptmx
mknod -m 666 $R/dev/net/tun c 10 200
touch $R/dev/termination-log
mount --bind $BOX/termination-log $R/dev/termination-log
place() { mkdir -p $R/run/$2; mount --bind $BOX/$1 $R/run/$2; }
place private kubevirt-private
place public kubevirt
place sockets kubevirt/sockets
place libvirt libvirt
place ephemeral kubevirt-ephemeral-disks
place image kubevirt-image-volume/disk_0
for kind in $KEPT; do mkdir -p $R/run/kubevirt-state/$kind; mount --bind $STATE/$kind $R/run/kubevirt-state/$kind; done
test -z "$SPACE" || mount -t tmpfs -o size=$SPACE,uid=107,gid=107 tmpfs $R/run/kubevirt-ephemeral-disks
mkdir $R/run/code && mount --bind $CODE $R/run/code
mkdir $R/run/compiled && mount --bind $COMPILED $R/run/compiled
ip link set lo up
ip link add k6t-eth0 type bridge
ip addr add 10.0.2.1/24 dev k6t-eth0
ip tuntap add tap0 mode tap user 107
ip link set tap0 master k6t-eth0 up
ip tuntap add queues0 mode tap user 107 multi_queue
ip link set k6t-eth0 up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
exec chroot $R setpriv --reuid 107 --regid 107 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
  env -i PATH=/usr/sbin:/usr/bin HOME=/var/run MALLOC_ARENA_MAX=1 PYTHONPATH=/run/code \
  PYTHONPYCACHEPREFIX=/run/compiled "$@"
"""


def missing() -> str:
    """Why a box cannot be made here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root, for namespaces"
    for program in ("unshare", "ip", "zstd", "chroot"):
        if shutil.which(program) is None:
            return f"needs the program {program}"
    for image in ("virt", "cirros-container-disk-demo"):
        if not (IMAGES / f"{image}.tar").exists():
            return f"needs the image {image}: run make images"
    return ""


def unpacked(image: str) -> Path:
    """The tree of a built image."""
    digest = str(json.loads((IMAGES / f"{image}.json").read_text())["digest"]).removeprefix("sha256:")
    tree = UNPACKED / f"{image}-{digest[:12]}"
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with (UNPACKED / f"{image}.lock").open("w") as lock:  # test modules run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            unpack(image, digest, tree)
    return tree


def unpack(image: str, digest: str, tree: Path) -> None:
    """Make the tree; it appears whole or not at all."""
    new = UNPACKED / f"{image}.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    with tarfile.open(IMAGES / f"{image}.tar") as archive, tempfile.TemporaryDirectory() as scratch:
        archive.extractall(scratch, filter="data")
        blobs = Path(scratch) / "blobs" / "sha256"
        manifest = json.loads((blobs / digest).read_text())
        for layer in manifest["layers"]:
            blob = blobs / layer["digest"].removeprefix("sha256:")
            packing = [f"--{kind}" for kind in ("zstd", "gzip") if layer["mediaType"].endswith(kind)]
            subprocess.run(["tar", "-x", *packing, "-f", blob, "-C", new], check=True)
    new.rename(tree)


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for a condition; fails with what was waited for."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                now = condition()
                if now if isinstance(now, bool) else await now:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"waited {PATIENCE_S:g} s in vain for {what}")


@dataclass
class Box:
    """One pod's directories and the process of its launcher."""

    path: Path
    process: subprocess.Popen[bytes]

    @property
    def socket(self) -> Path:
        return self.path / "sockets" / "launcher-sock"

    @property
    def serial(self) -> Path:
        return self.path / "private" / UID / "virt-serial0"

    @property
    def log(self) -> str:
        return (self.path / "log").read_text()

    def last_words(self) -> str:
        return (self.path / "termination-log").read_text()

    def pids(self, name: str) -> list[int]:
        """Processes of the box by a part of their command line's first words."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "root").readlink() == self.path / "root":
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if name in words[0].decode() or name in b" ".join(words[:3]).decode():
                        found.append(int(entry.name))
        return sorted(found)

    async def only(self, name: str) -> int:
        """The one process of that name; a program that starts another is two of its name for a moment."""
        await eventually(lambda: len(self.pids(name)) == 1, f"one process {name}")
        return self.pids(name)[0]

    def end(self) -> None:
        """Kill process 1 of the box, and with it everything in there."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ends by itself at this moment
            for pid in children.read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    async def exit_code(self) -> int:
        await eventually(lambda: self.process.poll() is not None, "the launcher to leave")
        return self.process.wait()


def boxes_left() -> list[str]:
    """Launchers and guests of this test process's boxes that are alive still."""
    found = []
    for pid in processes():
        root = root_of(pid)
        if root is not None and BOX_PREFIX in str(root):
            with contextlib.suppress(OSError):
                found.append((Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " "))[:200])
    return found


@contextlib.contextmanager
def box(disk: Path | None = None, *, grace_period_s: int = 30, space: str = "", state: Path | None = None,
        ) -> Iterator[Box]:
    """A pod whose launcher has been started, with a disk in its container image. Everything of it ends with it.
    `space`: how much the node has for what guests write, as mount(8) spells sizes.
    `state`: directories of a claim that outlives it.
    """
    path = Path(tempfile.mkdtemp(prefix=BOX_PREFIX))
    for name in DIRECTORIES:
        (path / name).mkdir()
        os.chown(path / name, 107, 107)
    (path / "image" / "disk").mkdir()
    if disk is not None:
        copy = shutil.copy(disk, path / "image" / "disk")
        os.chown(copy, 107, 107)
    (path / "termination-log").touch()
    os.chown(path / "termination-log", 107, 107)
    arguments = ["python3", "-m", "kubevirt.virt_launcher", "--name", "web", "--namespace", NAMESPACE, "--uid", UID]
    arguments += ["--grace-period-seconds", str(grace_period_s), "--allow-emulation"]
    compiled = UNPACKED / "compiled"
    env = {**os.environ, "BOX": str(path), "TREE": str(unpacked("virt")), "CODE": str(ROOT / "src")}
    env |= {"COMPILED": str(compiled), "SPACE": space, "STATE": str(state or "")}
    env["KEPT"] = " ".join(kind.name for kind in state.iterdir()) if state is not None else ""
    compiled.mkdir(parents=True, exist_ok=True)
    os.chown(compiled, 107, 107)
    unshare = ["unshare", "--mount", "--pid", "--net", "--fork", "--propagation", "private"]
    with (path / "log").open("wb") as log:
        process = subprocess.Popen([*unshare, "sh", "-c", SCRIPT, "box", *arguments], env=env, stderr=log, stdout=log)
    made = Box(path=path, process=process)
    try:
        yield made
    finally:
        made.end()
        await_gone(path / "root")
        shutil.rmtree(path)


def await_gone(root: Path) -> None:
    """The kernel ends the processes of a killed box one after the other; the last may be writing still."""
    deadline = time.monotonic() + PATIENCE_S
    while left := [pid for pid in processes() if root_of(pid) == root]:
        assert time.monotonic() < deadline, f"processes of the box are still there: {left}"
        time.sleep(0.02)


def processes() -> list[int]:
    """All processes of the machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def root_of(pid: int) -> Path | None:
    """The root directory of a process; None when it has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/root").readlink()
    return None


class Handler:
    """The part of virt-handler that these tests play: a link, and what came over it."""

    def __init__(self) -> None:
        self.link: LauncherLink
        self.reports: list[DomainReport] = []
        self.guest_events: list[GuestEvent] = []
        self.final = asyncio.Event()
        self._news = asyncio.Event()

    def heard(self, event: LauncherEvent) -> None:
        if isinstance(event, DomainEvent):
            self.reports.append(event.report)
            if event.final:
                self.final.set()
        else:
            self.guest_events.append(event)
        self._news.set()

    async def until(self, state: str, *, within_s: float = PATIENCE_S) -> DomainReport:
        """The first report of a state from now on, or the present one."""
        async with asyncio.timeout(within_s):
            while not self.reports or self.reports[-1].state != state:
                self._news.clear()
                await self._news.wait()
        return self.reports[-1]


@contextlib.asynccontextmanager
async def handler(pod: Box) -> AsyncIterator[Handler]:
    await eventually(lambda: pod.socket.exists() or pod.process.poll() is not None, "the socket")
    assert pod.socket.exists(), pod.log
    played = Handler()
    async with LauncherLink.connect(pod.socket, on_event=played.heard, software="test") as link:
        played.link = link
        yield played
