"""What is refused of guests because of their architecture."""

from kubevirt.kit.json import Json, JsonObject
from tests.refusals.samples import D, Refusal, S, devices


def on(architecture: str, **domain: Json) -> JsonObject:
    """A guest of another architecture, with other members of its domain."""
    return {"architecture": architecture, "domain": dict(domain)}


CORES: JsonObject = {"dedicatedCpuPlacement": True, "cores": 1, "threads": 2}
SATA: list[Json] = [{"name": "root", "disk": {"bus": "sata"}}]

ARCHITECTURES: list[Refusal] = [
    (
        on("arm64", firmware={"bootloader": {"bios": {}}}),
        "NotSupported",
        f"{S}.firmware.bootloader.bios",
        "Arm64 does not support bios boot, please change to uefi boot",
    ),
    (
        on("arm64", cpu={"model": "Haswell"}),
        "NotSupported",
        f"{S}.cpu.model",
        "currently, host-passthrough is the only model supported on Arm64",
    ),
    (
        on("arm64", cpu=CORES, resources={"limits": {"memory": "128Mi"}}),
        "Invalid",
        "spec.architecture",
        f"threads must not be greater than 1 at {S}.cpu.threads (got 2) when spec.architecture is arm64",
    ),
    (
        on("arm64", devices={"sound": {"name": "s"}}),
        "NotSupported",
        f"{S}.devices.sound",
        "Arm64 not support sound device",
    ),
    (
        on("arm64", devices={"disks": SATA}),
        "NotSupported",
        f"{D}.disk.bus",
        "Arm64 not support this disk bus type, please use virtio or scsi",
    ),
    (
        on("arm64", devices={"watchdog": {"name": "w"}}),
        "NotSupported",
        f"{S}.devices.watchdog",
        "Arm64 not support Watchdog device",
    ),
    (
        on("s390x", devices={"watchdog": {"name": "w", "i6300esb": {}}}),
        "NotSupported",
        f"{S}.devices.watchdog",
        "s390x only supports Diag288 watchdog device",
    ),
    (
        devices(watchdog={"name": "w", "diag288": {}}),
        "NotSupported",
        f"{S}.devices.watchdog",
        "amd64 only supports I6300ESB watchdog device",
    ),
    (
        on("arm64", devices={"panicDevices": [{"model": "isa"}]}),
        "Invalid",
        f"{S}.devices.panicDevices",
        "custom panic devices are not supported on arm64 architecture",
    ),
    (
        on("s390x", devices={"video": {"type": "vga"}}),
        "Invalid",
        f"{S}.devices.video.type",
        "video model 'vga' is not supported on s390x architecture",
    ),
    (
        on("arm64", launchSecurity={"sev": {}}),
        "Invalid",
        "spec.launchSecurity",
        "No launchSecurity support for architecture: arm64",
    ),
]
