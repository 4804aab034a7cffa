"""How a machine starts, who it says it is, and protection of its memory."""

from kubevirt.api.base import Api, required


class ACPI(Api):
    """Further ACPI tables handed to the guest."""

    msdm_name_ref: str | None = None
    slic_name_ref: str | None = None


class BIOS(Api):
    """Boots by a BIOS."""

    use_serial: bool | None = None


class EFI(Api):
    """Boots by UEFI."""

    persistent: bool | None = None
    secure_boot: bool | None = None


class Bootloader(Api):
    """The firmware that starts the guest; exactly one."""

    bios: BIOS | None = None
    efi: EFI | None = None


class KernelBootContainer(Api):
    """A container image that holds kernel and initrd."""

    image: str = required(str)
    image_pull_policy: str | None = None
    image_pull_secret: str | None = None
    initrd_path: str | None = None
    kernel_path: str | None = None


class KernelBoot(Api):
    """Boots a kernel directly, without boot loader."""

    container: KernelBootContainer | None = None
    kernel_args: str | None = None


class Firmware(Api):
    """Firmware settings and identity of the machine."""

    acpi: ACPI | None = None
    bootloader: Bootloader | None = None
    kernel_boot: KernelBoot | None = None
    serial: str | None = None
    uuid: str | None = None


class SEVAttestation(Api):
    """Measures the guest before it starts."""


class SEVPolicy(Api):
    """What the guest owner allows the host to do."""

    encrypted_state: bool | None = None


class SEV(Api):
    """AMD SEV: memory encrypted against the host."""

    attestation: SEVAttestation | None = None
    dh_cert: str | None = None
    policy: SEVPolicy | None = None
    session: str | None = None


class SEVSNP(Api):
    """AMD SEV-SNP: encryption with integrity."""


class TDX(Api):
    """Intel TDX: a trust domain."""


class LaunchSecurity(Api):
    """Protects the guest's memory from its host; exactly one."""

    sev: SEV | None = None
    snp: SEVSNP | None = None
    tdx: TDX | None = None
