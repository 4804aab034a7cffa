"""Volumes of the launcher pod and where the compute container finds them: `paths.py` seen from the kubelet's side."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import CloudInitConfigDriveSource, CloudInitNoCloudSource, Volume
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine import backend_storage, paths
from kubevirt.machine.domain.sources import claim_name
from kubevirt.machine.pod.context import PodContext

SCRATCH = {
    "private": paths.PRIVATE_DIR,
    "public": paths.SHARE_DIR,
    "sockets": paths.SOCKETS_DIR,
    "libvirt-runtime": paths.LIBVIRT_DIR,
    "ephemeral-disks": paths.EPHEMERAL_DIR,
}
"""Empty directories of the pod. The node agent finds the launcher's socket by the name of `sockets`."""
RESERVED = frozenset({*SCRATCH, "hugepages", "hugetblfs-dir", "virtiofs-containers", "kernel-boot", "downward-metrics",
                      backend_storage.POD_VOLUME})


@dataclass(kw_only=True)
class PodVolumes:
    """Volumes of the pod; mounts and block devices of the compute container."""

    volumes: list[Json] = field(default_factory=list)
    mounts: list[Json] = field(default_factory=list)
    devices: list[Json] = field(default_factory=list)

    def add(self, name: str, source: JsonObject, path: str, *, read_only: bool = False) -> None:
        self.volumes.append({"name": name, **source})
        mount: JsonObject = {"name": name, "mountPath": path}
        if read_only:
            mount["readOnly"] = True
        self.mounts.append(mount)


def pod_volume_name(name: str) -> str:
    """A user may call a volume what the pod calls one of its own."""
    return f"{name}-volume" if name in RESERVED else name


def volumes(vmi: VirtualMachineInstance, context: PodContext) -> PodVolumes:
    found = PodVolumes()
    for name, path in SCRATCH.items():
        found.add(name, {"emptyDir": {}}, path)
    memory = vmi.spec.domain.memory
    if memory is not None and memory.hugepages is not None:
        found.add("hugepages", {"emptyDir": {"medium": "HugePages"}}, "/dev/hugepages")
        found.add("hugetblfs-dir", {"emptyDir": {}}, "/dev/hugepages/libvirt/qemu")
    if vmi.spec.domain.devices.filesystems:
        found.add("virtiofs-containers", {"emptyDir": {}}, paths.VIRTIOFS_DIR)
    _kernel_boot(vmi, found)
    on_disk = {disk.name for disk in vmi.spec.domain.devices.disks}
    for index, volume in enumerate(vmi.spec.volumes):
        _storage(index, volume, context, found)
        if volume.name in on_disk or volume.name in _file_systems(vmi):
            _data(volume, found)
        _cloud_init_secrets(volume, found)
    _credentials(vmi, found)
    _state(vmi, context, found)
    return found


def _file_systems(vmi: VirtualMachineInstance) -> set[str]:
    return {filesystem.name for filesystem in vmi.spec.domain.devices.filesystems}


def _kernel_boot(vmi: VirtualMachineInstance, found: PodVolumes) -> None:
    firmware = vmi.spec.domain.firmware
    container = firmware.kernel_boot.container if firmware is not None and firmware.kernel_boot is not None else None
    if container is not None:
        found.add("kernel-boot", {"image": _image(container.image, container.image_pull_policy)},
                  paths.KERNEL_BOOT_MOUNT, read_only=True)


def _image(reference: str, policy: str | None) -> JsonObject:
    image: JsonObject = {"reference": reference}
    if policy:
        image["pullPolicy"] = policy
    return image


