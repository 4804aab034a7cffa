"""A VM's `dataVolumeTemplates`: DataVolumes that are made for it, and whether they are filled.

A start waits for them, a stop never does. What the importer does with a DataVolume, and how far it is, stands in the
DataVolume itself; the VM tells of it by its printable status (`Provisioning`, `DataVolumeError`) and, where nothing can
go on by itself, by its condition `Failure`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from kubevirt.api.datavolume import DataVolumeTemplateSpec
from kubevirt.api.resources import VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Problem
from kubevirt.machine.instance import owner_reference
from kubevirt.virt_controller.actions import Action, Create, Event, FailureWords, Patch, SyncProblem
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES, DataVolume, Presence
from kubevirt.virt_controller.vm.data_volume_origin import body_of, permission_for, resolved
from kubevirt.virt_controller.vm.observed import Observed

IMMEDIATE = "kubevirt.io/immediate-data-volume-creation"
FILLED = frozenset({"Succeeded", "WaitForFirstConsumer", "PendingPopulation"})
"""Phases in which a machine may be started: full, or to be filled once a pod uses it."""
BROKEN_BECAUSE = frozenset({"Error", "ImagePullFailed"})
WRAPPER = "Error encountered while creating DataVolumes: "
EXCEEDS_QUOTA = "DataVolume {} exceeds quota limits"
NOT_IMPORTED = "DataVolume {} failed to import disk image"
NO_IMPORTER = (
    "the cluster has no DataVolumes (CustomResourceDefinition datavolumes.cdi.kubevirt.io); install the Containerized "
    "Data Importer, or create the claims yourself and name them as persistentVolumeClaim volumes in place of "
    "spec.dataVolumeTemplates"
)
READING_WAIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What is to be done about the DataVolumes, or why they are not ready; `ready` when nothing is."""

    ready: bool = True
    actions: tuple[Action, ...] = ()
    problem: SyncProblem | None = None
    news: tuple[Event, ...] = ()
    again_s: float | None = None


def made_at_once(o: Observed) -> bool:
    """The DataVolumes are made before the first start is asked for; that is, unless the VM says otherwise."""
    return o.vm.metadata.annotations.get(IMMEDIATE) != "false"


def preparation(o: Observed) -> Preparation:
    """How it stands with the VM's DataVolumes. Pure: same input, same answer."""
    templates = o.vm.spec.data_volume_templates
    if not templates:
        return Preparation()
    known = o.importer
    if known.presence is Presence.ABSENT:
        return not_made(o.vm, name_of(templates[0]), problem(NO_IMPORTER, retry=False), NO_IMPORTER)
    if known.presence is Presence.COMING:
        return Preparation(ready=False, again_s=READING_WAIT_S)
    missing = [t for t in templates if name_of(t) not in known.data_volumes and name_of(t) not in known.standing_in]
    actions: list[Action] = []
    for template in missing:
        try:
            actions.append(create(o, template))
        except Problem as unresolved:
            return not_made(o.vm, name_of(template), problem(str(unresolved)), str(unresolved))
    actions.extend(adoptions(o))
    if actions:
        return Preparation(ready=False, actions=tuple(actions))
    found = [known.data_volumes[name_of(t)] for t in templates if name_of(t) in known.data_volumes]
    told = [problem(why, retry=False) for d in found if (why := trouble_with(d, o.vm))]
    return Preparation(ready=all(d.status.phase in FILLED for d in found), problem=told[0] if told else None,
                       news=tuple(news_of(found, o.vm)))


def name_of(template: DataVolumeTemplateSpec) -> str:
    """The name of the template's DataVolume."""
    return template.metadata.name if template.metadata is not None else ""


def problem(cause: str, *, retry: bool = True) -> SyncProblem:
    """What the VM's condition says."""
    return SyncProblem(reason="FailedCreate", message=WRAPPER + cause, retry=retry)


def not_made(vm: VirtualMachine, name: str, why: SyncProblem, cause: str) -> Preparation:
    """A DataVolume cannot even be asked for: the condition says why, and an event does so once."""
    event = Event(type="Warning", reason="FailedDataVolumeCreate", message=f"Error creating DataVolume {name}: {cause}")
    is_told = any(c.type == "Failure" and c.message == why.message for c in vm.status.conditions)
    return Preparation(ready=False, problem=why, news=() if is_told else (event,))


