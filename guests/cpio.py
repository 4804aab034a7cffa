"""An initramfs archive (cpio, "newc"), written from a directory: everything belongs to root, times are zero."""

import stat
from pathlib import Path


def pack(directory: Path) -> bytes:
    """The tree as an archive; not compressed, because unpacking takes longer under emulation than reading does."""
    archive = bytearray()
    for number, path in enumerate(sorted(directory.rglob("*")), start=1):
        mode = path.lstat().st_mode
        content = bytes(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes() if stat.S_ISREG(mode) else b""
        archive += entry(str(path.relative_to(directory)), content, mode=mode, inode=number)
    archive += entry("TRAILER!!!", b"", mode=0, inode=0)
    return bytes(archive)


def entry(name: str, content: bytes, *, mode: int, inode: int) -> bytes:
    """One member: magic and thirteen hexadecimal fields, the name, the content, each padded to four bytes."""
    named = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(named), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + named
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)
