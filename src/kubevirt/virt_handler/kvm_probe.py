"""Whether KVM truly works here: decided by running a guest of four instructions, not by looking for a device file.

A /dev/kvm that opens and creates machines is no proof: under some nested set-ups ordinary guests hang in their
kernel's first steps. Two signs are asked for: the processor announces hardware virtualization, and a real-mode guest
computes 2 + 3, tells the answer on an I/O port and halts. The guest runs in a child process with a time limit,
because a broken hypervisor may never come back from it.

This is not a benchmark and not a list of what KVM offers; node labels come from the node labeller.
"""

import asyncio
import ctypes
import fcntl
import mmap
import os
import platform
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

DEVICE = Path("/dev/kvm")
TIME_LIMIT_S = 5.0

_X86 = ("x86_64", "amd64")
_API_VERSION = 12

# ioctl numbers and structure layouts: the kernel's Documentation/virt/kvm/api.rst and include/uapi/linux/kvm.h.
_GET_API_VERSION = 0xAE00
_CREATE_VM = 0xAE01
_GET_VCPU_MMAP_SIZE = 0xAE04
_CREATE_VCPU = 0xAE41
_SET_USER_MEMORY_REGION = 0x4020AE46
_SET_TSS_ADDR = 0xAE47
_RUN = 0xAE80
_SET_REGS = 0x4090AE82
_GET_SREGS = 0x8138AE83
_SET_SREGS = 0x4138AE84
_SREGS_BYTES = 312
_EXIT_REASON_OFFSET = 8
_EXIT_IO_OFFSET = 32
_EXIT_IO = 2
_EXIT_HLT = 5

_GUEST_ADDRESS = 0x1000
_TSS_ADDRESS = 0x7FFBD000  # three pages no memory slot uses; older Intel processors need them for real mode
_PORT = 0x10
# add al, bl / add al, '0' / out 0x10, al / hlt
_GUEST_CODE = bytes([0x00, 0xD8, 0x04, ord("0"), 0xE6, _PORT, 0xF4])
_LEFT, _RIGHT = 2, 3
_RFLAGS_RESERVED_BIT = 2


@dataclass(frozen=True, kw_only=True)
class KvmVerdict:
    """The answer of the probe; `reason` is a sentence for people and empty when KVM is usable."""

    usable: bool
    reason: str = ""


async def probe(
    device: Path = DEVICE, cpuinfo: Path = Path("/proc/cpuinfo"), limit_s: float = TIME_LIMIT_S
) -> KvmVerdict:
    """Judge KVM on this node; takes some 0.1 s where it works and at most `limit_s` where it does not."""
    if not device.exists():
        return KvmVerdict(usable=False, reason=f"{device} does not exist: the kernel offers no KVM")
    if missing := missing_processor_flags(await asyncio.to_thread(cpuinfo.read_text), platform.machine()):
        return KvmVerdict(usable=False, reason=missing)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kubevirt.virt_handler.kvm_probe", str(device),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit_s):
            output, _ = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()
        return KvmVerdict(usable=False, reason=f"a test guest under KVM did not halt within {limit_s:g} s")
    if child.returncode != 0:
        answer = output.decode(errors="replace").strip()
        return KvmVerdict(usable=False, reason=answer or "the KVM test guest ended its process unexpectedly")
    return KvmVerdict(usable=True)


def missing_processor_flags(cpuinfo: str, architecture: str) -> str:
    """Why the processor cannot virtualize according to /proc/cpuinfo; empty when nothing speaks against it."""
    if architecture not in _X86:
        return ""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            if {"vmx", "svm"} & set(value.split()):
                return ""
            break
    return "the processor shows neither vmx nor svm: no hardware virtualization, or none passed on to this machine"


def run_test_guest(device: Path) -> None:
    """Run the tiny guest; raises OSError where an ioctl fails and ValueError where the guest behaves wrongly."""
    kvm = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    version = fcntl.ioctl(kvm, _GET_API_VERSION, 0)
    if version != _API_VERSION:
        raise ValueError(f"KVM speaks API version {version} instead of {_API_VERSION}")
    vm = fcntl.ioctl(kvm, _CREATE_VM, 0)
    if platform.machine() not in _X86:
        return  # the guest below is x86 code; elsewhere a machine that can be created has to do
    fcntl.ioctl(vm, _SET_TSS_ADDR, _TSS_ADDRESS)
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    memory[: len(_GUEST_CODE)] = _GUEST_CODE
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(vm, _SET_USER_MEMORY_REGION, struct.pack("=IIQQQ", 0, 0, _GUEST_ADDRESS, mmap.PAGESIZE, address))
    vcpu = fcntl.ioctl(vm, _CREATE_VCPU, 0)
    shared = mmap.mmap(vcpu, fcntl.ioctl(kvm, _GET_VCPU_MMAP_SIZE, 0))
    sregs = bytearray(fcntl.ioctl(vcpu, _GET_SREGS, bytes(_SREGS_BYTES)))
    struct.pack_into("=Q", sregs, 0, 0)  # cs.base
    struct.pack_into("=H", sregs, 12, 0)  # cs.selector
    fcntl.ioctl(vcpu, _SET_SREGS, bytes(sregs))
    # rax, rbx, then fourteen further general registers, rip, rflags
    fcntl.ioctl(vcpu, _SET_REGS, struct.pack("=18Q", _LEFT, _RIGHT, *[0] * 14, _GUEST_ADDRESS, _RFLAGS_RESERVED_BIT))
    fcntl.ioctl(vcpu, _RUN, 0)
    _expect_answer(shared)
    fcntl.ioctl(vcpu, _RUN, 0)
    if (reason := _exit_reason(shared)) != _EXIT_HLT:
        raise ValueError(f"the KVM test guest did not halt (exit reason {reason})")


def _expect_answer(shared: mmap.mmap) -> None:
    if (reason := _exit_reason(shared)) != _EXIT_IO:
        raise ValueError(f"the KVM test guest did not reach its output (exit reason {reason})")
    _direction, _size, port, _count, offset = struct.unpack_from("=BBHIQ", shared, _EXIT_IO_OFFSET)
    if (port, shared[offset]) != (_PORT, ord("0") + _LEFT + _RIGHT):
        raise ValueError("the KVM test guest computed a wrong answer")


def _exit_reason(shared: mmap.mmap) -> int:
    return int(struct.unpack_from("=I", shared, _EXIT_REASON_OFFSET)[0])


def main() -> int:
    """The child process: one line of reason on stdout and status 1 where KVM is not usable."""
    device = Path(sys.argv[1])
    try:
        run_test_guest(device)
    except OSError as e:
        print(f"the KVM test guest could not run: {os.strerror(e.errno or 0)}")
        return 1
    except ValueError as e:
        print(e)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
