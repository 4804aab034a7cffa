"""Defaults of a VirtualMachineInstance on its creation, in the order in which later ones build on earlier ones."""

from collections.abc import Callable

from kubevirt.api import codec, names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults.architecture import apply_architecture
from kubevirt.api.defaults.domain import fill_domain
from kubevirt.api.defaults.hotplug import set_hotplug_limits
from kubevirt.api.defaults.machine import PCI_TOPOLOGY_VERSION, has_pcie, new_uuid
from kubevirt.api.disks import Disk
from kubevirt.api.domain import CPU, Machine, Memory, ResourceRequirements
from kubevirt.api.network import Interface, InterfaceBridge, InterfaceMasquerade, Network, PodNetwork
from kubevirt.api.probes import Probe
from kubevirt.api.vmi import CPUTopology, MemoryStatus, VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity

RUNTIME_USER = 107
"""The user that guests run as."""


def default_vmi(
    vmi: VirtualMachineInstance, config: ClusterConfig, *, make_uuid: Callable[[], str] = new_uuid
) -> VirtualMachineInstance:
    """The instance with its defaults. Raises Refused where the cluster's default network binding cannot be used."""
    vmi = codec.clone(vmi)
    spec = vmi.spec
    fill_spec(spec, config)
    fill_domain(spec.domain, make_uuid)
    for probe in (spec.liveness_probe, spec.readiness_probe):
        if probe is not None:
            _probe(probe)
    apply_architecture(spec)
    cpu = _cpu(spec)
    cpu.model = cpu.model or config.cpu_model or "host-model"
    _status(vmi, config)
    set_hotplug_limits(spec, config)
    if has_pcie(spec):
        vmi.metadata.annotations.setdefault(names.ANNOTATION_PCI_TOPOLOGY_VERSION, PCI_TOPOLOGY_VERSION)
    if names.FINALIZER_VMI_FOREGROUND not in vmi.metadata.finalizers:
        vmi.metadata.finalizers.append(names.FINALIZER_VMI_FOREGROUND)
    return vmi


def fill_spec(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> None:
    """Fill in what makes the spec say all that users ask about: board, CPUs, memory, network, a disk per volume.

    Raises Refused where the cluster's default network binding cannot be used.
    """
    spec.architecture = spec.architecture or config.default_architecture
    if spec.domain.machine is None or not spec.domain.machine.type:
        spec.domain.machine = Machine(type=config.machine_type(spec.architecture))
    _cpu_request(spec.domain.resources, config)
    _guest_memory(spec)
    _cpu_topology(spec)
    _pull_policies(spec)
    if not spec.eviction_strategy:
        spec.eviction_strategy = config.eviction_strategy
    connect_to_pod_network(spec, config)
    show_volumes(spec)


def _cpu(spec: VirtualMachineInstanceSpec) -> CPU:
    if spec.domain.cpu is None:
        spec.domain.cpu = CPU()
    return spec.domain.cpu


def _cpu_request(resources: ResourceRequirements, config: ClusterConfig) -> None:
    if "cpu" in resources.requests:
        return
    if "cpu" in resources.limits:
        resources.requests["cpu"] = resources.limits["cpu"]
    elif config.cpu_request is not None and config.cpu_request != Quantity("100m"):
        resources.requests["cpu"] = config.cpu_request


def _guest_memory(spec: VirtualMachineInstanceSpec) -> None:
    """The guest gets what is reserved for it, where nothing else is said."""
    domain = spec.domain
    memory, resources = domain.memory, domain.resources
    if memory is not None and memory.guest is not None:
        return
    amount = resources.requests.get("memory") or resources.limits.get("memory")
    if not amount and memory is not None and memory.hugepages is not None and memory.hugepages.page_size:
        try:
            amount = Quantity(memory.hugepages.page_size)
        except Refused:
            return  # validation names the field
    if amount:
        domain.memory = memory or Memory()
        domain.memory.guest = amount


def _cpu_topology(spec: VirtualMachineInstanceSpec) -> None:
    cpu = spec.domain.cpu
    if cpu is not None and (cpu.sockets or cpu.cores or cpu.threads):
        return
    resources = spec.domain.resources
    share = resources.limits.get("cpu") or resources.requests.get("cpu")
    cpu = _cpu(spec)
    # Negative shares are refused by validation; up to there the count is the unsigned number other clients know.
    cpu.sockets = share.value % 2**32 if share else 1
    cpu.cores = cpu.threads = 1


def _pull_policies(spec: VirtualMachineInstanceSpec) -> None:
    for volume in spec.volumes:
        disk = volume.container_disk
        if disk is not None and not disk.image_pull_policy:
            disk.image_pull_policy = "Always" if _moves(disk.image) else "IfNotPresent"


def _moves(image: str) -> bool:
    """Whether an image reference may mean another image tomorrow."""
    if "@" in image:
        return False
    name = image.rpartition("/")[2]
    return ":" not in name or name.endswith(":latest")


def connect_to_pod_network(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> None:
    """A guest that asks for no network is connected to the pod network. Raises Refused."""
    devices = spec.domain.devices
    if devices.interfaces or spec.networks or devices.autoattach_pod_interface is False:
        return
    interface = Interface(name="default")
    match config.network_binding:
        case "bridge" if not config.permit_bridge_on_pod_network:
            raise Refused(
                cause="bridge interface is not enabled in kubevirt-config",
                remedy="name a masquerade interface in spec.domain.devices.interfaces",
            )
        case "bridge":
            interface.bridge = InterfaceBridge()
        case "masquerade":
            interface.masquerade = InterfaceMasquerade()
        case "slirp":
            raise Refused(
                cause="slirp interface is deprecated as of v1.3",
                remedy="set defaultNetworkInterface of the KubeVirt object to bridge or masquerade",
            )
        case other:
            raise Refused(
                cause=f"the cluster's default network binding {other!r} is not known",
                remedy="set defaultNetworkInterface of the KubeVirt object to bridge or masquerade",
            )
    devices.interfaces = [interface]
    spec.networks = [Network(name="default", pod=PodNetwork())]


def show_volumes(spec: VirtualMachineInstanceSpec) -> None:
    """Every volume meant for the guest reaches it, as a disk unless otherwise said."""
    devices = spec.domain.devices
    shown = {disk.name for disk in devices.disks} | {filesystem.name for filesystem in devices.filesystems}
    for volume in spec.volumes:
        if volume.name not in shown and volume.memory_dump is None and volume.container_path is None:
            devices.disks.append(Disk(name=volume.name))
            shown.add(volume.name)


def _probe(probe: Probe) -> None:
    probe.timeout_seconds = probe.timeout_seconds or 1
    probe.period_seconds = probe.period_seconds or 10
    probe.success_threshold = probe.success_threshold or 1
    probe.failure_threshold = probe.failure_threshold or 3


def _status(vmi: VirtualMachineInstance, config: ClusterConfig) -> None:
    """What the guest starts with, so that later changes can be told from it."""
    status, domain = vmi.status, vmi.spec.domain
    status.phase = status.phase or "Pending"
    if domain.memory is not None and domain.memory.guest is not None:
        guest = domain.memory.guest
        status.memory = MemoryStatus(guest_at_boot=guest, guest_current=guest, guest_requested=guest)
    cpu = _cpu(vmi.spec)
    status.current_cpu_topology = CPUTopology(
        sockets=cpu.sockets or None, cores=cpu.cores or None, threads=cpu.threads or None
    )
    if status.runtime_user is None:
        status.runtime_user = 0 if config.has_gate("Root") else RUNTIME_USER
