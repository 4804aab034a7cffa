"""libvirt's and QEMU's reasons for not starting a guest, in words for the user. Pure.

They come as text only. What is not in the table is passed on as it is, as libvirt's words.
"""

import re

import msgspec

from kubevirt.kit.errors import Problem


class Known(msgspec.Struct, frozen=True):
    """A reason that is understood. `cause` may use the groups of `pattern`."""

    pattern: re.Pattern[str]
    cause: str
    remedy: str


_KNOWN = (
    Known(
        re.compile(r"cannot set up guest memory|Cannot allocate memory"),
        "the node has not enough free memory for the guest",
        "give the guest less memory, or let it run on another node",
    ),
    Known(
        re.compile(r"unsupported machine type '?([^'\s]+)'?|machine type '([^']+)' is not supported", re.IGNORECASE),
        r"this node's QEMU does not know the machine type \1",
        "choose another spec.domain.machine.type, such as q35",
    ),
    Known(
        re.compile(r"the CPU is incompatible with host CPU|guest CPU doesn't match specification: (.*)"),
        "the node's processor cannot offer the guest's CPU model and features",
        "choose another spec.domain.cpu.model, such as host-model",
    ),
    Known(
        re.compile(r"No space left on device"),
        "the node has no disk space left for the guest's files",
        "free space on the node, or let the guest run on another one",
    ),
    Known(
        re.compile(r"Image is corrupt|L1 table|refcount|Image is not in qcow2 format", re.IGNORECASE),
        "a disk image of the guest is corrupt",
        "check it with qemu-img check and build the image anew",
    ),
    Known(
        re.compile(r"Unable to create tap device|could not configure /dev/net/tun|unable to open /dev/net/tun"),
        "a network interface of the guest is not there",
        "see the log of virt-handler on this node for how far the pod's network was set up",
    ),
)  # fmt: skip


def start_failure(message: str) -> Problem:
    """Why the guest could not be started, from libvirt's message."""
    text = " ".join(message.split())
    for known in _KNOWN:
        found = known.pattern.search(text)
        if found is not None:
            groups = next((group for group in found.groups() if group), "")
            return Problem(cause=f"{known.cause.replace(chr(92) + '1', groups)} ({text})", remedy=known.remedy)
    return Problem(
        cause=f"libvirt could not start the guest: {text}",
        remedy="see the log of the launcher pod's container 'compute'",
    )
