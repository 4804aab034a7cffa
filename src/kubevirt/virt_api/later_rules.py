"""What is wrong with requests that this installation could not serve anyway, said first: the tables of the API.

A client that leaves a name out, or plugs a volume twice, is told so here exactly as it will be once the capability is
there; only a request that nothing is wrong with hears that it comes too early. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import Volume
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject, dig
from kubevirt.virt_api.lifecycle import Declined

NO_NAME_BODY = "Request with no body, a new name is expected as the request body"
SEV_GATE = "WorkloadEncryptionSEV"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request on a sub-resource, with what it is about. On a VM `vmi` is its instance, if there is one."""

    vm: VirtualMachine | None = None
    vmi: VirtualMachineInstance | None = None
    body: bytes = b""
    config: ClusterConfig = field(default_factory=ClusterConfig)


Rule = Callable[[Asked], None]


def body_of(asked: Asked, *, without: str) -> JsonObject:
    """The body as an object. Raises Declined, with the text `without` when there is none."""
    if not asked.body.strip():
        raise Declined(400, without)
    try:
        found = codec.decode_json(asked.body)
    except Problem as e:
        raise Declined(400, f"Can not unmarshal Request body to struct, error: {e}") from e
    if not isinstance(found, dict):
        raise Declined(400, "Can not unmarshal Request body to struct, error: it is not an object")
    if found.get("dryRun") not in (None, [], ["All"]):
        raise Declined(400, f"invalid dryRun {found['dryRun']!r}: only All is supported")
    return found


def may_migrate(asked: Asked) -> None:
    """migrate: there must be a guest to move."""
    if not _runs(asked):
        raise Declined(409, "VM is not running")


def may_add_volume(asked: Asked) -> None:
    """addvolume."""
    wanted = body_of(asked, without=NO_NAME_BODY)
    name = str(wanted.get("name") or "")
    if not name:
        raise Declined(400, "AddVolumeOptions requires name to be set")
    if wanted.get("disk") is None:
        raise Declined(400, "AddVolumeOptions requires disk to not be nil")
    source = dig(wanted, "volumeSource")
    if not isinstance(source, dict):
        raise Declined(400, "AddVolumeOptions requires VolumeSource to not be nil")
    _must_stand_alone(asked)
    claim = str(dig(source, "dataVolume", "name") or dig(source, "persistentVolumeClaim", "claimName") or "")
    for volume in _volumes(asked):
        if volume.name == name:
            raise Declined(409, f"Unable to add volume [{name}] because volume with that name already exists")
        if claim and claim == _claim_of(volume):
            raise Declined(409, f"Unable to add volume source [{claim}] because it already exists")
    for added, removed in _requests(asked):
        if added == name:
            raise Declined(409, f"add volume request for volume [{name}] already exists")
        if removed == name:
            raise Declined(409, f"unable to add volume since a remove volume request for volume [{name}] already "
                                "exists and is still being processed")  # fmt: skip


def may_remove_volume(asked: Asked) -> None:
    """removevolume."""
    name = str(body_of(asked, without=NO_NAME_BODY).get("name") or "")
    if not name:
        raise Declined(400, "RemoveVolumeOptions requires name to be set")
    _must_stand_alone(asked)
    for _, removed in _requests(asked):
        if removed == name:
            raise Declined(409, f"a remove volume request for volume [{name}] already exists and is still being "
                                "processed")  # fmt: skip
    found = next((volume for volume in _volumes(asked) if volume.name == name), None)
    if found is None:
        raise Declined(409, f"Unable to remove volume [{name}] because it does not exist")
    if not found.is_hotpluggable:
        raise Declined(409, f"Unable to remove volume [{name}] because it is not hotpluggable")


def may_remove_dump(asked: Asked) -> None:
    """removememorydump."""
    assert asked.vm is not None  # noqa: S101 - a sub-resource of machines only
    request = asked.vm.status.memory_dump_request
    if request is None:
        name = asked.vm.metadata.name
        raise Declined(409, f"can't remove memory dump association for vm {name}, no association found")
    if request.remove:
        raise Declined(409, f"memory dump remove request for pvc [{request.claim_name}] already exists")


