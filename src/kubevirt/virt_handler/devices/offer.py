"""What a device plugin offers to the kubelet, whatever kind of device it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """What a container is given: device files and directories of the node, each under its own path, and variables."""

    files: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


class Offer(Protocol):
    """One resource of this node."""

    @property
    def name(self) -> str: ...

    @property
    def resource(self) -> str: ...

    @property
    def socket_name(self) -> str: ...

    def ids(self) -> list[str]:
        """The ids to offer now."""
        ...

    def allocate(self, ids: list[str]) -> Allocation:
        """For one container. Raises Problem when a device is no longer usable; its words are the kubelet's to show."""
        ...
