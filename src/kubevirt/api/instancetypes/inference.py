"""Which instance type and preference a volume names: by labels on it, or on what it is made from.

A claim has its own labels. A data volume has them itself, or the claim, snapshot or data source that it is filled from;
a data source itself, or what it stands for. The first labels on this way count.
"""

from collections.abc import Mapping

from kubevirt.api.datavolume import DataVolumeSpec
from kubevirt.api.instancetypes.lookups import Asking, Missing, look_up
from kubevirt.api.instancetypes.matchers import IGNORE
from kubevirt.api.instancetypes.volume_sources import DATA_SOURCES, DATA_VOLUMES, VOLUME_SNAPSHOTS
from kubevirt.api.names import (
    LABEL_DEFAULT_INSTANCETYPE,
    LABEL_DEFAULT_INSTANCETYPE_KIND,
    LABEL_DEFAULT_PREFERENCE,
    LABEL_DEFAULT_PREFERENCE_KIND,
)
from kubevirt.api.resources import PVCS
from kubevirt.api.vm import InstancetypeMatcher, PreferenceMatcher, VirtualMachine
from kubevirt.kit.errors import Refused

Labels = Mapping[str, str]


class NothingToInfer(Refused):
    """The volume can be read, but names nothing. Who asks for it may ignore this."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            cause=cause, remedy="label the volume, name the instance type or preference, or set the policy Ignore"
        )


def infer(vm: VirtualMachine) -> Asking[None]:
    """Replace matchers that leave the choice to a volume. Changes `vm`. Raises Refused."""
    yield from _instancetype(vm)
    yield from _preference(vm)


def _instancetype(vm: VirtualMachine) -> Asking[None]:
    matcher = vm.spec.instancetype
    if matcher is None or not matcher.infer_from_volume:
        return
    lenient = matcher.infer_from_volume_failure_policy == IGNORE
    try:
        labels = yield from _labels(vm, matcher.infer_from_volume, LABEL_DEFAULT_INSTANCETYPE)
    except NothingToInfer:
        if not lenient:
            raise
        vm.spec.instancetype = None
        return
    if lenient:
        # Whoever ignores failures writes the memory for that case; now it would be in the instance type's way.
        vm.spec.template.spec.domain.memory = None
    vm.spec.instancetype = InstancetypeMatcher(
        name=labels[LABEL_DEFAULT_INSTANCETYPE], kind=labels.get(LABEL_DEFAULT_INSTANCETYPE_KIND)
    )


def _preference(vm: VirtualMachine) -> Asking[None]:
    matcher = vm.spec.preference
    if matcher is None or not matcher.infer_from_volume:
        return
    try:
        labels = yield from _labels(vm, matcher.infer_from_volume, LABEL_DEFAULT_PREFERENCE)
    except NothingToInfer:
        if matcher.infer_from_volume_failure_policy != IGNORE:
            raise
        vm.spec.preference = None
        return
    vm.spec.preference = PreferenceMatcher(
        name=labels[LABEL_DEFAULT_PREFERENCE], kind=labels.get(LABEL_DEFAULT_PREFERENCE_KIND)
    )


def _labels(vm: VirtualMachine, volume_name: str, wanted: str) -> Asking[Labels]:
    """The labels in which `wanted` is one, on the way from the volume."""
    volume = next((v for v in vm.spec.template.spec.volumes if v.name == volume_name), None)
    if volume is None:
        raise Refused(
            cause=f"unable to find volume {volume_name} to infer defaults", remedy="name one of the machine's volumes"
        )
    namespace = vm.metadata.namespace
    if volume.persistent_volume_claim is not None:
        return (yield from _of_claim(volume.persistent_volume_claim.claim_name, namespace, wanted))
    if volume.data_volume is None:
        raise NothingToInfer(f"unable to infer defaults from volume {volume_name} as type is not supported")
    name = volume.data_volume.name
    for template in vm.spec.data_volume_templates:
        if template.metadata is not None and template.metadata.name == name:
            return (yield from _of_filling(template.spec, namespace, wanted))
    try:
        made = yield from look_up(DATA_VOLUMES, name, namespace)
    except Missing:
        # The importer may have removed the data volume once its claim was filled; both have the same name.
        return (yield from _of_claim(name, namespace, wanted))
    if wanted in made.metadata.labels:
        return made.metadata.labels
    return (yield from _of_filling(made.spec, namespace, wanted))


def _of_filling(spec: DataVolumeSpec, namespace: str, wanted: str) -> Asking[Labels]:
    """The labels of what a data volume is filled from."""
    if spec.source is not None and spec.source.pvc is not None:
        return (yield from _of_claim(spec.source.pvc.name, spec.source.pvc.namespace or namespace, wanted))
    if spec.source is not None and spec.source.snapshot is not None:
        return (yield from _of_snapshot(spec.source.snapshot.name, spec.source.snapshot.namespace or namespace, wanted))
    if spec.source_ref is None:
        raise NothingToInfer("unable to infer defaults from DataVolumeSpec as DataVolumeSource is not supported")
    if spec.source_ref.kind != "DataSource":
        raise NothingToInfer(
            f"unable to infer defaults from DataVolumeSourceRef as Kind {spec.source_ref.kind} is not supported"
        )
    found = yield from look_up(DATA_SOURCES, spec.source_ref.name, spec.source_ref.namespace or namespace)
    if wanted in found.metadata.labels:
        return found.metadata.labels
    source = found.spec.source
    if source.pvc is not None:
        return (yield from _of_claim(source.pvc.name, source.pvc.namespace, wanted))
    if source.snapshot is not None:
        return (yield from _of_snapshot(source.snapshot.name, source.snapshot.namespace, wanted))
    raise NothingToInfer("unable to infer defaults from DataSource that doesn't provide DataVolumeSourcePVC")


def _of_claim(name: str, namespace: str, wanted: str) -> Asking[Labels]:
    found = yield from look_up(PVCS, name, namespace)
    return _with(wanted, found.metadata.labels)


def _of_snapshot(name: str, namespace: str, wanted: str) -> Asking[Labels]:
    found = yield from look_up(VOLUME_SNAPSHOTS, name, namespace)
    return _with(wanted, found.metadata.labels)


def _with(wanted: str, labels: Labels) -> Labels:
    if wanted not in labels:
        raise NothingToInfer(f"unable to find required {wanted} label on the volume")
    return labels
