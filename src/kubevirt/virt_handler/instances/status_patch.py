"""The one write of a reconcile: from the status that is to the status that should be, as a JSON patch.

Whole members of the status are put in place, none is edited inside: what the API server has stored may spell a value
otherwise than we would (a quantity, a time), so a patch that reaches into members could miss. The patch tests the
version that the decision was made on; whoever comes second decides anew.
"""

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceStatus
from kubevirt.kube.patches import Patch, pointer


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
