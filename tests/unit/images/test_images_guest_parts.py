"""The parts of the guest's disk that are made by hand: initramfs, module indexes, boot sector, uncompressed kernel.

That a guest boots from them is tested in tests/e2e/test_guest_alone.py.
"""

import lzma
import struct
from pathlib import Path

import pytest

from guests import cpio, disk, kernel, modules
from images import elf


def test_cpio_entry_is_aligned_and_named() -> None:
    packed = cpio.entry("init", b"hello", mode=0o100755, inode=7)
    assert packed[:6] == b"070701"
    assert len(packed) % 4 == 0
    fields = [int(packed[6 + 8 * i : 14 + 8 * i], 16) for i in range(13)]
    assert (fields[0], fields[1], fields[6], fields[11]) == (7, 0o100755, 5, 5)
    assert packed[110:115] == b"init\0"
    assert packed[116:121] == b"hello"


def test_cpio_holds_a_tree_with_links(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/busybox").write_text("x")
    (tmp_path / "bin/sh").symlink_to("busybox")
    packed = cpio.pack(tmp_path)
    positions = [packed.index(name + b"\0") for name in (b"bin", b"bin/busybox", b"bin/sh", b"TRAILER!!!")]
    assert positions == sorted(positions)


def module(
    directory: Path, name: str, *, depends: str = "", aliases: tuple[str, ...] = (), signature: bytes = b""
) -> Path:
    info = b"\0license=GPL\0depends=" + depends.encode() + b"\0"
    info += b"".join(b"alias=" + a.encode() + b"\0" for a in aliases)
    if signature:
        info += signature + struct.pack(">8xI", len(signature)) + b"~Module signature appended~\n"
    path = directory / "kernel" / f"{name}.ko"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x7fELF" + info)
    return path


@pytest.fixture
def kernel_modules(tmp_path: Path) -> Path:
    module(tmp_path, "virtio")
    module(tmp_path, "virtio_ring", depends="virtio")
    module(tmp_path, "virtio-rng", depends="virtio,virtio_ring", aliases=("virtio:d00000004v*",))
    module(tmp_path, "unrelated")
    return tmp_path


def test_modules_come_with_what_they_need_first(kernel_modules: Path) -> None:
    chosen = modules.closure(modules.find(kernel_modules), ("virtio-rng",))
    assert [m.name for m in chosen] == ["virtio", "virtio_ring", "virtio_rng"]


def test_a_module_that_the_kernel_lacks_is_an_error(kernel_modules: Path) -> None:
    with pytest.raises(KeyError):
        modules.closure(modules.find(kernel_modules), ("nvme",))


def test_indexes_are_those_that_modprobe_reads(kernel_modules: Path) -> None:
    chosen = modules.closure(modules.find(kernel_modules), ("virtio_rng",))
    written = modules.indexes(kernel_modules, chosen)
    assert "kernel/virtio-rng.ko: kernel/virtio.ko kernel/virtio_ring.ko" in written["modules.dep"].splitlines()
    assert written["modules.alias"] == "alias virtio:d00000004v* virtio_rng\n"


def test_only_the_signature_is_cut_off(tmp_path: Path) -> None:
    plain = module(tmp_path, "plain").read_bytes()
    signed = module(tmp_path, "signed", signature=b"s" * 300).read_bytes()
    assert modules.without_signature(signed) == modules.without_signature(plain) == plain


def test_boot_sector_has_an_active_first_partition() -> None:
    sector = disk.mbr(b"\x90" * 440, boot_mib=24, root_mib=40)
    assert len(sector) == 512
    assert sector[510:] == b"\x55\xaa"
    first, second = (struct.unpack_from("<B3xB3xII", sector, 446 + 16 * i) for i in range(2))
    assert first == (0x80, 0x0E, 2048, 24 * 2048)
    assert second == (0, 0x83, 25 * 2048, 40 * 2048)


def compressed_kernel(segments: list[tuple[int, bytes]]) -> bytes:
    """A bzImage as Debian's 32-bit one is made, around an ELF file with these segments (address, content)."""
    offset = 52 + 32 * len(segments)
    headers, body = b"", b""
    for address, content in segments:
        headers += struct.pack("<8I", 1, offset + len(body), 0, address, len(content), len(content) + 99, 7, 1)
        body += content
    elf_header = b"\x7fELF".ljust(28, b"\0") + struct.pack("<I8xHHHHHH", 52, 0, 52, 32, len(segments), 0, 0)
    kernel_file = elf_header[:40] + struct.pack("<HHHHHH", 52, 32, len(segments), 0, 0, 0) + headers + body
    packed = lzma.compress(kernel_file) + struct.pack("<I", len(kernel_file))
    setup = bytearray(2 * kernel.SECTOR)
    setup[kernel.SETUP_SECTORS] = 1
    setup[kernel.RELOCATABLE] = 1
    struct.pack_into("<H", setup, kernel.VERSION, 0x020F)
    struct.pack_into("<II", setup, kernel.PAYLOAD_OFFSET, 16, len(packed))
    return bytes(setup) + b"\xcc" * 16 + packed


def test_a_kernel_is_unpacked_behind_the_code_that_moves_it() -> None:
    made = kernel.unpacked(compressed_kernel([(0x1000000, b"text"), (0x1000010, b"data!")]))
    setup, payload = made[:1024], made[1024:]
    assert setup[kernel.RELOCATABLE] == 0
    assert struct.unpack_from("<I", setup, kernel.START_32) == (kernel.LOADED_AT,)
    assert struct.unpack_from("<I", setup, kernel.SYSTEM_SIZE)[0] * 16 == len(payload)
    assert payload[64 : 64 + 24] == b"text".ljust(16, b"\0") + b"data!".ljust(8, b"\0")
    code = payload[:64]
    assert code[2:7] == b"\xbe" + struct.pack("<I", kernel.LOADED_AT + 64 + 20)
    assert code[7:12] == b"\xbf" + struct.pack("<I", 0x1000014)
    assert code[12:17] == b"\xb9" + struct.pack("<I", 6)


def test_needed_libraries_of_a_real_program() -> None:
    needed = elf.needed(Path("/bin/sh").resolve())
    assert "libc.so.6" in needed
    assert any(name.startswith("ld-linux") for name in needed)


def test_a_script_needs_no_libraries() -> None:
    assert elf.needed(Path(__file__)) == set()
