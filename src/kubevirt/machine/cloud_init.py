"""Cloud-init data sources: the files of the disk from which a guest configures itself at its first boot.

Pure: what is in secrets comes as a mapping of mounted files. Whoever calls this writes the tree onto an ISO image
whose volume label tells cloud-init what it found.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import CloudInitConfigDriveSource, CloudInitNoCloudSource, Volume
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import JsonObject
from kubevirt.machine.hostname import hostname

NO_CLOUD_LABEL, CONFIG_DRIVE_LABEL = "cidata", "config-2"
INSTANCE_TYPE_ANNOTATIONS = ("kubevirt.io/instancetype-name", "kubevirt.io/cluster-instancetype-name")

Source = CloudInitNoCloudSource | CloudInitConfigDriveSource


class MountedSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of what the pod has mounted: keys of the volume's secrets, and public keys by secret name."""

    user_data: bytes | None = None
    network_data: bytes | None = None
    public_keys: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk to be written: its label, and its files by path."""

    volume: str
    label: str
    iso_file_name: str
    files: Mapping[str, bytes]


def iso_file_name(volume: Volume) -> str | None:
    """File name of the disk's image; None for volumes that are not cloud-init."""
    if volume.cloud_init_no_cloud is not None:
        return "noCloud.iso"
    if volume.cloud_init_config_drive is not None:
        return "configdrive.iso"
    return None


def cloud_init_volume(vmi: VirtualMachineInstance) -> Volume | None:
    """There is at most one."""
    return next((volume for volume in vmi.spec.volumes if iso_file_name(volume) is not None), None)


def cloud_init_disk(vmi: VirtualMachineInstance, secrets: MountedSecrets) -> Disk | None:
    """The disk of a VMI. Raises Refused when its data cannot be decoded or a secret lacks a key."""
    volume = cloud_init_volume(vmi)
    if volume is None:
        return None
    no_cloud = volume.cloud_init_no_cloud
    source: Source | None = no_cloud if no_cloud is not None else volume.cloud_init_config_drive
    if source is None:
        return None
    where = f"spec.volumes[{volume.name}]"
    user_data = _payload(source.user_data, source.user_data_base64, secrets.user_data, f"{where}.userData",
                         from_secret=source.secret_ref is not None)
    network_data = _payload(source.network_data, source.network_data_base64, secrets.network_data,
                            f"{where}.networkData", from_secret=source.network_data_secret_ref is not None)
    keys = _public_keys(vmi, secrets, config_drive=no_cloud is None)
    if no_cloud is not None:
        files = _no_cloud(vmi, keys, user_data, network_data)
        label = NO_CLOUD_LABEL
    else:
        files = _config_drive(vmi, keys, user_data, network_data)
        label = CONFIG_DRIVE_LABEL
    return Disk(volume=volume.name, label=label, iso_file_name=iso_file_name(volume) or "", files=files)


def _payload(
    plain: str | None, encoded: str | None, secret: bytes | None, where: str, *, from_secret: bool
) -> bytes | None:
    if plain:
        return plain.encode()
    if encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as e:
            raise Refused(field=f"{where}Base64", cause="the value is not base64",
                          remedy="encode it, as with `base64 -w0 FILE`") from e
    if from_secret and secret is None:
        raise Refused(field=f"{where}SecretRef", cause="the secret holds no such data",
                      remedy="give the secret a key `userdata`, or `networkdata` for network data")
    return secret


def _public_keys(vmi: VirtualMachineInstance, secrets: MountedSecrets, *, config_drive: bool) -> list[str]:
    """SSH keys that are to come with this kind of disk, without duplicates."""
    found: dict[str, None] = {}
    for credential in vmi.spec.access_credentials:
        key = credential.ssh_public_key
        if key is None or key.source.secret is None:
            continue
        method = key.propagation_method
        if (method.config_drive if config_drive else method.no_cloud) is not None:
            found |= dict.fromkeys(secrets.public_keys.get(key.source.secret.secret_name, ()))
    return list(found)


def instance_id(vmi: VirtualMachineInstance) -> str:
    """The same for every run of a VM, so that first-boot work is done once per disk and not at each start."""
    return f"{vmi.metadata.name}.{vmi.metadata.namespace}"


def _instance_type(vmi: VirtualMachineInstance) -> str:
    return next((vmi.metadata.annotations[a] for a in INSTANCE_TYPE_ANNOTATIONS if a in vmi.metadata.annotations), "")


def _no_cloud(
    vmi: VirtualMachineInstance, keys: list[str], user_data: bytes | None, network_data: bytes | None
) -> dict[str, bytes]:
    meta: JsonObject = {"instance-id": instance_id(vmi), "local-hostname": hostname(vmi)}
    if instance_type := _instance_type(vmi):
        meta["instance-type"] = instance_type
    if keys:
        meta["public-keys"] = _numbered(keys)
    files = {"meta-data": _json(meta), "user-data": user_data or b""}
    if network_data:
        files["network-config"] = network_data
    return files


def _config_drive(
    vmi: VirtualMachineInstance, keys: list[str], user_data: bytes | None, network_data: bytes | None
) -> dict[str, bytes]:
    firmware = vmi.spec.domain.firmware
    name = hostname(vmi)
    meta: JsonObject = {"instance_id": instance_id(vmi), "local_hostname": name, "hostname": name,
                        "uuid": (firmware.uuid if firmware is not None else "") or vmi.metadata.uid}
    if instance_type := _instance_type(vmi):
        meta["instance_type"] = instance_type
    if keys:
        meta["public_keys"] = _numbered(keys)
    if devices := _tagged_devices(vmi):
        meta["devices"] = [*devices]
    files = {"openstack/latest/meta_data.json": _json(meta), "openstack/latest/user_data": user_data or b""}
    if network_data:
        files["openstack/latest/network_data.json"] = network_data
    return files


def _tagged_devices(vmi: VirtualMachineInstance) -> list[JsonObject]:
    """Devices that the user tagged, by what is known of them before the guest starts."""
    found: list[JsonObject] = []
    for interface in vmi.spec.domain.devices.interfaces:
        if interface.tag:
            nic: JsonObject = {"type": "nic", "tags": [interface.tag]}
            if interface.mac_address:
                nic["mac"] = interface.mac_address
            if interface.pci_address:
                nic |= {"bus": "pci", "address": interface.pci_address}
            found.append(nic)
    for disk in vmi.spec.domain.devices.disks:
        if disk.tag:
            entry: JsonObject = {"type": "disk", "tags": [disk.tag]}
            if disk.serial:
                entry["serial"] = disk.serial
            found.append(entry)
    return found


def _numbered(keys: list[str]) -> JsonObject:
    return {str(i): key for i, key in enumerate(keys)}


def _json(data: JsonObject) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data), indent=2)
