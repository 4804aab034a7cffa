"""A demo guest in a QEMU of its own, without libvirt or Kubernetes, and its serial console: for tests of the guest.

QEMU is the one of the built image, emulating; it is started by the loader of the image's tree, so nothing is mounted.
"""

import contextlib
import io
import json
import re
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pycdlib

from guests import cirros
from images.virt_debian import BASE

USER, PASSWORD = "cirros", "gocubsgo"
DEMO_MEMORY = 64_000_000  # bytes, what the user guide's vm-cirros asks for
PATIENCE_S = 240.0
ENTER_AGAIN_S = 60.0
VIRTIO_DISK = (
    "-device", "pcie-root-port,id=bus1,chassis=1",
    "-device", "virtio-blk-pci-non-transitional,drive=root,bus=bus1,bootindex=1",
)  # fmt: skip


def missing() -> str:
    """What keeps these tests from running; empty if nothing does."""
    return "" if BASE.directory.exists() else "needs the images: make images"


def program(name: str, *arguments: str) -> list[str]:
    tree = BASE.directory
    loader = [str(tree / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", str(tree / "usr/lib/x86_64-linux-gnu")]
    return [*loader, str(tree / "usr/bin" / name), *arguments]


def iso(path: Path, label: str, files: dict[str, str]) -> Path:
    """A data disk as the launcher makes it."""
    image = pycdlib.PyCdlib()
    image.new(joliet=3, rock_ridge="1.09", vol_ident=label)
    for number, (name, text) in enumerate(files.items()):
        short = ""
        for depth, part in enumerate(name.split("/")[:-1], start=1):
            short += f"/D{depth}"
            with contextlib.suppress(pycdlib.pycdlibexception.PyCdlibInvalidInput):  # it is there already
                image.add_directory(short, rr_name=part, joliet_path="/" + "/".join(name.split("/")[:depth]))
        content, place = text.encode(), f"{short}/F{number}.;1"
        rock_ridge = name.rpartition("/")[2]
        image.add_fp(io.BytesIO(content), len(content), place, rr_name=rock_ridge, joliet_path=f"/{name}")
    image.write(str(path))
    image.close()
    return path


class Guest:
    """A running guest: reads and writes its serial console, talks to QEMU and to the guest agent."""

    def __init__(self, directory: Path, devices: tuple[str, ...], *, memory: int) -> None:
        self.directory = directory
        base = str(cirros.build())
        create = program("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, f"{directory}/root")
        subprocess.run(create, check=True)
        tree = BASE.directory
        firmware = [w for d in ("qemu", "seabios") for w in ("-L", str(tree / "usr/share" / d))]
        firmware += ["-L", str(tree / "usr/lib/ipxe/qemu")]
        self.process = subprocess.Popen(
            program(
                "qemu-system-x86_64", *firmware, "-nodefaults", "-display", "none", "-accel", "tcg",
                "-machine", "q35", "-cpu", "qemu64", "-m", f"{memory // 1024}K",
                "-drive", f"file={directory}/root,if=none,id=root,format=qcow2", "-serial", "stdio",
                "-qmp", f"unix:{directory}/qmp,server=on,wait=off", *devices,
            ),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.unread = ""

    def expect(self, pattern: str, timeout_s: float = PATIENCE_S) -> str:
        """Everything up to the first match."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + timeout_s
        while not (match := re.search(pattern, self.unread)):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            new = self.process.stdout.read1(65536) if ready else b""  # type: ignore[attr-defined]  # a buffered pipe
            if not ready:
                raise TimeoutError(f"waited {timeout_s:g} s for {pattern!r}; the console says:\n{self.unread[-2000:]}")
            assert new, f"the console closed before {pattern!r}; it says:\n{self.unread[-2000:]}"
            self.unread += new.decode(errors="replace")
        text, self.unread = self.unread[: match.end()], self.unread[match.end() :]
        return text

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def log_in(self, user: str = USER, password: str = PASSWORD) -> str:
        """Everything that stood on the console before the login prompt."""
        said = self._login_prompt()
        self.type(f"{user}\n")
        self.expect("Password: ")
        self.type(f"{password}\n")
        self.expect(r"[$#] $")
        # The shell must not break the lines that it echoes.
        self.type("stty rows 50 columns 1000\n")
        self.expect(r"columns 1000\s+[$#] $")
        return said

    def _login_prompt(self) -> str:
        """The kernel may have a word after the prompt, so Enter is pressed again where nothing comes."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.expect(r"login: $", ENTER_AGAIN_S)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
                self.type("\n")

    def run(self, command: str) -> str:
        """What a command prints; it must succeed."""
        self.type(f"{command}; echo end=$?=\n")
        self.expect(r"echo end=\$\?=[^\n]*\n")
        said = self.expect(r"end=\d+=\r\n")
        self.expect(r"[$#] $")
        output, _, status = said.rpartition("end=")
        assert status.startswith("0="), f"{command}: {said}"
        return output.replace("\r\n", "\n")

    def power_button(self) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{self.directory}/qmp")
            stream = connection.makefile("rw")
            stream.readline()
            for command in ("qmp_capabilities", "system_powerdown"):
                stream.write(json.dumps({"execute": command}) + "\n")
                stream.flush()
                stream.readline()

    def agent(self, command: str) -> object:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{self.directory}/agent")
            connection.settimeout(60)
            stream = connection.makefile("rw")
            stream.write(json.dumps({"execute": command}) + "\n")
            stream.flush()
            return json.loads(stream.readline())["return"]


AGENT_CHANNEL = ("-device", "virtio-serial-pci", "-chardev", "socket,id=ga,path={directory}/agent,server=on,wait=off",
                 "-device", "virtserialport,chardev=ga,name=org.qemu.guest_agent.0")  # fmt: skip


@contextlib.contextmanager
def guest(*devices: str, memory: int = DEMO_MEMORY) -> Iterator[Guest]:
    """Starts a guest; `{directory}` in a device's text is the guest's own directory."""
    with tempfile.TemporaryDirectory() as directory:
        started = Guest(Path(directory), tuple(d.replace("{directory}", directory) for d in devices), memory=memory)
        with started.process:
            try:
                yield started
            finally:
                started.process.kill()
