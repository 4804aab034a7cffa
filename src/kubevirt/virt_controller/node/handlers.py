"""Whether virt-handler is on a node, read from the API: asked only of nodes that have fallen silent."""

from __future__ import annotations

from kubevirt.api.resources import DAEMONSETS, PODS
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound

HANDLER = "virt-handler"
HANDLER_LABEL = "kubevirt.io=virt-handler"


class Handlers:
    """The pods of virt-handler; `namespace` is where KubeVirt itself is installed."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def missing_on(self, node: str) -> bool:
        """No virt-handler runs there, and it is not because virt-handler is being rolled out or fails everywhere."""
        there = await self._client.list(PODS, self._namespace, labels=HANDLER_LABEL, fields=f"spec.nodeName={node}")
        if any(pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None for pod in there):
            return False
        try:
            status = (await self._client.get(DAEMONSETS, HANDLER, self._namespace)).status
        except NotFound:
            return False
        return status.desired_number_scheduled == status.number_ready
