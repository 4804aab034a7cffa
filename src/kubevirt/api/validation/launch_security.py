"""Rules for guests whose memory is hidden from their host."""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation.causes import Causes, invalid
from kubevirt.api.validation.firmware import has_smm
from kubevirt.api.vmi import VirtualMachineInstanceSpec


def check_launch_security(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """All rules about launch security."""
    security, at = spec.domain.launch_security, f"{field}.launchSecurity"
    if security is None:
        return
    kinds = [
        (name, gate)
        for name, gate, given in (
            ("SEV", "WorkloadEncryptionSEV", security.sev),
            ("SEV-SNP", "WorkloadEncryptionSEV", security.snp),
            ("TDX", "WorkloadEncryptionTDX", security.tdx),
        )
        if given is not None
    ]
    if spec.architecture == "s390x":
        return  # secure execution is asked for by its presence alone
    if spec.architecture not in (None, "", "amd64"):
        yield invalid(at, f"No launchSecurity support for architecture: {spec.architecture}")
        return
    if len(kinds) != 1:
        yield invalid(at, "One and only one launchSecurity type can be set")
        return
    kind, gate = kinds[0]
    if not config.has_gate(gate):
        yield invalid(at, f"{gate} feature gate is not enabled in kubevirt-config")
    if kind == "TDX" and has_smm(spec.domain):
        yield invalid(at, "TDX does not work along with SMM")
    yield from _firmware(at, kind, spec)
    if security.sev is not None and security.sev.attestation is not None and spec.start_strategy != "Paused":
        yield invalid(at, "SEV attestation requires VMI StartStrategy 'Paused'")
    bootable = [nic.name for nic in spec.domain.devices.interfaces if nic.boot_order is not None]
    for name in bootable:
        yield invalid(at, f"{kind} does not work with bootable NICs: {name}")


def _firmware(at: str, kind: str, spec: VirtualMachineInstanceSpec) -> Causes:
    firmware = spec.domain.firmware
    efi = firmware.bootloader.efi if firmware is not None and firmware.bootloader is not None else None
    if efi is None:
        yield invalid(at, f"{kind} requires OVMF (UEFI)")
        return
    if efi.secure_boot is not False and kind != "TDX":
        yield invalid(at, f"{kind} does not work along with SecureBoot")
    if efi.persistent:
        yield invalid(at, f"{kind} does not work along with Persistent EFI variables")
