"""A BIOS-bootable disk image from files, without mounting anything: MBR, a FAT partition for syslinux, an ext4 root."""

import struct
from pathlib import Path

from images.tools import Workshop

SECTOR = 512
MIB = 1 << 20
BOOT_MIB = 24
FIRST_MIB = 1
FAT16, LINUX = 0x0E, 0x83
DISK_ID = 0x6B766D31


def mbr(code: bytes, *, boot_mib: int, root_mib: int) -> bytes:
    """The first sector: syslinux' boot code and two partitions, the first of them active."""

    def partition(kind: int, start_mib: int, size_mib: int, *, active: bool) -> bytes:
        no_chs = b"\xfe\xff\xff"
        start, size = start_mib * MIB // SECTOR, size_mib * MIB // SECTOR
        return bytes([0x80 if active else 0]) + no_chs + bytes([kind]) + no_chs + struct.pack("<II", start, size)

    table = partition(FAT16, FIRST_MIB, boot_mib, active=True)
    table += partition(LINUX, FIRST_MIB + boot_mib, root_mib, active=False)
    return code[:440].ljust(440, b"\0") + struct.pack("<IH", DISK_ID, 0) + table.ljust(64, b"\0") + b"\x55\xaa"


def build(boot_files: dict[str, bytes], root_tree: str, *, root_label: str, root_mib: int, shop: Workshop) -> Path:
    """A qcow2 image in the workshop. `root_tree` is a directory in the workshop; boot_files go to the FAT partition."""
    here = shop.directory
    with (here / "boot.img").open("wb") as f:
        f.truncate(BOOT_MIB * MIB)
    shop.run("mkfs.fat", "-F16", "-i", "6b766d31", "-n", "BOOT", "--invariant", "boot.img")
    for name, content in boot_files.items():
        (here / name).write_bytes(content)
        shop.run("mcopy", "-m", "-i", "boot.img", name, f"::{name}")
    shop.run("syslinux", "--install", "boot.img")

    # Without a journal's first-time initialisation and lazily set up tables there is nothing for the guest to do later.
    features = "^metadata_csum,^has_journal,^64bit,^resize_inode"
    shop.run(
        "mke2fs", "-q", "-t", "ext4", "-O", features,
        "-E", "lazy_itable_init=0,hash_seed=6b766d31-0000-4000-8000-000000000001",
        "-U", "6b766d31-0000-4000-8000-000000000002", "-L", root_label, "-m", "0", "-N", "4096", "-d", root_tree,
        "root.img", f"{root_mib}M",
    )  # fmt: skip

    code = (shop.tools / "usr/lib/syslinux/mbr/mbr.bin").read_bytes()
    with (here / "disk.raw").open("wb") as disk:
        disk.write(mbr(code, boot_mib=BOOT_MIB, root_mib=root_mib))
        for start, part in ((FIRST_MIB, "boot.img"), (FIRST_MIB + BOOT_MIB, "root.img")):
            disk.seek(start * MIB)
            disk.write((here / part).read_bytes())
        disk.truncate((FIRST_MIB + BOOT_MIB + root_mib) * MIB)
    compressed = ("-c", "-o", "compression_type=zstd")
    shop.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *compressed, "disk.raw", "disk.qcow2")
    return here / "disk.qcow2"
