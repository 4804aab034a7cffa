"""The stand-in for the CirrOS demo image: boots in 64 MB of memory, in about five CPU seconds under emulation.

32 bits, because the 64-bit kernels of current Debian need 66 MiB of address space before their first instruction runs
(16 MiB offset and an image of 50 MiB), and the demo's virtual machine has 64 MB in all; Debian 12 is the last suite
with 32-bit kernels. The root file system is on the disk, not in memory, so that files survive a reboot of the guest.
"""

import hashlib
import shutil
from pathlib import Path

from guests import cpio, disk, kernel, root
from images.debian import Recipe, tree
from images.steps import CACHE, step
from images.tools import Workshop

INGREDIENTS = Recipe(
    name="cirros-ingredients",
    suite="bookworm",
    architecture="i386",
    installed=False,
    packages=("linux-image-686", "busybox-static", "bash", "ncurses-base", "dropbear-bin", "openssh-sftp-server",
              "qemu-guest-agent"),
)  # fmt: skip
# Quiet: at 115200 baud the kernel's log takes longer than the boot.
COMMAND_LINE = (
    "console=tty0 console=ttyS0,115200 quiet loglevel=4 random.trust_cpu=on mitigations=off nokaslr "
    "no_timer_check tsc=reliable panic=10 init_on_alloc=0 cryptomgr.notests noisapnp audit=0 nowatchdog lsm="
)
BOOT_MENU = f"""\
SERIAL 0 115200
DEFAULT linux
TIMEOUT 0
PROMPT 0
LABEL linux
  LINUX vmlinuz
  INITRD initrd
  APPEND {COMMAND_LINE}
"""


def build() -> Path:
    """The disk image (qcow2), made anew only when a recipe or a file of the guest changed."""
    here = Path(__file__).resolve().parent
    files = sorted(p for p in here.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    digest = hashlib.sha256(INGREDIENTS.directory.name.encode())
    for path in files:
        digest.update(f"{path.relative_to(here)} {path.stat().st_mode:o}\0".encode() + path.read_bytes())
    finished = CACHE / f"cirros-{digest.hexdigest()[:12]}.qcow2"
    if finished.exists():
        return finished
    source = tree(INGREDIENTS)
    with step("making the disk of the CirrOS stand-in"), Workshop() as shop:
        root.initramfs(source, shop.directory / "initramfs")
        root.root(source, shop.directory / "root")
        (compressed,) = (source / "boot").glob("vmlinuz-*")
        boot_files = {
            "vmlinuz": kernel.unpacked(compressed.read_bytes()),
            "initrd": cpio.pack(shop.directory / "initramfs"),
            "syslinux.cfg": BOOT_MENU.encode(),
        }
        home = shop.directory / "root/home/cirros"
        shutil.chown(home, 1000, 1000)
        made = disk.build(boot_files, "root", root_label="cirros-root", root_mib=40, shop=shop)
        for older in CACHE.glob("cirros-*.qcow2"):
            older.unlink()
        shutil.move(made, finished)
    return finished
