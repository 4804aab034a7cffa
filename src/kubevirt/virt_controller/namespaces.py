"""What namespaces want of the pods in them: labels that turn on automatic limits, and quotas that demand limits.

Small objects, and few of them, kept at hand because a launcher pod is made in a moment and never made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubevirt.api.objects import Namespace, ResourceQuota
from kubevirt.api.resources import NAMESPACES, RESOURCE_QUOTAS
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.informer import Informer
from kubevirt.machine.pod.context import wants_limits
from kubevirt.virt_controller.stores import namespace_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Customs:
    """Of one namespace."""

    labels: Mapping[str, str]
    limits_cpu: bool = False
    limits_memory: bool = False


NONE = Customs(labels={})


class Namespaces:
    """Kept up to date by caches of its own; one per program."""

    def __init__(self, client: Client) -> None:
        self._namespaces: Informer[Namespace] = Informer(client, NAMESPACES)
        self._quotas: Informer[ResourceQuota] = Informer(client, RESOURCE_QUOTAS, indexers={"namespace": namespace_of})

    async def start(self, tasks: Tasks) -> None:
        """Returns once all are known."""
        for informer in (self._namespaces, self._quotas):
            informer.start(tasks)
        await self._namespaces.synced()
        await self._quotas.synced()

    def customs(self, namespace: str) -> Customs:
        """What pods of a namespace have to respect."""
        found, quotas = self._namespaces.get("", namespace), self._quotas.by_index("namespace", namespace)
        return Customs(
            labels=found.metadata.labels if found is not None else {},
            limits_cpu=wants_limits(quotas, "cpu"),
            limits_memory=wants_limits(quotas, "memory"),
        )
