"""A kernel image that does not have to be decompressed at boot.

Debian compresses its 32-bit kernel with xz, and unpacking that takes longer under emulation than all the rest of the
kernel's start. So it is unpacked here, and packed anew as a bzImage whose protected-mode part is the plain kernel
behind a few instructions that move it to where it was linked to run. The real-mode setup code stays as it is. See the
kernel's Documentation/arch/x86/boot.rst for the header's fields.
"""

import lzma
import struct

SETUP_SECTORS, SYSTEM_SIZE, VERSION, START_32 = 0x1F1, 0x1F4, 0x206, 0x214
RELOCATABLE, PAYLOAD_OFFSET, PAYLOAD_LENGTH, INIT_SIZE = 0x234, 0x248, 0x24C, 0x260
# The last version of the protocol in which a boot loader keeps to START_32 instead of preferring an address.
PROTOCOL = 0x0209
LOADED_AT = 0x100000
SECTOR = 512
PT_LOAD = 1


def unpacked(image: bytes) -> bytes:
    """The same kernel without compression. `image` is a 32-bit bzImage compressed with xz."""
    setup_length = (image[SETUP_SECTORS] + 1) * SECTOR
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = setup_length + offset
    # The last four bytes of the payload are the size of what is compressed.
    elf = lzma.decompress(image[start : start + length - 4], format=lzma.FORMAT_XZ)
    address, memory = flat(elf)
    payload = mover(source=LOADED_AT, target=address, length=len(memory)) + memory
    payload += b"\0" * (-len(payload) % 16)

    setup = bytearray(image[:setup_length])
    struct.pack_into("<I", setup, SYSTEM_SIZE, len(payload) // 16)
    struct.pack_into("<H", setup, VERSION, PROTOCOL)
    struct.pack_into("<I", setup, START_32, LOADED_AT)
    struct.pack_into("<II", setup, PAYLOAD_OFFSET, 0, 0)
    setup[RELOCATABLE] = 0
    return bytes(setup) + payload


def flat(elf: bytes) -> tuple[int, bytes]:
    """The physical address and the memory image of a 32-bit ELF kernel; .bss is left out, the kernel clears it."""
    (table,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    headers = [struct.unpack_from("<IIIIII", elf, table + i * size) for i in range(count)]
    segments = [(physical, elf[at : at + length]) for kind, at, _, physical, length, _ in headers if kind == PT_LOAD]
    first = min(physical for physical, _ in segments)
    memory = bytearray(max(physical + len(content) for physical, content in segments) - first)
    for physical, content in segments:
        memory[physical - first : physical - first + len(content)] = content
    return first, bytes(memory) + b"\0" * (-len(memory) % 4)


def mover(*, source: int, target: int, length: int) -> bytes:
    """32-bit code for the start of the payload: moves the kernel, last word first as the places overlap, and enters it.

    esi holds the boot parameters at entry and must do so again when the kernel is entered.
    """
    size = 64
    end = length - 4
    code = b"\x89\xf5"  # mov ebp, esi
    code += b"\xbe" + struct.pack("<I", source + size + end)  # mov esi, the last word here
    code += b"\xbf" + struct.pack("<I", target + end)  # mov edi, the last word there
    code += b"\xb9" + struct.pack("<I", length // 4)  # mov ecx, the number of words
    code += b"\xfd\xf3\xa5\xfc"  # std; rep movsd; cld
    code += b"\x89\xee"  # mov esi, ebp
    code += b"\xb8" + struct.pack("<I", target)  # mov eax, the kernel's entry
    code += b"\xff\xe0"  # jmp eax
    return code.ljust(size, b"\x90")
