"""A cluster of many nodes that are objects only: what a kubelet and a virt-handler would write, without a guest.

The API server, scheduler, virt-api and virt-controller are the real ones. Simulated nodes carry a taint and a label of
their own, so that nothing but simulated machines lands on them, and simulated machines land nowhere else.
"""

from __future__ import annotations

LABEL = "simulated.kubevirt.io/node"
"""Label and taint of simulated nodes."""
