"""Memory of a launcher pod beside the guest's own: what it asks for, and what it may need at its worst.

A model from measurements, component by component; docs/memory-overhead.md holds the table, how each figure was found,
and what is not in it. The steady state is what the scheduler is told. The peak is what a memory limit leaves room for:
a guest under full load must never be killed for memory that is not its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import guest_cpu
from kubevirt.machine.domain import consoles, features, iothreads, models, security

MI = 1024 * 1024

LAUNCHER = 20 * MI
LIBVIRT = 12 * MI
QEMU = 46 * MI
SCREEN = 8 * MI
VCPU = 1 * MI
IO_THREAD = 1 * MI
DISK = 1 * MI
NETWORK_INTERFACE = 1 * MI
PAGE_TABLE_SHARE = 256
"""A page of 4 KiB costs 8 bytes in QEMU's page tables and as many in those by which the processor finds the guest's."""
TPM = 12 * MI
VFIO = 1024 * MI
CONFIDENTIAL = 256 * MI
PASST = 32 * MI
DOWNWARD_METRICS = 1 * MI
PROBE_PROCESS = 16 * MI
ARM64_FIRMWARE = 128 * MI
EFI_FIRMWARE = 8 * MI

TRANSLATED_CODE = 28 * MI
"""Of an emulated guest; how far it may grow is bounded by the domain."""

PEAK_READER = 48 * MI
PEAK_SCREEN = 32 * MI
PEAK_DISK = 4 * MI


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """In bytes. `requested_bytes` in a steady state, `peak_bytes` at the worst (never less)."""

    requested_bytes: int
    peak_bytes: int


def overhead(
    vmi: VirtualMachineInstance, *, emulation: bool = False, ratio: float = 1.0, bindings_bytes: int = 0
) -> Overhead:
    """The overhead of a VMI, which may have to be run in `emulation`.

    `ratio` is the cluster's factor on top of the model (`additionalGuestMemoryOverheadRatio`); `bindings_bytes` what
    network binding plugins ask for.
    """
    steady = sum(components(vmi, emulation=emulation).values())
    peak = steady + sum(peaks(vmi, emulation=emulation).values())
    given = vmi.spec.domain.memory.reserved_overhead if vmi.spec.domain.memory is not None else None
    added = given.added_overhead.bytes if given is not None and given.added_overhead is not None else 0
    return Overhead(
        requested_bytes=round((steady + added) * ratio) + bindings_bytes,
        peak_bytes=round((peak + added) * ratio) + bindings_bytes,
    )


def components(vmi: VirtualMachineInstance, *, emulation: bool = False) -> dict[str, int]:
    """Bytes of each part that this VMI has, by name: the table of the documentation for one machine."""
    domain = vmi.spec.domain
    devices = domain.devices
    memory = _mapped_memory(vmi)
    found = {
        "launcher": LAUNCHER,
        "libvirt": LIBVIRT,
        "qemu": QEMU,
        "page tables": memory // PAGE_TABLE_SHARE,
        "vcpus": VCPU * guest_cpu.count_vcpus(domain),
        "disks": DISK * len(devices.disks),
        "network interfaces": NETWORK_INTERFACE * len(devices.interfaces),
        "io threads": IO_THREAD * iothreads.threads(vmi).total,
    }
    firmware = domain.firmware
    optional = {
        "translated code": (TRANSLATED_CODE, emulation),
        "screen": (SCREEN, consoles.has_graphics(vmi)),
        "efi firmware": (EFI_FIRMWARE, firmware is not None and firmware.bootloader is not None
                         and firmware.bootloader.efi is not None),
        "arm64 firmware": (ARM64_FIRMWARE, vmi.spec.architecture == "arm64"),
        "tpm": (TPM, devices.tpm is not None and devices.tpm.enabled is not False),
        "host devices": (VFIO, passes_devices_on(vmi)),
        "confidential": (CONFIDENTIAL, security.technology(domain) in ("sev", "sev-snp")),
        "passt": (PASST, any(interface.passt_binding is not None for interface in devices.interfaces)),
        "downward metrics": (DOWNWARD_METRICS, any(v.downward_metrics is not None for v in vmi.spec.volumes)),
        "probes": (PROBE_PROCESS * _count_probes(vmi), _count_probes(vmi) > 0),
    }
    return found | {name: amount for name, (amount, present) in optional.items() if present}


def peaks(vmi: VirtualMachineInstance, *, emulation: bool = False) -> dict[str, int]:
    """Bytes that come and go on top."""
    found = {
        "reader of the VMI": PEAK_READER,
        "disks": PEAK_DISK * len(vmi.spec.domain.devices.disks),
    }
    if emulation:
        found["translated code"] = features.TRANSLATED_CODE_MIB * MI - TRANSLATED_CODE
    if consoles.has_graphics(vmi):
        found["screen"] = PEAK_SCREEN
    return found


def _mapped_memory(vmi: VirtualMachineInstance) -> int:
    """Guest memory that page tables are needed for: huge pages need next to none."""
    memory = vmi.spec.domain.memory
    if memory is not None and memory.hugepages is not None:
        return 0
    return models.guest_memory(vmi.spec.domain).bytes


def passes_devices_on(vmi: VirtualMachineInstance) -> bool:
    """The guest has devices of the host, which reach into its memory."""
    devices = vmi.spec.domain.devices
    return bool(devices.gpus or devices.host_devices) or any(i.sriov is not None for i in devices.interfaces)


def _count_probes(vmi: VirtualMachineInstance) -> int:
    """Probes that start a process in the pod."""
    return sum(
        probe is not None and (probe.exec is not None or probe.guest_agent_ping is not None)
        for probe in (vmi.spec.liveness_probe, vmi.spec.readiness_probe)
    )
