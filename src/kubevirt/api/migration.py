"""VirtualMachineInstanceMigration: one move of a running instance to another node.

What the move looks like while it is under way stands in the instance's status (`migration_status`); the copy here is
made when it is over.
"""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Time, constant, present, required
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.migration_status import VirtualMachineInstanceMigrationState


class VirtualMachineInstanceMigrationSource(Api):
    """Where a guest is sent to that leaves the cluster."""

    connect_url: str = required(str, name="connectURL")
    """Address (host:port) at which the other cluster's synchronization controller listens."""
    migration_id: str = required(str, name="migrationID")
    """Name of the move, the same on both sides."""


class VirtualMachineInstanceMigrationTarget(Api):
    """What guest is received from another cluster."""

    migration_id: str = required(str, name="migrationID")
    """Name of the move, the same on both sides."""


class VirtualMachineInstanceMigrationSpec(Api):
    """Which instance is moved, and what is asked of the node it moves to. Cannot be changed."""

    added_node_selector: dict[str, str] = {}
    """Labels the target node must have besides those that the instance asks for."""
    priority: str | None = None
    """Place in the queue of waiting moves: system-critical, user-triggered or system-maintenance. Set by the control
    plane only.
    """
    receive: VirtualMachineInstanceMigrationTarget | None = None
    """Makes this the receiving half of a move between clusters."""
    send_to: VirtualMachineInstanceMigrationSource | None = None
    """Makes this the sending half of a move between clusters."""
    vmi_name: str | None = None
    """Name of the instance to move, in the same namespace."""


class VirtualMachineInstanceMigrationCondition(Condition):
    """One aspect of the move's state."""


class VirtualMachineInstanceMigrationPhaseTransitionTimestamp(Api):
    """When a phase began."""

    phase: str = ""
    """The phase."""
    phase_transition_timestamp: Time | None = None
    """When it began."""


class VirtualMachineInstanceMigrationStatus(Api):
    """How far the move is."""

    conditions: list[VirtualMachineInstanceMigrationCondition] = []
    """Aspects of the move's state: migrationAbortRequested, migrationRejectedByResourceQuota and others."""
    migration_state: VirtualMachineInstanceMigrationState | None = None
    """The move in detail, copied from the instance when it is over."""
    phase: str = ""
    """Pending, Scheduling, Scheduled, PreparingTarget, TargetReady, Running, and in the end Succeeded or Failed.
    WaitingForSync and Synchronizing come first in moves between clusters.
    """
    phase_transition_timestamps: Annotated[
        list[VirtualMachineInstanceMigrationPhaseTransitionTimestamp], Atomic
    ] = []
    """When each phase began."""
    synchronization_addresses: Annotated[list[str], Atomic] = []
    """Addresses at which the sending cluster reaches this one."""


class VirtualMachineInstanceMigration(Api):
    """Moves a running instance to another node without stopping its guest; deleting it calls the move off."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceMigration")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstanceMigrationSpec = required(VirtualMachineInstanceMigrationSpec)
    """What is moved."""
    status: VirtualMachineInstanceMigrationStatus = present(VirtualMachineInstanceMigrationStatus)
    """How far the move is."""
