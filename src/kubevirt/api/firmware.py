"""How a machine starts, who it says it is, and protection of its memory."""

from kubevirt.api.base import Api, required


class ACPI(Api):
    """Further ACPI tables handed to the guest."""

    msdm_name_ref: str | None = None
    """Volume with the Windows licence table."""
    slic_name_ref: str | None = None
    """Volume with the software licensing table."""


class BIOS(Api):
    """Boots by a BIOS."""

    use_serial: bool | None = None
    """Shows the boot on the serial console."""


class EFI(Api):
    """Boots by UEFI."""

    persistent: bool | None = None
    """Keeps UEFI variables between runs."""
    secure_boot: bool | None = None
    """Starts only signed software. The default is true; it needs SMM."""


class Bootloader(Api):
    """The firmware that starts the guest; exactly one."""

    bios: BIOS | None = None
    """Boots by a BIOS, the default on amd64."""
    efi: EFI | None = None
    """Boots by UEFI."""


class KernelBootContainer(Api):
    """A container image that holds kernel and initrd."""

    image: str = required(str)
    """The container image."""
    image_pull_policy: str | None = None
    """When the image is pulled: Always, IfNotPresent or Never."""
    image_pull_secret: str | None = None
    """Secret with the credentials for the registry."""
    initrd_path: str | None = None
    """Path of the initrd within the image."""
    kernel_path: str | None = None
    """Path of the kernel within the image."""


class KernelBoot(Api):
    """Boots a kernel directly, without boot loader."""

    container: KernelBootContainer | None = None
    """The container image with kernel and initrd."""
    kernel_args: str | None = None
    """Command line of the kernel."""


class Firmware(Api):
    """Firmware settings and identity of the machine."""

    acpi: ACPI | None = None
    """Further ACPI tables."""
    bootloader: Bootloader | None = None
    """BIOS or UEFI."""
    kernel_boot: KernelBoot | None = None
    """Boots a kernel directly."""
    serial: str | None = None
    """Serial number shown by SMBIOS."""
    uuid: str | None = None
    """Identity shown by SMBIOS; kept over all runs of a machine."""


class SEVAttestation(Api):
    """Measures the guest before it starts."""


class SEVPolicy(Api):
    """What the guest owner allows the host to do."""

    encrypted_state: bool | None = None
    """Encrypts CPU registers, too (SEV-ES)."""


class SEV(Api):
    """AMD SEV: memory encrypted against the host."""

    attestation: SEVAttestation | None = None
    """Measures the guest before it starts."""
    dh_cert: str | None = None
    """Diffie-Hellman certificate of the guest's owner, in base64."""
    policy: SEVPolicy | None = None
    """What the host may do."""
    session: str | None = None
    """Session data of the guest's owner, in base64."""


class SEVSNP(Api):
    """AMD SEV-SNP: encryption with integrity."""


class TDX(Api):
    """Intel TDX: a trust domain."""


class LaunchSecurity(Api):
    """Protects the guest's memory from its host; exactly one."""

    sev: SEV | None = None
    """AMD SEV or SEV-ES."""
    snp: SEVSNP | None = None
    """AMD SEV-SNP."""
    tdx: TDX | None = None
    """Intel TDX."""
