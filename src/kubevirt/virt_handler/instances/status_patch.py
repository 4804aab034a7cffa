"""The one write of a reconcile: from the status that is to the status that should be, as a JSON patch.

Whole members of the status are put in place, none is edited inside: what the API server has stored may spell a value
otherwise than we would (a quantity, a time), so a patch that reaches into members could miss. The patch tests the
version that the decision was made on; whoever comes second decides anew.
"""

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceStatus
from kubevirt.kube.patches import Patch, pointer

_UNHURRIED = frozenset({"AgentConnected", "AgentVersionNotSupported"})


def can_wait(old: VirtualMachineInstanceStatus, new: VirtualMachineInstanceStatus) -> bool:
    """Whether a change is one of details, which tend to come in swarms (a guest agent, a domain just started).

    What people and controllers wait for, the phase and most conditions, is never held back.
    """
    return old.phase == new.phase and _hurried(old) == _hurried(new)


def _hurried(status: VirtualMachineInstanceStatus) -> set[tuple[str, str, str]]:
    return {(c.type, c.status, c.reason) for c in status.conditions if c.type not in _UNHURRIED}


def status_patch(vmi: VirtualMachineInstance, wanted: VirtualMachineInstanceStatus) -> Patch | None:
    """None when nothing changes."""
    old, new = codec.to_builtins(vmi.status), codec.to_builtins(wanted)
    if old == new:
        return None
    patch = Patch().test_version(vmi.metadata.resource_version)
    for member in sorted(old.keys() | new.keys()):
        if member not in new:
            patch.remove(pointer("status", member))
        elif old.get(member) != new[member]:
            patch.add(pointer("status", member), new[member])
    return patch
