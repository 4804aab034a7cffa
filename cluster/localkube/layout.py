"""Where a cluster keeps its things, and the names by which everything of it can be found again.

All that lives outside the state directory (processes, cgroups, links, nftables tables) carries the cluster's `tag`, so
that `down` finds what is left of a cluster even when every record of it was lost. Several clusters can run beside each
other: each takes a slot of its own, from which its addresses follow.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from localkube.errors import Problem

DEFAULT_DIR = Path("/var/lib/localkube")
SLOTS = 16


@dataclass(frozen=True)
class Layout:
    """The paths and names of the cluster whose state directory is `root`."""

    root: Path

    @staticmethod
    def from_environment() -> Layout:
        """LOCALKUBE_DIR, else the default."""
        return Layout(Path(os.environ.get("LOCALKUBE_DIR") or DEFAULT_DIR).absolute())

    @property
    def tag(self) -> str:
        """Short (links have 15 letters), the same for the same directory: "localkube", or "lk" and a hash."""
        if self.root == DEFAULT_DIR:
            return "localkube"
        return "lk" + hashlib.sha256(str(self.root).encode()).hexdigest()[:7]

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def cni_bin(self) -> Path:
        return self.root / "cni-bin"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def control_plane(self) -> Path:
        return self.root / "control-plane"

    @property
    def certs_d(self) -> Path:
        """containerd's registry configuration, shared by all nodes."""
        return self.root / "certs.d"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self.control_plane / "logs" / "audit.log"

    def node(self, name: str) -> NodeLayout:
        return NodeLayout(self, name)


@dataclass(frozen=True)
class NodeLayout:
    """The paths of one node. `data` holds what only this node sees under the usual system paths."""

    cluster: Layout
    name: str

    @property
    def root(self) -> Path:
        return self.cluster.root / "nodes" / self.name

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"


@dataclass
class Settings:
    """What was chosen when the cluster was first made; kept in cluster.json."""

    slot: int
    nodes: list[NodeSettings] = field(default_factory=list)

    @property
    def gateway(self) -> ipaddress.IPv4Address:
        """This machine's address on the cluster's bridge: API server and registry listen here."""
        return self.node_network[1]

    @property
    def node_network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"172.30.{self.slot}.0/24")

    @property
    def pod_network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.{244 - self.slot}.0.0/16")

    @property
    def service_network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network("10.96.0.0/16")

    @property
    def dns_address(self) -> ipaddress.IPv4Address:
        return self.service_network[10]

    @property
    def loopback(self) -> str:
        """etcd and the health ports of the control plane stay on this machine, beside those of other clusters."""
        return f"127.77.{self.slot}.1"

    @property
    def server(self) -> str:
        return f"https://{self.gateway}:6443"

    @property
    def registry(self) -> str:
        return f"{self.gateway}:5000"

    def node(self, name: str) -> NodeSettings:
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes) or "none"
        raise Problem(cause=f"there is no node {name!r}", remedy=f"the cluster's nodes are: {known}")

    def node_address(self, node: NodeSettings) -> ipaddress.IPv4Address:
        return self.node_network[10 + node.index]

    def pod_range(self, node: NodeSettings) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network((int(self.pod_network.network_address) + (node.index << 8), 24))


@dataclass
class NodeSettings:
    """One node: its name and its number, from which its addresses follow."""

    name: str
    index: int
    stopped: bool = False


def load_settings(layout: Layout) -> Settings | None:
    """The cluster's settings, or None when there is no cluster in this directory."""
    path = layout.root / "cluster.json"
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text())
        return Settings(slot=found["slot"], nodes=[NodeSettings(**node) for node in found["nodes"]])
    except (ValueError, KeyError, TypeError) as broken:
        remedy = "'localkube down --purge' removes this cluster"
        raise Problem(cause=f"{path} cannot be read: {broken}", remedy=remedy) from broken


def save_settings(layout: Layout, settings: Settings) -> None:
    layout.root.mkdir(parents=True, exist_ok=True)
    draft = layout.root / "cluster.json.new"
    draft.write_text(json.dumps(asdict(settings), indent=2) + "\n")
    draft.replace(layout.root / "cluster.json")
