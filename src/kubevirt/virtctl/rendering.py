"""What a manifest becomes in a cluster that one describes: defaults, verdict, launcher pod, libvirt domain.

Made by the very functions that webhooks, controller and launcher call. Only facts that a cluster would have to be asked
for are assumed: nodes have usable KVM and the architecture of the cluster, container disks are qcow2 images, no
device of the host was allotted yet.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from kubevirt import __version__
from kubevirt.api import codec
from kubevirt.api.admission import Verdict, admit_vm, admit_vmi
from kubevirt.api.config import ClusterConfig
from kubevirt.api.instancetypes.expansion import Offers
from kubevirt.api.instancetypes.finding import find_offers
from kubevirt.api.instancetypes.lookups import Answer, Lookup, answered
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.objects import Namespace, NetworkAttachmentDefinition, PersistentVolumeClaim, ResourceQuota
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.run_strategy import effective_run_strategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.launcher_link.context import domain_context
from kubevirt.launcher_link.settings import sync_options
from kubevirt.machine import backend_storage, instance
from kubevirt.machine.domain import DiskFacts, build_domain
from kubevirt.machine.domain.sources import claim_name
from kubevirt.machine.pod import ClaimFacts, PodContext, launcher_pod
from kubevirt.machine.pod.context import attachment_resources, wants_limits

Machine = VirtualMachine | VirtualMachineInstance


@dataclass(kw_only=True)
class Surroundings:
    """The objects of a cluster that shape its machines."""

    kubevirt: KubeVirt = field(default_factory=KubeVirt)
    namespaces: list[Namespace] = field(default_factory=list)
    claims: list[PersistentVolumeClaim] = field(default_factory=list)
    quotas: list[ResourceQuota] = field(default_factory=list)
    networks: list[NetworkAttachmentDefinition] = field(default_factory=list)
    presets: list[VirtualMachineInstancePreset] = field(default_factory=list)
    offered: dict[tuple[str, str, str], msgspec.Struct] = field(default_factory=dict)
    """Instance types, preferences, and what volumes are made from: by kind, namespace and name."""

    def look(self, lookup: Lookup) -> Answer:
        """The object that a rule asks for, if it was given."""
        kind, namespace = lookup.resource.kind, lookup.namespace
        if kind == "PersistentVolumeClaim":
            claims = (c for c in self.claims if _is_in(c, namespace))
            return next((c for c in claims if c.metadata.name == lookup.name), None)
        return self.offered.get((kind, namespace, lookup.name))

    @property
    def config(self) -> ClusterConfig:
        return ClusterConfig.of(self.kubevirt)

    @property
    def launcher_image(self) -> str:
        spec = self.kubevirt.spec
        return f"{spec.image_registry or 'kubevirt'}/virt:{spec.image_tag or f'v{__version__}'}"


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Pod and domain are None where admission refuses the object; `problem` says why an admitted one has no domain."""

    defaulted: JsonObject
    verdict: Verdict
    pod: JsonObject | None = None
    domain: str | None = None
    problem: Problem | None = None


def render(machine: Machine, around: Surroundings) -> Rendered:
    """What becomes of a machine that is created now."""
    config = around.config
    presets = [preset for preset in around.presets if _is_in(preset, machine.metadata.namespace)]
    if isinstance(machine, VirtualMachine):
        vm = admit_vm(machine, config, around.look)
        if not vm.verdict.allowed:
            return Rendered(defaulted=codec.to_builtins(vm.object), verdict=vm.verdict)
        defaulted, verdict = codec.to_builtins(vm.object), vm.verdict
        offers = answered(find_offers(vm.object), around.look)
        first = first_instance(vm.object, offers, config)
        started = admit_vmi(first, config, own_account=True, presets=presets)
    else:
        started = admit_vmi(machine, config, presets=presets)
        defaulted, verdict = codec.to_builtins(started.object), started.verdict
    if not started.verdict.allowed:
        return Rendered(defaulted=defaulted, verdict=started.verdict)
    vmi = with_identity(started.object)
    pod = launcher_pod(vmi, pod_context(vmi, around))
    try:
        domain = domain_of(vmi, around)
    except Problem as e:
        return Rendered(defaulted=defaulted, verdict=verdict, pod=pod, problem=e)
    return Rendered(defaulted=defaulted, verdict=verdict, pod=pod, domain=domain)


def first_instance(vm: VirtualMachine, offers: Offers, config: ClusterConfig) -> VirtualMachineInstance:
    """The instance that the machine's first start makes."""
    identity = vm.metadata.uid or made_up_uid(vm)
    vm = replace(vm, metadata=replace(vm.metadata, uid=identity, generation=vm.metadata.generation or 1))
    revision = f"revision-start-vm-{identity}-{vm.metadata.generation}"
    strategy = effective_run_strategy(running=vm.spec.running, run_strategy=vm.spec.run_strategy)
    return instance.build(
        vm, revision=revision, paused=False, strategy=strategy, offers=offers, config=config
    )


def with_identity(vmi: VirtualMachineInstance) -> VirtualMachineInstance:
    """The API server gives every object a uid, and labels and paths carry it."""
    if vmi.metadata.uid:
        return vmi
    return replace(vmi, metadata=replace(vmi.metadata, uid=made_up_uid(vmi)))


def made_up_uid(machine: Machine) -> str:
    """The same each time, so that two renderings can be compared."""
    metadata = machine.metadata
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{machine.kind}/{metadata.namespace}/{metadata.name}"))


def pod_context(vmi: VirtualMachineInstance, around: Surroundings) -> PodContext:
    """What the launcher pod depends on beside its VMI."""
    namespace = vmi.metadata.namespace
    spec = around.kubevirt.spec
    quotas = [quota for quota in around.quotas if _is_in(quota, namespace)]
    return PodContext(
        launcher_image=around.launcher_image,
        config=around.config,
        image_pull_policy=spec.image_pull_policy or "IfNotPresent",
        image_pull_secrets=[secret.name or "" for secret in spec.image_pull_secrets],
        claims={claim.metadata.name: ClaimFacts.of(claim) for claim in _claims(around, namespace)},
        namespace_labels=next((n.metadata.labels for n in around.namespaces if n.metadata.name == namespace), {}),
        state_claim=backend_storage.name_for(vmi),
        quota_limits_cpu=wants_limits(quotas, "cpu"),
        quota_limits_memory=wants_limits(quotas, "memory"),
        attachment_resources=attachment_resources(vmi, around.networks),
    )


def domain_of(vmi: VirtualMachineInstance, around: Surroundings) -> str:
    """The domain on a node of the cluster's architecture. Raises Refused."""
    blocks = {
        claim.metadata.name
        for claim in _claims(around, vmi.metadata.namespace) if claim.spec.volume_mode == "Block"
    }  # fmt: skip
    disks = {volume.name: DiskFacts(block=True) for volume in vmi.spec.volumes if claim_name(volume) in blocks}
    config = around.config
    options = sync_options(config, kvm_usable=True)
    return build_domain(vmi, domain_context(options, kvm=True, arch=config.default_architecture, disks=disks))


def _claims(around: Surroundings, namespace: str) -> Iterable[PersistentVolumeClaim]:
    return (claim for claim in around.claims if _is_in(claim, namespace))


def _is_in(thing: PersistentVolumeClaim | ResourceQuota | VirtualMachineInstancePreset, namespace: str) -> bool:
    return (thing.metadata.namespace or "default") == namespace
