"""An order carried out: the files of the machine, then its domain."""

import os
from pathlib import Path

from msgspec.structs import asdict

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.context import domain_context
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.machine import cloud_init, paths
from kubevirt.machine.access_credentials import agent_credentials
from kubevirt.machine.domain import DiskFacts, domain_type, topology
from kubevirt.machine.domain.build import domain_element
from kubevirt.machine.domain.xml import parse, to_text
from kubevirt.machine.domain_report import ReportedInterface
from kubevirt.machine.guest_probes import are_quiet, has_guest_probes
from kubevirt.virt_launcher.options import DEFAULT_GRACE_PERIOD_S
from kubevirt.virt_launcher.orders import BuildOrder, Built, Settled, SettleOrder, SpareSlots
from kubevirt.virt_launcher.workshop import boot_files, claims, data_disks, host_devices, qemu_img
from kubevirt.virt_launcher.workshop.images import ImageShelf
from kubevirt.virt_launcher.workshop.iso import write_iso
from kubevirt.virt_launcher.workshop.secrets import mounted_secrets

MIB = 1024 * 1024


def warm_up() -> None:
    """Make what is made at the first use, before anybody waits for it."""
    codec.decode(SyncRequest, b'{"vmi": {}}')


def build(order: BuildOrder, shelf: ImageShelf) -> Built:
    """Make everything a VMI needs before it starts. Doing it again changes nothing. Raises Problem."""
    request = codec.decode(SyncRequest, bytes(order.sync))
    vmi = request.vmi
    try:
        disks = prepare_disks(vmi, shelf)
        context = domain_context(
            request.options,
            kvm=order.kvm,
            allow_emulation=order.allow_emulation,
            nics=request.nics,
            disks=disks,
            host_devices=host_devices.host_devices(vmi, os.environ),
        )
        domain = domain_element(vmi, context)
        kernel = boot_files.boot_files(vmi)
    except OSError as error:
        raise Problem(
            cause=f"a file of the machine cannot be made: {os.strerror(error.errno or 0)} ({error.filename})",
            remedy="see whether the node is short of disk space",
        ) from error
    spare = topology.spare(vmi)
    if spare is not None:
        topology.with_placeholders(domain, spare.placeholders)
    built = _built(request, to_text(domain), domain_type(context))
    built.boot_files = kernel
    built.spare = SpareSlots(**asdict(spare)) if spare is not None else None
    return built


def settle(order: SettleOrder) -> Settled:
    """The domain that is started, from the one whose PCI bus libvirt has laid out."""
    domain, spare = parse(order.xml), order.spare
    kept = topology.Spare(placeholders=spare.placeholders, total=spare.total, minimum=spare.minimum)
    topology.settled(domain, kept)
    return Settled(xml=to_text(domain))


def prepare_disks(vmi: VirtualMachineInstance, shelf: ImageShelf) -> dict[str, DiskFacts]:
    """Make overlays, empty disks and ISO images; tell the builder what it has to know of each volume."""
    facts: dict[str, DiskFacts] = {}
    on_disk = {disk.name for disk in vmi.spec.domain.devices.disks}
    for index, volume in enumerate(vmi.spec.volumes):
        name = volume.name
        if volume.container_disk is not None:
            image = shelf.image(
                Path(paths.image_volume(index)), path=volume.container_disk.path or "",
                field=f"spec.volumes[{index}].containerDisk", reference=volume.container_disk.image,
            )
            overlay = Path(paths.overlay(name))
            if _make_room(overlay):
                qemu_img.create_overlay(overlay, backing=image.path, backing_format=image.format)
            facts[name] = DiskFacts(image=str(image.path), format=image.format, cache=claims.cache_mode(overlay))
        elif volume.empty_disk is not None:
            disk = Path(paths.empty_disk(name))
            if _make_room(disk):
                qemu_img.create_empty(disk, size_bytes=volume.empty_disk.capacity.bytes // MIB * MIB)
            facts[name] = DiskFacts(format="qcow2", cache=claims.cache_mode(disk))
        elif claims.is_claim(volume):
            facts[name] = claims.facts(volume, claims.info_of(volume, vmi.status.volume_status))
        elif name in on_disk and (data := data_disks.data_disk(volume)) is not None:
            data_disks.make(data)
    seed = cloud_init.cloud_init_disk(vmi, mounted_secrets(vmi))
    if seed is not None:
        target = Path(paths.cloud_init_iso(vmi.metadata.namespace, vmi.metadata.name, seed.iso_file_name))
        write_iso(target, label=seed.label, files=seed.files)
    return facts


def _make_room(file: Path) -> bool:
    """Whether the file has yet to be made; its directory exists afterwards."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return not file.exists()


def _built(request: SyncRequest, xml: str, type_: str) -> Built:
    spec = request.vmi.spec
    features = spec.domain.features
    acpi = features.acpi if features is not None else None
    return Built(
        xml=xml,
        domain_type=type_,
        paused=spec.start_strategy == "Paused",
        acpi=acpi is None or acpi.enabled is not False,
        grace_period_s=_grace_period_s(spec.termination_grace_period_seconds),
        interfaces=[
            ReportedInterface(name=nic.network, mac=nic.mac, ip_addresses=nic.ip_addresses, info_source=["domain"])
            for nic in request.nics
        ],
        leases=[nic.dhcp for nic in request.nics if nic.dhcp is not None],
        leases6=[nic.dhcp6 for nic in request.nics if nic.dhcp6 is not None],
        volumes={f"ua-{disk.name}": disk.name for disk in spec.domain.devices.disks},
        credentials=agent_credentials(request.vmi),
        guest_probes=has_guest_probes(request.vmi),
        quiet_probes=are_quiet(request.vmi.metadata.annotations),
    )


def _grace_period_s(given: int | None) -> int:
    return DEFAULT_GRACE_PERIOD_S if given is None else given