def _storage(index: int, volume: Volume, context: PodContext, found: PodVolumes) -> None:
    """Container disks, claims and host directories: the volumes that hold whole disks."""
    name = pod_volume_name(volume.name)
    if volume.container_disk is not None:
        disk = volume.container_disk
        found.add(name, {"image": _image(disk.image, disk.image_pull_policy)}, paths.image_volume(index),
                  read_only=True)
    elif volume.host_disk is not None:
        kind = "DirectoryOrCreate" if volume.host_disk.type == "DiskOrCreate" else "Directory"
        directory = str(PurePosixPath(volume.host_disk.path).parent)
        found.add(name, {"hostPath": {"path": directory, "type": kind}}, paths.volume_dir(volume.name))
    elif volume.downward_metrics is not None:
        found.add("downward-metrics", {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                  paths.DOWNWARD_METRICS_DIR)
    elif (claim := claim_name(volume)) and not volume.is_hotpluggable and volume.memory_dump is None:
        source: JsonObject = {"claimName": claim}
        if _is_read_only(volume):
            source["readOnly"] = True
        if context.claim(claim).block:
            found.volumes.append({"name": name, "persistentVolumeClaim": source})
            found.devices.append({"name": name, "devicePath": paths.block_device(volume.name)})
        else:
            found.add(name, {"persistentVolumeClaim": source}, paths.volume_dir(volume.name))


def _is_read_only(volume: Volume) -> bool:
    sources = (volume.persistent_volume_claim,
               volume.ephemeral.persistent_volume_claim if volume.ephemeral is not None else None)
    return any(source is not None and bool(source.read_only) for source in sources)


def _data(volume: Volume, found: PodVolumes) -> None:
    """Small data that the launcher writes onto an ISO image, or that is shared as a directory."""
    name = pod_volume_name(volume.name)
    if volume.config_map is not None:
        source: JsonObject = {"name": volume.config_map.name or ""}
        if volume.config_map.optional is not None:
            source["optional"] = volume.config_map.optional
        found.add(name, {"configMap": source}, paths.config_map_dir(volume.name), read_only=True)
    elif volume.secret is not None:
        source = {"secretName": volume.secret.secret_name or ""}
        if volume.secret.optional is not None:
            source["optional"] = volume.secret.optional
        found.add(name, {"secret": source}, paths.secret_dir(volume.name), read_only=True)
    elif volume.downward_api is not None:
        items: list[Json] = [codec.to_builtins(item) for item in volume.downward_api.fields]
        found.add(name, {"downwardAPI": {"items": items}}, paths.downward_api_dir(volume.name), read_only=True)
    elif volume.sysprep is not None:
        _sysprep(name, volume, found)


def _sysprep(name: str, volume: Volume, found: PodVolumes) -> None:
    given = volume.sysprep
    if given is None:
        return
    if given.config_map is not None:
        found.add(name, {"configMap": {"name": given.config_map.name or ""}}, paths.sysprep_dir(volume.name),
                  read_only=True)
    elif given.secret is not None:
        found.add(name, {"secret": {"secretName": given.secret.name or ""}}, paths.sysprep_dir(volume.name),
                  read_only=True)


def _cloud_init_secrets(volume: Volume, found: PodVolumes) -> None:
    source: CloudInitNoCloudSource | CloudInitConfigDriveSource | None = (
        volume.cloud_init_no_cloud or volume.cloud_init_config_drive
    )
    if source is None:
        return
    for name, reference, keys in (
        (f"{volume.name}-udata", source.secret_ref, ("userdata", "userData")),
        (f"{volume.name}-ndata", source.network_data_secret_ref, ("networkdata", "networkData")),
    ):
        if reference is None:
            continue
        found.volumes.append({"name": name, "secret": {"secretName": reference.name or ""}})
        found.mounts += [
            {"name": name, "mountPath": paths.cloud_init_secret_file(volume.name, key), "subPath": key,
             "readOnly": True}
            for key in keys
        ]


def _credentials(vmi: VirtualMachineInstance, found: PodVolumes) -> None:
    """Each secret of access credentials once, however many credentials use it."""
    secrets: dict[str, None] = {}
    for credential in vmi.spec.access_credentials:
        key, password = credential.ssh_public_key, credential.user_password
        source = key.source.secret if key is not None else password.source.secret if password is not None else None
        if source is not None:
            secrets[source.secret_name] = None
    for secret in secrets:
        found.add(f"{secret}-access-cred", {"secret": {"secretName": secret}}, paths.access_credential_dir(secret),
                  read_only=True)


def _state(vmi: VirtualMachineInstance, context: PodContext, found: PodVolumes) -> None:
    """Directories of the claim that keeps TPM and UEFI variables. Raises Problem while there is no claim."""
    if not (kinds := backend_storage.directories(vmi)):
        return
    if not context.state_claim:
        raise Problem(cause="can't generate manifest without backend-storage PVC, waiting for the PVC to be created")
    name = backend_storage.POD_VOLUME
    found.volumes.append({"name": name, "persistentVolumeClaim": {"claimName": context.state_claim}})
    found.mounts += [{"name": name, "mountPath": paths.state_dir(kind), "subPath": kind} for kind in kinds]
