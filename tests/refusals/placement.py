"""What is refused of guests that want CPUs, memory pages or nodes of their own, or their memory hidden."""

from kubevirt.kit.json import Json, JsonObject
from tests.refusals.samples import Refusal, S, domain

REQUEST, LIMIT, CORES = f"{S}.resources.requests.cpu", f"{S}.resources.limits.cpu", f"{S}.cpu.cores"
DEDICATED, MAPPING = f"{S}.cpu.dedicatedCpuPlacement", f"{S}.cpu.numa.guestMappingPassthrough"
PAGES: JsonObject = {"hugepages": {"pageSize": "2Mi"}}
EFI: JsonObject = {"bootloader": {"efi": {"secureBoot": False}}}
BOOTABLE: JsonObject = {"interfaces": [{"name": "net", "masquerade": {}, "bootOrder": 1}]}


def dedicated(cores: int, request: str, limit: str) -> JsonObject:
    """A guest with whole CPUs, and memory of the guaranteed class."""
    resources: Json = {"requests": {"cpu": request, "memory": "128Mi"}, "limits": {"cpu": limit, "memory": "128Mi"}}
    return domain(cpu={"dedicatedCpuPlacement": True, "cores": cores}, resources=resources)


PLACEMENT: list[Refusal] = [
    (
        dedicated(2, "2", "4"),
        "Invalid",
        DEDICATED,
        f"{REQUEST} or {LIMIT} must be equal when DedicatedCPUPlacement is true ",
    ),
    (
        dedicated(3, "2", "2"),
        "Invalid",
        DEDICATED,
        f"{REQUEST} or {LIMIT} must not be provided at the same time with {CORES} when DedicatedCPUPlacement is true ",
    ),
    (
        domain(cpu={"numa": {"guestMappingPassthrough": {}}}, memory=PAGES),
        "Invalid",
        MAPPING,
        f"{DEDICATED} must be set to true when NUMA topology strategy is set in {MAPPING}",
    ),
    (
        domain(features={"hyperv": {"synic": {}, "vpindex": {"enabled": False}}}),
        "Invalid",
        f"{S}.features.hyperv.synic",
        f"'{S}.features.hyperv.synic' requires '{S}.features.hyperv.vpindex', which was disabled.",
    ),
    (
        domain(launchSecurity={"tdx": {}}, firmware=EFI),
        "Invalid",
        "spec.launchSecurity",
        "WorkloadEncryptionTDX feature gate is not enabled in kubevirt-config",
    ),
    (
        domain(launchSecurity={"sev": {}}, features={"smm": {}}, firmware={"bootloader": {"efi": {}}}),
        "Invalid",
        "spec.launchSecurity",
        "SEV does not work along with SecureBoot",
    ),
    (
        {
            **domain(launchSecurity={"sev": {}}, firmware=EFI, devices=BOOTABLE),
            "networks": [{"name": "net", "pod": {}}],
        },
        "Invalid",
        "spec.launchSecurity",
        "SEV does not work with bootable NICs: net",
    ),
]
