"""Kubernetes' objects other than pods and nodes, as far as they are read or made here.

What is only read is partial. What is made by us (events, leases, revisions, services) has every member that we set.
"""

from kubevirt.api.base import Api, Int32, Int64, Time, constant, present, required
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta
from kubevirt.kit.json import Json
from kubevirt.kit.quantity import Quantity


class Namespace(Api):
    """A namespace."""

    api_version: str = constant("v1")
    kind: str = constant("Namespace")
    metadata: ObjectMeta = present(ObjectMeta)


class Secret(Api):
    """Confidential data."""

    api_version: str = constant("v1")
    kind: str = constant("Secret")
    metadata: ObjectMeta = present(ObjectMeta)
    type: str = ""
    data: dict[str, str] = {}
    """Values in base64."""
    string_data: dict[str, str] = {}
    """Values in plain text; only written, never read back."""


class ConfigMap(Api):
    """Data that is not confidential."""

    api_version: str = constant("v1")
    kind: str = constant("ConfigMap")
    metadata: ObjectMeta = present(ObjectMeta)
    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    """Values in base64."""


class ClaimResources(Api):
    """How much storage a claim asks for."""

    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}


class ClaimSpec(Api):
    """What storage is claimed."""

    access_modes: list[str] = []
    storage_class_name: str | None = None
    volume_mode: str | None = None
    """``Filesystem`` or ``Block``; None means Filesystem."""
    volume_name: str = ""
    resources: ClaimResources = present(ClaimResources)


class ClaimStatus(Api):
    """What storage was given."""

    phase: str = ""
    """``Pending``, ``Bound`` or ``Lost``."""
    access_modes: list[str] = []
    capacity: dict[str, Quantity] = {}


class PersistentVolumeClaim(Api):
    """A claim for storage."""

    api_version: str = constant("v1")
    kind: str = constant("PersistentVolumeClaim")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: ClaimSpec = present(ClaimSpec)
    status: ClaimStatus = present(ClaimStatus)


class ResourceQuotaSpec(Api):
    """What is limited, and to how much."""

    hard: dict[str, Quantity] = {}


class ResourceQuota(Api):
    """Limits on the sum of what the pods of a namespace ask for."""

    api_version: str = constant("v1")
    kind: str = constant("ResourceQuota")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: ResourceQuotaSpec = present(ResourceQuotaSpec)


class NetworkAttachmentDefinition(Api):
    """A network beside the pod network, as Multus knows it."""

    api_version: str = constant("k8s.cni.cncf.io/v1")
    kind: str = constant("NetworkAttachmentDefinition")
    metadata: ObjectMeta = present(ObjectMeta)


class StorageClass(Api):
    """A kind of storage."""

    api_version: str = constant("storage.k8s.io/v1")
    kind: str = constant("StorageClass")
    metadata: ObjectMeta = present(ObjectMeta)
    provisioner: str = ""
    volume_binding_mode: str | None = None


class LeaseSpec(Api):
    """Who holds a lease. Times are metav1.MicroTime texts: see kubevirt.kit.times.format_micro_time."""

    holder_identity: str | None = None
    lease_duration_seconds: Int32 | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: Int32 | None = None


class Lease(Api):
    """A lock that must be renewed."""

    api_version: str = constant("coordination.k8s.io/v1")
    kind: str = constant("Lease")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: LeaseSpec = present(LeaseSpec)


class ControllerRevision(Api):
    """An unchangeable copy of what an object was made from."""

    api_version: str = constant("apps/v1")
    kind: str = constant("ControllerRevision")
    metadata: ObjectMeta = present(ObjectMeta)
    data: Json = None
    revision: Int64 = required(int)


class WorkloadStatus(Api):
    """How far a Deployment or DaemonSet has got; each kind fills its own members."""

    observed_generation: Int64 = 0
    conditions: list[Condition] = []
    replicas: Int32 = 0
    ready_replicas: Int32 = 0
    updated_replicas: Int32 = 0
    available_replicas: Int32 = 0
    desired_number_scheduled: Int32 = 0
    updated_number_scheduled: Int32 = 0
    number_available: Int32 = 0
    number_ready: Int32 = 0


class DeploymentSpec(Api):
    """The wanted number of pods."""

    replicas: Int32 | None = None
    selector: LabelSelector | None = None


class Deployment(Api):
    """Interchangeable pods."""

    api_version: str = constant("apps/v1")
    kind: str = constant("Deployment")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: DeploymentSpec = present(DeploymentSpec)
    status: WorkloadStatus = present(WorkloadStatus)


class DaemonSet(Api):
    """A pod on each node."""

    api_version: str = constant("apps/v1")
    kind: str = constant("DaemonSet")
    metadata: ObjectMeta = present(ObjectMeta)
    status: WorkloadStatus = present(WorkloadStatus)


class ObjectReference(Api):
    """Names any object."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""


class EventSource(Api):
    """Who reports an event."""

    component: str = ""
    host: str = ""


class Event(Api):
    """Something that happened to an object, told to people."""

    api_version: str = constant("v1")
    kind: str = constant("Event")
    metadata: ObjectMeta = present(ObjectMeta)
    involved_object: ObjectReference = required(ObjectReference)
    type: str = ""
    """``Normal`` or ``Warning``."""
    reason: str = ""
    message: str = ""
    source: EventSource = present(EventSource)
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    count: Int32 = 0
    reporting_component: str = ""
    reporting_instance: str = ""


class ConditionsOnly(Api):
    """A status of which only the conditions matter here."""

    conditions: list[Condition] = []


class CustomResourceDefinition(Api):
    """A kind added to the API, as far as its readiness is read."""

    api_version: str = constant("apiextensions.k8s.io/v1")
    kind: str = constant("CustomResourceDefinition")
    metadata: ObjectMeta = present(ObjectMeta)
    status: ConditionsOnly = present(ConditionsOnly)


class APIService(Api):
    """A group version served by another server, as far as its readiness is read."""

    api_version: str = constant("apiregistration.k8s.io/v1")
    kind: str = constant("APIService")
    metadata: ObjectMeta = present(ObjectMeta)
    status: ConditionsOnly = present(ConditionsOnly)
