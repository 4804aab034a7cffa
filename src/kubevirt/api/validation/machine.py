"""Rules for VirtualMachines. The template is checked as the instance that would be made from it now."""

from itertools import chain

from kubevirt.api.config import ClusterConfig
from kubevirt.api.datavolume import DataVolumeTemplateSpec
from kubevirt.api.defaults import default_vmi
from kubevirt.api.defaults.hotplug import memory_hotplug_obstacle
from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.validation.causes import Cause, Causes, duplicate, invalid, only_first_of_each, required
from kubevirt.api.validation.instance import check_spec
from kubevirt.api.validation.schema_enums import check_enums
from kubevirt.api.validation.vm_requests import check_under_way, check_volume_requests
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceTemplateSpec
from kubevirt.kit.errors import Refused

TEMPLATE = "spec.template.spec"


def validate_vm(
    vm: VirtualMachine,
    config: ClusterConfig,
    old: VirtualMachine | None = None,
    *,
    vmi: VirtualMachineInstance | None = None,
    template: VirtualMachineInstanceTemplateSpec | None = None,
) -> list[Cause]:
    """What is wrong with a machine; `old` is the stored one where it is changed.

    vmi: its instance; it matters only where the status asks for volumes to be plugged.
    template: the machine's, with instance type and preference put in, where it names any.
    """
    if not vm.spec.has_template:
        return [required("spec.template", "missing virtual machine template.")]
    violations = list(check_enums(TEMPLATE, vm.spec.template.spec))
    if violations:
        return only_first_of_each(iter(violations))
    template = template or vm.spec.template
    return only_first_of_each(
        chain(
            check_template(TEMPLATE, template, config),
            _run_strategy(vm, config),
            _data_volumes(vm),
            _live_update(template, config),
            check_under_way(vm, old),
            check_volume_requests(vm, vmi),
        )
    )


def check_template(field: str, template: VirtualMachineInstanceTemplateSpec, config: ClusterConfig) -> Causes:
    """What is wrong with the instances that a template would make; `field` is the path of its spec."""
    try:
        instance = default_vmi(VirtualMachineInstance(metadata=template.metadata, spec=template.spec), config)
    except Refused as e:
        yield invalid(e.field or field, e.cause)
        return
    yield from check_spec(field, instance.spec, config)


def _run_strategy(vm: VirtualMachine, config: ClusterConfig) -> Causes:
    running, strategy = vm.spec.running, vm.spec.run_strategy
    if running is not None and strategy is not None:
        yield invalid(
            "spec.running",
            "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
            "please use RunStrategy instead",
        )
    if running is None and strategy is None:
        yield required("spec.running", "RunStrategy must be specified")
    if strategy is None:
        return
    if strategy == RunStrategy.WAIT_AS_RECEIVER:
        if not config.has_gate("DecentralizedLiveMigration"):
            yield invalid(
                "spec.runStrategy",
                f"Invalid RunStrategy ({strategy}), DecentralizedLiveMigration feature gate is not enabled in "
                "kubevirt resource",
            )
    elif strategy not in list(RunStrategy):
        yield invalid("spec.runStrategy", f"Invalid RunStrategy ({strategy})")


def _data_volumes(vm: VirtualMachine) -> Causes:
    volumes = vm.spec.template.spec.volumes
    used = {volume.data_volume.name for volume in volumes if volume.data_volume is not None}
    used |= {v.persistent_volume_claim.claim_name for v in volumes if v.persistent_volume_claim is not None}
    for index, template in enumerate(vm.spec.data_volume_templates):
        at, name = f"spec.dataVolumeTemplate[{index}]", template.metadata.name if template.metadata else ""
        if not name:
            yield required(
                f"{at}.name", f"'name' field must not be empty for DataVolumeTemplate entry {at}."
            )
        namespace = template.metadata.namespace if template.metadata else ""
        if namespace and namespace != vm.metadata.namespace:
            yield invalid(
                f"spec.dataVolumeTemplates[{index}]",
                f"Embedded DataVolume namespace {namespace} differs from VM namespace {vm.metadata.namespace}",
            )
        yield from _data_volume(at, template)
        if name and name not in used:
            yield required(
                at, f"DataVolumeTemplate entry {at} must be referenced in the VMI template's 'volumes' list"
            )


def _data_volume(at: str, template: DataVolumeTemplateSpec) -> Causes:
    spec = template.spec
    if spec.pvc is None and spec.storage is None:
        yield required(f"{at}.PVC.Storage", "Missing Data volume PVC or Storage")
    if spec.pvc is not None and spec.storage is not None:
        yield duplicate(
            f"{at}.PVC.Storage", "Duplicate storage definition, both target storage and target pvc defined"
        )
    claim = spec.pvc or spec.storage
    populated = claim is not None and (claim.data_source is not None or claim.data_source_ref is not None)
    here = f"{at}.source"
    if populated and (spec.source is not None or spec.source_ref is not None):
        yield invalid(here, "External population is incompatible with Source and SourceRef")
    elif not populated and (spec.source is None) == (spec.source_ref is None):
        yield invalid(here, "Data volume should have either Source, SourceRef, or be externally populated")
    elif spec.source is not None:
        kinds = sum(getattr(spec.source, kind) is not None for kind in spec.source.__struct_fields__)
        if kinds == 0:
            yield invalid(here, "Missing dataVolume valid source")
        if kinds > 1:
            yield invalid(here, "Multiple dataVolume sources")


def _live_update(template: VirtualMachineInstanceTemplateSpec, config: ClusterConfig) -> Causes:
    """A limit of growth that is named has to be one that the guest's memory can grow to."""
    spec = template.spec
    memory = spec.domain.memory
    if not config.live_update or memory is None or memory.max_guest is None:
        return
    obstacle = memory_hotplug_obstacle(spec, memory.max_guest)
    if obstacle is not None:
        yield invalid(f"{TEMPLATE}.domain.memory.guest", obstacle)
