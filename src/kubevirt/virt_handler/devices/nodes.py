"""The device nodes that launcher pods need, and how many of each a node can offer right now.

A device node is not a scarce thing: every pod gets the same one, so the number is only a limit that no node reaches.
(The exception is TDX, whose keys the kernel counts.) What counts is none or some: a node without the file, or with a
KVM that does not work, offers none.
"""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubevirt.api.config import ClusterConfig
from kubevirt.kit.errors import Problem
from kubevirt.virt_handler.devices.offer import Allocation

RESOURCE_PREFIX = "devices.kubevirt.io/"
DEFAULT_LIMIT = 1000
MISC_CAPACITY = Path("/sys/fs/cgroup/misc.capacity")
_CGROUP2_MARKER = Path("/sys/fs/cgroup/cgroup.controllers")
_TDX_KEYS = re.compile(r"^tdx (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class DeviceNode:
    """One kind of device: `name` as in devices.kubevirt.io/<name>, `usable` a further condition beside the file."""

    name: str
    path: Path
    usable: Callable[[], bool] = lambda: True
    limit: int = DEFAULT_LIMIT
    seen_at: Path | None = None
    """Where virt-handler finds it, when not at `path`."""

    @property
    def resource(self) -> str:
        return RESOURCE_PREFIX + self.name

    @property
    def socket_name(self) -> str:
        return f"kubevirt-{self.name}.sock"

    @property
    def is_socket(self) -> bool:
        """Pods get the directory of a socket, so that they find the one that its server makes after a restart."""
        return self.path.suffix in (".sock", ".socket")

    def is_there(self) -> bool:
        try:
            mode = (self.seen_at or self.path).stat().st_mode
        except OSError:
            return False
        return stat.S_ISSOCK(mode) if self.is_socket else True

    def allocate(self, ids: list[str]) -> Allocation:
        """The same device for everybody. Raises Problem."""
        if set(ids) - set(self.ids()):
            raise Problem(cause=f"{self.path} is not usable on this node at the moment",
                          remedy="see `virtctl doctor` for what this node lacks")
        if self.is_socket:
            return Allocation(directories=[str(self.path.parent)])
        return Allocation(files=[str(self.path)])

    def ids(self) -> list[str]:
        """The ids to offer now: all of them or none."""
        if not self.is_there() or not self.usable():
            return []
        return [f"{self.name}{number}" for number in range(self.limit)]


@dataclass(frozen=True, kw_only=True)
class Gated:
    """A kind of device that belongs to a feature gate."""

    name: str
    path: Path
    gate: str
    seen_at: Path | None = None


GATED = (
    Gated(name="sev", path=Path("/dev/sev"), gate="WorkloadEncryptionSEV"),
    Gated(name="vhost-vsock", path=Path("/dev/vhost-vsock"), gate="VSOCK"),
    Gated(name="tdx", path=Path("/var/run/tdx-qgs/qgs.socket"), gate="WorkloadEncryptionTDX",
          seen_at=Path("/proc/1/root/run/tdx-qgs/qgs.socket")),
    Gated(name="pr-helper", path=Path("/var/run/kubevirt/daemons/pr/pr-helper.sock"), gate="PersistentReservation"),
    Gated(name="iommufd", path=Path("/dev/iommu"), gate="IOMMUFD"),
)


def permanent_devices(*, kvm_usable: Callable[[], bool], limit: int = DEFAULT_LIMIT) -> list[DeviceNode]:
    """The devices every node registers, whatever the cluster's configuration."""
    return [
        DeviceNode(name="kvm", path=Path("/dev/kvm"), usable=kvm_usable, limit=limit),
        DeviceNode(name="tun", path=Path("/dev/net/tun"), limit=limit),
        DeviceNode(name="vhost-net", path=Path("/dev/vhost-net"), limit=limit),
    ]


def gated_devices(config: ClusterConfig, *, limit: int = DEFAULT_LIMIT) -> list[DeviceNode]:
    """The devices whose feature gates are on. Nodes that have none of a kind need not offer it."""
    return [
        DeviceNode(name=kind.name, path=kind.path, seen_at=kind.seen_at,
                   limit=tdx_keys() if kind.name == "tdx" else limit)
        for kind in GATED if config.has_gate(kind.gate)
    ]


def tdx_keys(capacity: Path = MISC_CAPACITY) -> int:
    """For how many guests the processor has keys."""
    try:
        found = _TDX_KEYS.search(capacity.read_text())
    except OSError:
        return 0
    return int(found.group(1)) if found else 0


def permissions() -> str:
    """What a container may do with its device; cgroup v2 programs want the right to make the node stated too."""
    return "rwm" if _CGROUP2_MARKER.exists() else "rw"
