"""MigrationPolicy: how instances with certain labels are moved, where that differs from the cluster's settings."""

from typing import Annotated

from kubevirt.api.base import Api, Int64, Nullable, constant, marks, present, required
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.migration_status import MigrationExperimental
from kubevirt.kit.quantity import Quantity


class Selectors(Api):
    """Whom the policy is for: all labels must be there. The policy that names most of them wins."""

    namespace_selector: dict[str, str] = {}
    """Labels of the namespace."""
    virtual_machine_instance_selector: dict[str, str] = {}
    """Labels of the instance."""


class MigrationPolicySpec(Api):
    """Whom the policy is for, and what it says; what is unset is left to the cluster's settings."""

    allow_auto_converge: bool | None = None
    """Slows the guest's CPUs down until the migration converges."""
    allow_post_copy: bool | None = None
    """Finishes on the target before all memory is there, when the migration does not converge."""
    allow_workload_disruption: bool | None = None
    """Pauses the guest when the migration does not converge."""
    bandwidth_per_migration: Quantity | None = None
    """Bytes per second that a migration may use; 0 means no limit."""
    completion_timeout_per_gib: Int64 | None = None
    """Seconds per GiB of guest memory after which a migration is stopped."""
    experimental: MigrationExperimental | None = None
    """Settings that may still change; they need feature gates."""
    max_downtime_ms: Annotated[Int64 | None, marks(maximum=2000000, minimum=1)] = None
    """Milliseconds the guest may stand still at the end."""
    selectors: Selectors = required(Selectors)
    """Whom the policy is for. Without any label it is for nobody."""


class MigrationPolicyStatus(Api):
    """Always empty."""


class MigrationPolicy(Api):
    """Migration settings for instances with certain labels."""

    api_version: str = constant("migrations.kubevirt.io/v1alpha1")
    kind: str = constant("MigrationPolicy")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: MigrationPolicySpec = required(MigrationPolicySpec)
    """Whom it is for, and what it says."""
    status: Annotated[MigrationPolicyStatus, Nullable] = present(MigrationPolicyStatus)
    """Always empty."""