def create(o: Observed, template: DataVolumeTemplateSpec) -> Create:
    """The DataVolume of a template, made on behalf of the VM's service account. Raises Problem for an unknown source.
    """
    name, source = name_of(template), resolved(o.vm, template, o.importer.data_sources)
    warning = None
    if source is not None and source.kind == "pvc" and (
            f"{source.namespace}/{source.name}" not in o.importer.source_claims):
        warning = Event(type="Warning", reason="SourcePVCNotAvailabe", message=(
            f"Source PVC {source.name} not available: Target PVC {name} will remain unpopulated until source is "
            "created"))
    return Create(
        resource=DATA_VOLUMES,
        body=body_of(o.vm, template, source),
        permission=permission_for(o.vm, name, source),
        warning=warning,
        done=Event(reason="SuccessfulDataVolumeCreate", message=f"Created DataVolume {name}"),
        failed=FailureWords(reason="FailedCreate", condition=WRAPPER, event=f"Error creating DataVolume {name}: ",
                            event_reason="FailedDataVolumeCreate"),
    )


def adoptions(o: Observed) -> Iterator[Patch]:
    """DataVolumes of the templates' names that nothing controls become the VM's."""
    for template in o.vm.spec.data_volume_templates:
        found = o.importer.data_volumes.get(name_of(template))
        if found is None or found.metadata.controller is not None or found.metadata.deletion_timestamp is not None:
            continue
        metadata = replace(found.metadata, owner_references=[owner_reference(o.vm)])
        yield Patch(resource=DATA_VOLUMES, old=found, new=replace(found, metadata=metadata),
                    only_while_alive=(VMS, o.vm), failed=FailureWords(reason="FailedCreate", condition=WRAPPER))


def trouble_with(data_volume: DataVolume, vm: VirtualMachine) -> str:
    """Why the machine waits, where its printable status does not tell: that knows of `dataVolume` volumes alone."""
    if exceeds_quota(data_volume):
        return EXCEEDS_QUOTA.format(data_volume.metadata.name)
    named = {v.data_volume.name for v in vm.spec.template.spec.volumes if v.data_volume is not None}
    if data_volume.status.phase == "Failed" and data_volume.metadata.name not in named:
        return NOT_IMPORTED.format(data_volume.metadata.name)
    return ""


def exceeds_quota(data_volume: DataVolume) -> bool:
    """The claim could not be made for want of quota."""
    bound = data_volume.condition("Bound")
    return (data_volume.status.phase == "Pending" and bound is not None and bound.status != "True"
            and bound.reason == "ErrExceededQuota")


def news_of(found: list[DataVolume], vm: VirtualMachine) -> Iterator[Event]:
    """What a user must hear of, once: not what the VM's status tells already."""
    failure = next((c.message for c in vm.status.conditions if c.type == "Failure"), "")
    for data_volume in found:
        name = data_volume.metadata.name
        if exceeds_quota(data_volume) and name not in failure:
            yield Event(type="Warning", reason="FailedDataVolumeImport", message=EXCEEDS_QUOTA.format(name))
        is_told = vm.status.printable_status == "DataVolumeError" or name in failure
        if data_volume.status.phase == "Failed" and not is_told:
            yield Event(type="Warning", reason="FailedDataVolumeImport", message=NOT_IMPORTED.format(name))


def is_broken(data_volume: DataVolume) -> bool:
    """It will not be filled, or not before somebody puts right what it fails for."""
    running = data_volume.condition("Running")
    return data_volume.status.phase == "Failed" or (
        running is not None and running.status == "False" and running.reason in BROKEN_BECAUSE)


def is_being_filled(data_volume: DataVolume) -> bool:
    """Data is on its way, or will be without a machine's doing."""
    phase, bound = data_volume.status.phase, data_volume.condition("Bound")
    if phase in ("Succeeded", "PendingPopulation"):
        return False
    return phase != "WaitForFirstConsumer" or (bound is not None and bound.status == "True")
