"""Request bodies of the sub-resources (start, stop, pause, ...).

Options for plugging volumes are in `vm_status`, since requests for them are kept in a machine's status.
"""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int64, constant
from kubevirt.api.meta import LabelSelector
from kubevirt.api.vm_status import AddVolumeOptions, RemoveVolumeOptions, VirtualMachineMemoryDumpRequest

__all__ = [
    "AddVolumeOptions",
    "EvacuateCancelOptions",
    "FreezeUnfreezeTimeout",
    "ObjectGraphOptions",
    "PauseOptions",
    "RemoveVolumeOptions",
    "RestartOptions",
    "StartOptions",
    "StopOptions",
    "UnpauseOptions",
    "VirtualMachineMemoryDumpRequest",
]


class StartOptions(Api):
    """How a machine is started."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("StartOptions")
    paused: bool | None = None
    """Create the guest but do not let its CPUs run before an unpause."""
    dry_run: Annotated[list[str], Atomic] = []
    """``["All"]``: check everything, change nothing."""


class StopOptions(Api):
    """How a machine is stopped."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("StopOptions")
    grace_period: Int64 | None = None
    """Seconds the guest gets to shut down; None means the machine's own setting."""
    dry_run: Annotated[list[str], Atomic] = []
    """``["All"]``: check everything, change nothing."""


class RestartOptions(Api):
    """How a machine is restarted."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("RestartOptions")
    grace_period_seconds: Int64 | None = None
    """Seconds the guest gets to shut down; only 0, that is at once, may be asked for."""
    dry_run: Annotated[list[str], Atomic] = []
    """``["All"]``: check everything, change nothing."""


class PauseOptions(Api):
    """How an instance is paused."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("PauseOptions")
    dry_run: Annotated[list[str], Atomic] = []
    """``["All"]``: check everything, change nothing."""


class UnpauseOptions(Api):
    """How a paused instance goes on."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("UnpauseOptions")
    dry_run: Annotated[list[str], Atomic] = []
    """``["All"]``: check everything, change nothing."""


class FreezeUnfreezeTimeout(Api):
    """How long the guest's file systems may stay frozen."""

    unfreeze_timeout: str | None = None
    """A Go duration after which they are thawed whatever happens."""


class EvacuateCancelOptions(Api):
    """How the evacuation of an instance is called off."""

    dry_run: Annotated[list[str], Atomic] = []
    """``["All"]``: check everything, change nothing."""
    evacuation_node_name: str = ""
    """The node that the evacuation is about."""


class ObjectGraphOptions(Api):
    """Which of the objects that a machine depends on are listed."""

    include_optional_nodes: bool | None = None
    """Whether those are listed that the machine could do without. The default is true."""
    label_selector: LabelSelector | None = None
    """Labels of the objects."""
