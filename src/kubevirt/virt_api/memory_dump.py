"""Whether a guest's memory may be dumped into a claim: the table of answers. Pure; dumping itself is yet to come."""

from __future__ import annotations

from kubevirt.api.config import ClusterConfig
from kubevirt.api.core import PersistentVolumeClaim
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.quantity import Quantity
from kubevirt.virt_api.later_rules import Asked, body_of
from kubevirt.virt_api.lifecycle import Declined

EXTRA = Quantity("100Mi")
FILESYSTEM_OVERHEAD = 0.055
READ_ONLY = "ReadOnlyMany"
ENDED = ("Completed", "Failed")


def wanted_claim(vm: VirtualMachine, body: bytes) -> str:
    """The claim that a request means: the one it names, else the one that the machine is associated with."""
    named = str(body_of(Asked(body=body), without="Request with no body").get("claimName") or "")
    associated = vm.status.memory_dump_request
    if not named and associated is None:
        raise Declined(400, "Memory dump requires claim name to be set")
    return named or (associated.claim_name if associated is not None else "")


def may_dump(vm: VirtualMachine, vmi: VirtualMachineInstance | None, claim: PersistentVolumeClaim, config: ClusterConfig
             ) -> None:
    """Raises Declined for a claim that cannot take the dump, and while another dump is under way."""
    if vmi is None or vmi.status.phase != "Running":
        raise Declined(409, "VMI is not running")
    if claim.spec.volume_mode == "Block":
        raise Declined(409, "pvc should be filesystem pvc")
    if claim.spec.access_modes and set(claim.spec.access_modes) == {READ_ONLY}:
        raise Declined(409, "pvc access mode can't be read only")
    name = claim.metadata.name
    needed, offered = needed_size(vmi), claim.spec.resources.requests.get("storage")
    if offered is not None and offered < needed:
        raise Declined(409, f"pvc [{name}] has {offered} and needs at least {needed} for the memory of the guest")
    request = vm.status.memory_dump_request
    if request is None:
        return
    if request.claim_name != name:
        raise Declined(409, f"can't request memory dump for pvc [{name}] while pvc [{request.claim_name}] is still "
                            "associated as the memory dump pvc")  # fmt: skip
    if request.remove:
        raise Declined(409, f"can't dump memory for pvc [{name}] a remove memory dump request is in progress")
    if request.phase not in ENDED:
        raise Declined(409, f"memory dump request for pvc [{name}] already in progress")


def needed_size(vmi: VirtualMachineInstance) -> Quantity:
    """What a claim must hold: the guest's memory and a little more, and what the file system takes of it."""
    domain = vmi.spec.domain
    guest = domain.memory.guest if domain.memory is not None else None
    memory = guest or domain.resources.requests.get("memory") or Quantity(0)
    return Quantity.of_bytes(int((memory + EXTRA).bytes * (1 + FILESYSTEM_OVERHEAD)))
