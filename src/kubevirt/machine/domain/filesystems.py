"""Shared directories over virtiofs; each is served by a container of its own beside the launcher."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import paths
from kubevirt.machine.domain.xml import Element, el

QUEUE_SIZE = 1024


def filesystems(vmi: VirtualMachineInstance) -> list[Element]:
    return [
        el(
            "filesystem",
            el("driver", type="virtiofs", queue=QUEUE_SIZE),
            el("source", socket=paths.virtiofs_socket(filesystem.name)),
            el("target", dir=filesystem.name),
            type="mount",
            accessmode="passthrough",
        )
        for filesystem in vmi.spec.domain.devices.filesystems
    ]
