"""Names of links: which link of the pod a network is, and what the ones around it are called.

A secondary network's links carry the first 11 hexadecimal digits of the SHA-256 of the network's name, because a link's
name may not exceed 15 characters and network names may.
"""

from __future__ import annotations

from hashlib import sha256

from kubevirt.api.network import Network

PRIMARY = "eth0"


def is_primary(network: Network) -> bool:
    """The network behind the pod's own address: the pod network, or the one that Multus puts in its place."""
    return network.pod is not None or (network.multus is not None and bool(network.multus.default))


def digest(network_name: str) -> str:
    return sha256(network_name.encode()).hexdigest()[:11]


def pod_link(network: Network) -> str:
    """The link as the CNI plugins make it."""
    return PRIMARY if is_primary(network) else f"pod{digest(network.name)}"


def bridge(network: Network) -> str:
    return f"k6t-{PRIMARY if is_primary(network) else digest(network.name)}"


def tap(network: Network) -> str:
    return "tap0" if is_primary(network) else f"tap{digest(network.name)}"


def renamed_pod_link(network: Network) -> str:
    """What the pod's link is called once its name belongs to the parked one (bridge binding)."""
    return f"{PRIMARY if is_primary(network) else digest(network.name)}-nic"
