"""The device nodes that launcher pods need, and how many of each a node can offer right now.

A device node is not a scarce thing: every pod gets the same one, so the number is only a limit that no node reaches.
What counts is none or some: a node without the file, or with a KVM that does not work, offers none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RESOURCE_PREFIX = "devices.kubevirt.io/"
DEFAULT_LIMIT = 1000
_CGROUP2_MARKER = Path("/sys/fs/cgroup/cgroup.controllers")


@dataclass(frozen=True, kw_only=True)
class DeviceNode:
    """One kind of device: `name` as in devices.kubevirt.io/<name>, `usable` a further condition beside the file."""

    name: str
    path: Path
    usable: Callable[[], bool] = lambda: True
    limit: int = DEFAULT_LIMIT

    @property
    def resource(self) -> str:
        return RESOURCE_PREFIX + self.name

    @property
    def socket_name(self) -> str:
        return f"kubevirt-{self.name}.sock"

    def ids(self) -> list[str]:
        """The ids to offer now: all of them or none."""
        if not self.path.exists() or not self.usable():
            return []
        return [f"{self.name}{number}" for number in range(self.limit)]


def permanent_devices(*, kvm_usable: Callable[[], bool], limit: int = DEFAULT_LIMIT) -> list[DeviceNode]:
    """The devices every node registers, whatever the cluster's configuration."""
    return [
        DeviceNode(name="kvm", path=Path("/dev/kvm"), usable=kvm_usable, limit=limit),
        DeviceNode(name="tun", path=Path("/dev/net/tun"), limit=limit),
        DeviceNode(name="vhost-net", path=Path("/dev/vhost-net"), limit=limit),
    ]


def permissions() -> str:
    """What a container may do with its device; cgroup v2 programs want the right to make the node stated too."""
    return "rwm" if _CGROUP2_MARKER.exists() else "rw"
