"""Sign of life and labels on this node's Node object, in as few writes as possible.

One merge patch a minute carries the heartbeat; whatever else has to change on the Node rides along with it. The
answer to each patch is the whole Node, so drifted labels are seen without ever reading.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubevirt.api import names
from kubevirt.api.core import Node
from kubevirt.api.resources import NODES
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.times import format_time, now
from kubevirt.kube.client import Client
from kubevirt.kube.requests import PatchKind
from kubevirt.virt_handler.node.host import ANNOTATION_KSM_MANAGED
from kubevirt.virt_handler.node.labels import changed_labels

EVERY_S = 60.0
JITTER = 1.2
WAIT_FOR_PLUGINS_S = 10.0
_RETRY_S = 5.0

LABELS_CPU_MANAGER = ("cpumanager", names.LABEL_CPU_MANAGER)

log = logs.get("heartbeat")


@dataclass(frozen=True, kw_only=True)
class Presented:
    """What a Node should say of itself."""

    labels: dict[str, str] = field(default_factory=dict)
    cpu_manager: bool = False
    kvm_problem: str = ""
    """Why KVM cannot be used; empty when it can."""
    ksm_managed: bool = False
    """Merging of equal pages was turned on by us."""


class Heartbeat:
    """`presented(node)` is what a Node like this should say, `plugins` are set while their device plugin is
    registered."""

    def __init__(
        self,
        client: Client,
        node: str,
        *,
        presented: Callable[[Node], Presented],
        plugins: Iterable[asyncio.Event],
    ) -> None:
        self._client = client
        self._node = node
        self._presented = presented
        self._plugins = list(plugins)
        self._seen: Node | None = None

    async def run(self) -> None:
        """Beat until cancelled. The first beat waits a little for the device plugins, so that it need not be
        corrected."""
        try:
            async with asyncio.timeout(WAIT_FOR_PLUGINS_S):
                for plugin in self._plugins:
                    await plugin.wait()
        except TimeoutError:
            log.warning("the kubelet has not taken all device plugins yet", waited_s=WAIT_FOR_PLUGINS_S)
        while True:
            ready = self.is_schedulable
            try:
                await self._beat(schedulable=ready)
            except Problem as e:
                log.warning("the heartbeat failed and is tried again", cause=str(e))
                await asyncio.sleep(_RETRY_S)
                continue
            await self._pause(ready)

    @property
    def is_schedulable(self) -> bool:
        """Every device plugin is registered; whether a device is there at all does not matter here."""
        return all(plugin.is_set() for plugin in self._plugins)

    async def stop(self) -> None:
        """Say that no more guests can be placed here until virt-handler is back."""
        await self._client.patch(
            NODES, self._node, None, {"metadata": {"labels": {names.LABEL_SCHEDULABLE: "false"}}}, PatchKind.MERGE
        )

    async def _pause(self, ready: bool) -> None:
        """A minute and some; at once when it changes whether guests can be placed here."""
        waited_s, limit_s = 0.0, EVERY_S * random.uniform(1.0, JITTER)  # noqa: S311 - spreads load, hides nothing
        while waited_s < limit_s and (ready or not self.is_schedulable):
            await asyncio.sleep(1.0)
            waited_s += 1.0

    async def _beat(self, *, schedulable: bool) -> None:
        if self._seen is None:
            self._seen = await self._client.get(NODES, self._node)
        patch = node_patch(self._seen, self._presented(self._seen), schedulable=schedulable)
        self._seen = await self._client.patch(NODES, self._node, None, patch, PatchKind.MERGE)


def node_patch(node: Node, wanted: Presented, *, schedulable: bool) -> JsonObject:
    """The merge patch for a Node that looks like this: always the heartbeat, and whatever differs."""
    present = node.metadata.annotations
    labels: dict[str, Json] = {}
    if names.ANNOTATION_SKIP_LABELLER not in present:
        labels |= changed_labels(node.metadata.labels, wanted.labels)
    labels[names.LABEL_SCHEDULABLE] = _said(schedulable)
    labels |= dict.fromkeys(LABELS_CPU_MANAGER, _said(wanted.cpu_manager))
    annotations: dict[str, Json] = {names.ANNOTATION_HEARTBEAT: format_time(now())}
    if present.get(names.ANNOTATION_KVM_UNUSABLE, "") != wanted.kvm_problem:
        annotations[names.ANNOTATION_KVM_UNUSABLE] = wanted.kvm_problem or None
    if (present.get(ANNOTATION_KSM_MANAGED) == "true") is not wanted.ksm_managed:
        annotations[ANNOTATION_KSM_MANAGED] = _said(wanted.ksm_managed)
    return {"metadata": {"labels": labels, "annotations": annotations}}


def _said(yes: bool) -> str:
    return "true" if yes else "false"
