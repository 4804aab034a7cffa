"""Tap devices: the link between a pod's bridge and the guest's network card.

QEMU runs without rights, so the tap is made here, persistent and owned by QEMU's user, who may then open it.
"""

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

_CONTROL = Path("/dev/net/tun")
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_IFF_MULTI_QUEUE = 0x0100
_TUNSETIFF = 0x400454CA
_TUNSETPERSIST = 0x400454CB
_TUNSETOWNER = 0x400454CC
_TUNSETGROUP = 0x400454CE
_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM = 0x17


def create_tap(name: str, *, owner: int, queues: int) -> None:
    """Create a persistent tap in the calling thread's network namespace; with more than one queue a multi-queue one.

    Raises OSError; an existing tap of that name is taken over when it has the same kind of queues.
    """
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR | (_IFF_MULTI_QUEUE if queues > 1 else 0)
    control = os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(control, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        fcntl.ioctl(control, _TUNSETOWNER, owner)
        fcntl.ioctl(control, _TUNSETGROUP, owner)
        fcntl.ioctl(control, _TUNSETPERSIST, 1)
    finally:
        os.close(control)


def leave_checksums_to_software(link: str) -> None:
    """Make the kernel fill in checksums of what it sends through the link (a bridge).

    Otherwise answers of a DHCP server in the pod arrive with unfinished UDP checksums, which is right between
    kernels, but DHCP clients that read raw packets drop them.
    """
    value = ctypes.create_string_buffer(struct.pack("=II", _ETHTOOL_STXCSUM, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCETHTOOL, struct.pack("16sP", link.encode(), ctypes.addressof(value)))
