"""Pods and nodes, as far as they are read here. Objects of these types are only ever patched, never written back."""

from kubevirt.api.base import Api, Int32, Int64, Time, constant, present, required
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.phase import is_final
from kubevirt.kit.quantity import Quantity


class Container(Api):
    """A container as the pod's spec wants it."""

    name: str = ""
    image: str = ""


class PodSpec(Api):
    """What a pod should be."""

    node_name: str = ""
    """The node the scheduler chose; empty until then."""
    containers: list[Container] = []
    init_containers: list[Container] = []
    termination_grace_period_seconds: Int64 | None = None
    service_account_name: str = ""
    priority: Int32 | None = None


class ContainerStateWaiting(Api):
    """A container that has not started."""

    reason: str = ""
    """Why, as one word: ``ContainerCreating``, ``ErrImagePull``, ``ImagePullBackOff``..."""
    message: str = ""


class ContainerStateRunning(Api):
    """A container that runs."""

    started_at: Time | None = None


class ContainerStateTerminated(Api):
    """A container that has ended."""

    exit_code: Int32 = 0
    signal: Int32 = 0
    reason: str = ""
    message: str = ""
    """What the container wrote to its termination log."""
    started_at: Time | None = None
    finished_at: Time | None = None


class ContainerState(Api):
    """What a container does; exactly one is set."""

    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ContainerStatus(Api):
    """A container as it is."""

    name: str = ""
    image: str = ""
    image_id: str = ""
    container_id: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: Int32 = 0
    state: ContainerState = present(ContainerState)
    last_state: ContainerState = present(ContainerState)


class PodIP(Api):
    """One address of a pod."""

    ip: str = ""


class PodStatus(Api):
    """What a pod is."""

    phase: str = ""
    """``Pending``, ``Running``, ``Succeeded``, ``Failed`` or ``Unknown``."""
    reason: str = ""
    message: str = ""
    pod_ip: str = ""
    pod_ips: list[PodIP] = []
    host_ip: str = ""
    qos_class: str = ""
    start_time: Time | None = None
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []


class Pod(Api):
    """A pod."""

    api_version: str = constant("v1")
    kind: str = constant("Pod")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: PodSpec = present(PodSpec)
    status: PodStatus = present(PodStatus)

    def container(self, name: str) -> ContainerStatus | None:
        """The status of a container, where the kubelet has reported one."""
        return next((status for status in self.status.container_statuses if status.name == name), None)

    def condition(self, type_: str) -> Condition | None:
        """The condition of a type."""
        return next((condition for condition in self.status.conditions if condition.type == type_), None)

    @property
    def is_finished(self) -> bool:
        """Whether all containers have ended for good."""
        return is_final(self.status.phase)


class Taint(Api):
    """Keeps pods away that do not tolerate it."""

    key: str = required(str)
    value: str = ""
    effect: str = required(str)


class NodeSpec(Api):
    """What a node should be."""

    unschedulable: bool = False
    taints: list[Taint] = []
    pod_cidr: str = ""
    provider_id: str = ""


class NodeAddress(Api):
    """An address of a node."""

    type: str = ""
    address: str = ""


class NodeSystemInfo(Api):
    """Software of a node."""

    architecture: str = ""
    operating_system: str = ""
    os_image: str = ""
    kernel_version: str = ""
    kubelet_version: str = ""
    container_runtime_version: str = ""
    boot_id: str = ""
    """Changes with every boot of the node."""


class NodeStatus(Api):
    """What a node is."""

    capacity: dict[str, Quantity] = {}
    allocatable: dict[str, Quantity] = {}
    conditions: list[Condition] = []
    addresses: list[NodeAddress] = []
    node_info: NodeSystemInfo = present(NodeSystemInfo)


class Node(Api):
    """A node."""

    api_version: str = constant("v1")
    kind: str = constant("Node")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: NodeSpec = present(NodeSpec)
    status: NodeStatus = present(NodeStatus)

    @property
    def is_ready(self) -> bool:
        """Whether the node's kubelet reports it ready."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)
