"""Which labels of machines are told to Prometheus: an administrator may choose, in a ConfigMap beside the programs.

Labels of users may be many and secret, and each of them makes the series of a machine larger. Without the ConfigMap
all are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubevirt.api.objects import ConfigMap
from kubevirt.api.resources import CONFIGMAPS
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.informer import Informer

NAME = "kubevirt-vm-labels-config"
ALLOWED, IGNORED = "allowlist", "ignorelist"
EVERY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLabels:
    """Keys that are told unless they are ignored; all of them for `*`."""

    allowed: frozenset[str] = frozenset({EVERY})
    ignored: frozenset[str] = frozenset()

    def of(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Those that are told."""
        return {key: value for key, value in labels.items()
                if key not in self.ignored and (EVERY in self.allowed or key in self.allowed)}


ALL = ShownLabels()


def as_chosen(found: ConfigMap | None) -> ShownLabels:
    """The administrator's choice. An allow list that is there and empty allows nothing."""
    data = found.data if found is not None else {}
    return ShownLabels(allowed=keys_in(data.get(ALLOWED, EVERY)), ignored=keys_in(data.get(IGNORED, "")))


def keys_in(text: str) -> frozenset[str]:
    """Keys with commas between them."""
    return frozenset(key for part in text.split(",") if (key := part.strip()))


class LabelChoice:
    """Watches the ConfigMap."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._namespace = namespace
        self._found: Informer[ConfigMap] = Informer(client, CONFIGMAPS, namespace=namespace,
                                                    fields=f"metadata.name={NAME}")

    def start(self, tasks: Tasks) -> None:
        """Nobody waits for it: until it is known, no page is asked for."""
        self._found.start(tasks)

    def now(self) -> ShownLabels:
        """The choice of this moment."""
        return as_chosen(self._found.get(self._namespace, NAME))
