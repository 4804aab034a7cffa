"""The shared libraries that an ELF program asks for, read from its dynamic section (32 or 64 bits, little-endian)."""

import struct
from pathlib import Path

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB = 1, 5


def needed(path: Path) -> set[str]:
    """The names in DT_NEEDED, and the name of the loader; empty for a static program."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF":
        return set()
    wide = data[4] == 2
    header = struct.unpack_from("<QQIHHH" if wide else "<IIIHHH", data, 32 if wide else 28)
    offset, size, count = header[0], header[4], header[5]
    segments = [segment(data, offset + i * size, wide=wide) for i in range(count)]
    names = set()
    for kind, at, _, length in segments:
        if kind == PT_INTERP:
            names.add(Path(data[at : at + length - 1].decode()).name)
        if kind == PT_DYNAMIC:
            entries = list(struct.iter_unpack("<qQ" if wide else "<iI", data[at : at + length]))
            strings = file_offset(segments, next(value for tag, value in entries if tag == DT_STRTAB))
            for tag, value in entries:
                if tag == DT_NEEDED:
                    start = strings + value
                    names.add(data[start : data.index(b"\0", start)].decode())
    return names


def segment(data: bytes, at: int, *, wide: bool) -> tuple[int, int, int, int]:
    """Type, file offset, address and size in the file of a program header."""
    if wide:
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, at)
    else:
        kind, offset, address, _, size = struct.unpack_from("<IIIII", data, at)
    return kind, offset, address, size


def file_offset(segments: list[tuple[int, int, int, int]], address: int) -> int:
    for kind, offset, start, size in segments:
        if kind == PT_LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError(f"no segment holds the address {address:#x}")
