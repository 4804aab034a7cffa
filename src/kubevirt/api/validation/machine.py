"""Rules for VirtualMachines. The template is checked as the instance that would be made from it now."""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.datavolume import DataVolumeTemplateSpec
from kubevirt.api.defaults import default_vmi
from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.validation.causes import Cause, Causes, duplicate, invalid, only_first_of_each, required
from kubevirt.api.validation.instance import check_spec
from kubevirt.api.validation.schema_enums import check_enums
from kubevirt.api.vm import VirtualMachine, VirtualMachineVolumeRequest
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceTemplateSpec
from kubevirt.kit.errors import Refused

TEMPLATE = "spec.template.spec"


def validate_vm(vm: VirtualMachine, config: ClusterConfig, old: VirtualMachine | None = None) -> list[Cause]:
    """What is wrong with a machine; `old` is the stored one where it is changed."""
    if not vm.spec.has_template:
        return [required("spec.template", "missing virtual machine template.")]
    violations = list(check_enums(TEMPLATE, vm.spec.template.spec))
    if violations:
        return only_first_of_each(iter(violations))
    return only_first_of_each(_rules(vm, config, old))


def _rules(vm: VirtualMachine, config: ClusterConfig, old: VirtualMachine | None) -> Causes:
    yield from check_template(TEMPLATE, vm.spec.template, config)
    yield from _run_strategy(vm, config)
    yield from _data_volumes(vm)
    yield from _under_way(vm, old)
    yield from _volume_requests(vm)


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


def _under_way(vm: VirtualMachine, old: VirtualMachine | None) -> Causes:
    """While a snapshot is taken or restored, what it works on stays as it is."""
    if old is None:
        return
    restore, snapshot = vm.status.restore_in_progress, vm.status.snapshot_in_progress
    runs_now = (vm.spec.running, vm.spec.run_strategy)
    runs_before = (old.spec.running, old.spec.run_strategy)
    if restore and runs_now != runs_before and runs_now not in ((None, "Halted"), (False, None)):
        yield not_now(f'Cannot update VM runStrategy until restore "{restore}" completes')
    if not snapshot:
        return
    spec, before = vm.spec.template.spec, old.spec.template.spec
    if spec.volumes != before.volumes or spec.domain.devices.disks != before.domain.devices.disks:
        yield not_now(f'Cannot update vm disks or volumes until snapshot "{snapshot}" completes')
    if runs_now != runs_before:
        yield not_now(f'Cannot update vm running state until snapshot "{snapshot}" completes')


def not_now(message: str) -> Cause:
    """A change of the spec that has to wait."""
    return invalid("spec", message)


def _volume_requests(vm: VirtualMachine) -> Causes:
    at = "Status.volumeRequests"
    adding: dict[str, VirtualMachineVolumeRequest] = {}
    removing: set[str] = set()
    volumes = {volume.name for volume in vm.spec.template.spec.volumes}
    for request in vm.status.volume_requests:
        add, remove = request.add_volume_options, request.remove_volume_options
        if add is not None and remove is not None:
            yield invalid(
                at, "VolumeRequests require either addVolumeOptions or removeVolumeOptions to be set, not both"
            )
        elif add is not None:
            if add.name in adding:
                yield invalid(at, f"AddVolume request for [{add.name}] aleady exists")
            adding[add.name] = request
            if add.name in volumes and not _is_same_claim(vm, request):
                yield invalid(
                    at,
                    f"AddVolume request for [{add.name}] conflicts with an existing volume of the same name on "
                    "the vmi template.",
                )
        elif remove is not None:
            if remove.name in removing:
                yield invalid(at, f"RemoveVolume request for [{remove.name}] aleady exists")
            removing.add(remove.name)
        else:
            yield invalid(
                at, "VolumeRequests require one of either addVolumeOptions or removeVolumeOptions to be set"
            )


def _is_same_claim(vm: VirtualMachine, request: VirtualMachineVolumeRequest) -> bool:
    """Whether the template already has what is to be added, since the request was carried out half."""
    add = request.add_volume_options
    if add is None:
        return False
    for volume in vm.spec.template.spec.volumes:
        if volume.name == add.name:
            source = add.volume_source
            return (
                volume.persistent_volume_claim == source.persistent_volume_claim
                and volume.data_volume == source.data_volume
            )
    return False
