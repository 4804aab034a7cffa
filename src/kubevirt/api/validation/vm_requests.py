"""Rules for what is under way with a machine: volumes to plug in or out, a snapshot, a restore."""

from collections.abc import Iterable

from kubevirt.api.validation.causes import Cause, Causes, invalid, only_first_of_each
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vm_status import AddVolumeOptions
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import Volume

AT = "Status.volumeRequests"


def validate_vm_status(
    vm: VirtualMachine, old: VirtualMachine | None = None, vmi: VirtualMachineInstance | None = None
) -> list[Cause]:
    """What is wrong with what a machine's status asks for; `vmi` is its instance, where there is one."""
    return only_first_of_each(iter([*check_volume_requests(vm, vmi), *check_under_way(vm, old)]))


def check_under_way(vm: VirtualMachine, old: VirtualMachine | None) -> Causes:
    """While a snapshot is taken or restored, what it works on stays as it is."""
    if old is None:
        return
    restore, snapshot = vm.status.restore_in_progress, vm.status.snapshot_in_progress
    runs_now = (vm.spec.running, vm.spec.run_strategy)
    runs_before = (old.spec.running, old.spec.run_strategy)
    if restore and runs_now != runs_before and runs_now not in ((None, "Halted"), (False, None)):
        yield _not_now(f'Cannot update VM runStrategy until restore "{restore}" completes')
    if not snapshot:
        return
    spec, before = vm.spec.template.spec, old.spec.template.spec
    if spec.volumes != before.volumes or spec.domain.devices.disks != before.domain.devices.disks:
        yield _not_now(f'Cannot update vm disks or volumes until snapshot "{snapshot}" completes')
    if runs_now != runs_before:
        yield _not_now(f'Cannot update vm running state until snapshot "{snapshot}" completes')


def check_volume_requests(vm: VirtualMachine, vmi: VirtualMachineInstance | None = None) -> Causes:
    """Each request is one, of one volume, and does not contradict what machine and instance have already."""
    if not vm.status.volume_requests:
        return
    if vmi is not None and _is_migrating(vmi):
        yield _not_now("Cannot handle volume requests while VMI migration is in progress")
        return
    places = [("the vmi template.", vm.spec.template.spec.volumes)]
    if vmi is not None:
        places.append(("currently running vmi", vmi.spec.volumes))
    adding: set[str] = set()
    removing: set[str] = set()
    for request in vm.status.volume_requests:
        add, remove = request.add_volume_options, request.remove_volume_options
        if add is not None and remove is not None:
            yield invalid(
                AT, "VolumeRequests require either addVolumeOptions or removeVolumeOptions to be set, not both"
            )
        elif add is not None:
            if add.name in adding:
                yield invalid(AT, f"AddVolume request for [{add.name}] aleady exists")
            adding.add(add.name)
            yield from _collisions(add, places)
        elif remove is not None:
            if remove.name in removing:
                yield invalid(AT, f"RemoveVolume request for [{remove.name}] aleady exists")
            removing.add(remove.name)
        else:
            yield invalid(
                AT, "VolumeRequests require one of either addVolumeOptions or removeVolumeOptions to be set"
            )


def _collisions(add: AddVolumeOptions, places: Iterable[tuple[str, list[Volume]]]) -> Causes:
    """Another volume of the name; the same one is there while its request is carried out half."""
    for place, volumes in places:
        for volume in volumes:
            if volume.name == add.name and not _is_same_claim(volume, add):
                asked = f"AddVolume request for [{add.name}]"
                yield invalid(AT, f"{asked} conflicts with an existing volume of the same name on {place}")
                return


def _is_same_claim(volume: Volume, add: AddVolumeOptions) -> bool:
    source = add.volume_source
    claims = [each.persistent_volume_claim.claim_name if each.persistent_volume_claim is not None else ""
              for each in (volume, source)]
    data = [each.data_volume.name if each.data_volume is not None else "" for each in (volume, source)]
    return claims[0] == claims[1] and data[0] == data[1]


def _is_migrating(vmi: VirtualMachineInstance) -> bool:
    state = vmi.status.migration_state
    return state is not None and not state.completed


def _not_now(message: str) -> Cause:
    """A change that has to wait."""
    return invalid("spec", message)