def may_open_vsock(asked: Asked) -> None:
    """vsock."""
    if asked.vmi is None or asked.vmi.spec.domain.devices.autoattach_vsock is not True:
        raise Declined(400, "VSOCK is not attached.")
    if not _runs(asked):
        raise Declined(400, "VMI is not running")


def may_attest(asked: Asked) -> None:
    """sev/fetchcertchain and sev/querylaunchmeasurement."""
    _must_attest(asked)
    if asked.vmi is not None and asked.vmi.status.phase not in ("Scheduled", "Running"):
        raise Declined(409, "VMI is not assigned to a node yet")


def may_set_session(asked: Asked) -> None:
    """sev/setupsession."""
    _must_have_sev(asked)
    wanted = body_of(asked, without="Request with no body: SEV session parameters are required")
    if not wanted.get("session"):
        raise Declined(400, "Session blob is required")
    if not wanted.get("dhCert"):
        raise Declined(400, "DH cert is required")
    _must_attest(asked)
    if asked.vmi is not None and asked.vmi.status.phase != "Scheduled":
        raise Declined(409, "VMI is not in Scheduled phase")
    sev = _sev(asked)
    if dig(sev, "session") or dig(sev, "dhCert"):
        raise Declined(409, "Session already defined")


def may_inject_secret(asked: Asked) -> None:
    """sev/injectlaunchsecret."""
    _must_have_sev(asked)
    body_of(asked, without="Request with no body: SEV secret parameters are required")
    _must_attest(asked)
    paused = asked.vmi is not None and any(c.type == "Paused" and c.status == "True"
                                           for c in asked.vmi.status.conditions)  # fmt: skip
    if not _runs(asked):
        raise Declined(409, "VMI is not running")
    if not paused:
        raise Declined(409, "VMI is not paused")


def may_back_up(asked: Asked) -> None:
    """backup."""
    if not _runs(asked):
        raise Declined(409, "VMI is not running")


def _runs(asked: Asked) -> bool:
    return asked.vmi is not None and asked.vmi.status.phase == "Running"


def _must_stand_alone(asked: Asked) -> None:
    """A machine's volumes are changed on the machine, where its volumes are declared."""
    if asked.vm is not None or asked.vmi is None or not asked.config.has_gate("DeclarativeHotplugVolumes"):
        return
    meta = asked.vmi.metadata
    if any(owner.kind == "VirtualMachine" and owner.controller for owner in meta.owner_references):
        raise Declined(400, f"VMI {meta.namespace}/{meta.name} is owned by a VM")


def _volumes(asked: Asked) -> Iterable[Volume]:
    if asked.vm is not None:
        return asked.vm.spec.template.spec.volumes
    return asked.vmi.spec.volumes if asked.vmi is not None else ()


def _claim_of(volume: Volume) -> str:
    if volume.data_volume is not None:
        return volume.data_volume.name
    return volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim is not None else ""


def _requests(asked: Asked) -> Iterable[tuple[str, str]]:
    """(name to add, name to remove) of the requests that are not done yet."""
    for each in asked.vm.status.volume_requests if asked.vm is not None else ():
        added, removed = each.add_volume_options, each.remove_volume_options
        yield added.name if added is not None else "", removed.name if removed is not None else ""


def _must_have_sev(asked: Asked) -> None:
    if not asked.config.has_gate(SEV_GATE):
        raise Declined(400, f"'{SEV_GATE}' feature gate is not enabled")


def _must_attest(asked: Asked) -> None:
    _must_have_sev(asked)
    if dig(_sev(asked), "attestation") is None:
        raise Declined(409, "Attestation not requested for VMI")


def _sev(asked: Asked) -> JsonObject:
    security = asked.vmi.spec.domain.launch_security if asked.vmi is not None else None
    if security is None or security.sev is None:
        return {}
    found = codec.to_builtins(security.sev)
    if security.sev.attestation is not None:
        found["attestation"] = {}
    return found
