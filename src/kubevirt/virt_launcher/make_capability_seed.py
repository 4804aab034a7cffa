"""Run once while the image of the programs is built, inside it and without privileges:

    python3 -m kubevirt.virt_launcher.make_capability_seed /usr/share/kubevirt/qemu-capabilities.xml

What it is for stands in `capability_seed`.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import libvirt

from kubevirt.virt_launcher.capability_seed import EMULATOR, SEED, cache_file


def make(target: Path) -> None:
    """Let libvirtd ask QEMU once and keep the answer. Raises TimeoutError, OSError."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        socket = scratch / "libvirt" / "libvirt-sock"
        env = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), name)
        env["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
        with subprocess.Popen(["libvirtd", "--timeout", "0"], env=env, stderr=subprocess.DEVNULL) as daemon:
            try:
                _wait_for(socket)
                connection = libvirt.open(f"qemu+unix:///session?socket={socket}")
                connection.getDomainCapabilities(str(EMULATOR), "x86_64", None, "qemu")
                connection.close()
            finally:
                daemon.terminate()
        target.write_bytes(cache_file(scratch).read_bytes())


def _wait_for(socket: Path) -> None:
    deadline = time.monotonic() + 30
    while not socket.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("libvirtd did not open its socket within 30 s")
        time.sleep(0.05)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else SEED)
