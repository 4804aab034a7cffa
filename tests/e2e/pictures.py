"""What is in a picture: the colours of a PNG, counted by hand, so that no library for images is needed."""

from __future__ import annotations

import zlib
from collections import Counter


def pixels(picture: bytes) -> Counter[bytes]:
    """How often each colour is in a PNG of 8 bits a channel."""
    chunks, at = b"", 8
    while at < len(picture):
        size = int.from_bytes(picture[at : at + 4])
        if picture[at + 4 : at + 8] == b"IDAT":
            chunks += picture[at + 8 : at + 8 + size]
        at += size + 12
    width, channels = int.from_bytes(picture[16:20]), {0: 1, 2: 3, 6: 4}[picture[25]]
    found: Counter[bytes] = Counter()
    data, stride = zlib.decompress(chunks), width * channels
    above = bytearray(stride)
    for start in range(0, len(data), stride + 1):
        row = bytearray(data[start + 1 : start + 1 + stride])
        unfilter(data[start], row, above, channels)
        found.update(bytes(row[i : i + channels]) for i in range(0, stride, channels))
        above = row
    return found


def unfilter(kind: int, row: bytearray, above: bytearray, channels: int) -> None:
    """Undo the filter of a row of a PNG."""
    for i in range(len(row) if kind else 0):
        left = row[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        guess = left + above[i] - corner
        nearest = min((left, above[i], corner), key=lambda value: abs(guess - value))
        row[i] = (row[i] + (0, left, above[i], (left + above[i]) // 2, nearest)[kind]) & 255
