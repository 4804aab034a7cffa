"""The files of cloud-init disks. That a guest reads them is tested end to end."""

import json

import pytest
from machine_samples import vmi

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import JsonObject
from kubevirt.machine.cloud_init import Disk, MountedSecrets, cloud_init_disk


def machine(kind: str, source: JsonObject, **spec: object) -> VirtualMachineInstance:
    # The names come from the case, so mypy cannot match them with their types.
    return vmi({"volumes": [{"name": "seed", kind: source}], **spec}, devices={"disks": [{"name": "seed"}]})  # type: ignore[dict-item]


def made(vmi: VirtualMachineInstance, secrets: MountedSecrets | None = None) -> Disk:
    found = cloud_init_disk(vmi, secrets or MountedSecrets())
    assert found is not None
    return found


def test_no_cloud() -> None:
    disk = made(machine("cloudInitNoCloud", {"userData": "#!/bin/sh\n", "networkData": "version: 2"}))
    assert (disk.volume, disk.label, disk.iso_file_name) == ("seed", "cidata", "noCloud.iso")
    assert sorted(disk.files) == ["meta-data", "network-config", "user-data"]
    assert disk.files["user-data"] == b"#!/bin/sh\n"
    assert json.loads(disk.files["meta-data"]) == {"instance-id": "guest.lab", "local-hostname": "guest"}


def test_config_drive() -> None:
    disk = made(machine("cloudInitConfigDrive", {"userDataBase64": "IyEvYmluL3NoCg=="}, hostname="web"))
    assert (disk.label, disk.iso_file_name) == ("config-2", "configdrive.iso")
    assert disk.files["openstack/latest/user_data"] == b"#!/bin/sh\n"
    assert json.loads(disk.files["openstack/latest/meta_data.json"]) == {
        "instance_id": "guest.lab", "local_hostname": "web", "hostname": "web",
        "uuid": "5f1fb0d9-0000-4000-8000-000000000001",
    }
    assert "openstack/latest/network_data.json" not in disk.files


def test_data_of_secrets() -> None:
    source: JsonObject = {"secretRef": {"name": "s"}, "networkDataSecretRef": {"name": "n"}}
    disk = made(machine("cloudInitNoCloud", source), MountedSecrets(user_data=b"u", network_data=b"n"))
    assert (disk.files["user-data"], disk.files["network-config"]) == (b"u", b"n")


@pytest.mark.parametrize(("source", "field"), [
    pytest.param({"userDataBase64": "%%"}, "spec.volumes[seed].userDataBase64", id="not base64"),
    pytest.param({"secretRef": {"name": "s"}}, "spec.volumes[seed].userDataSecretRef", id="a secret without the key"),
])
def test_refused(source: JsonObject, field: str) -> None:
    with pytest.raises(Refused) as caught:
        made(machine("cloudInitNoCloud", source))
    assert caught.value.field == field
    assert caught.value.remedy


def test_keys_come_with_the_kind_of_disk_they_were_meant_for() -> None:
    def credential(secret: str, method: str) -> JsonObject:
        return {"sshPublicKey": {"source": {"secret": {"secretName": secret}}, "propagationMethod": {method: {}}}}

    keys = MountedSecrets(public_keys={"mine": ("ssh-ed25519 A", "ssh-ed25519 B"), "other": ("ssh-rsa C",)})
    found = machine("cloudInitNoCloud", {"userData": "x"},
                    accessCredentials=[credential("mine", "noCloud"), credential("other", "configDrive")])
    meta = json.loads(made(found, keys).files["meta-data"])
    assert meta["public-keys"] == {"0": "ssh-ed25519 A", "1": "ssh-ed25519 B"}


def test_without_a_cloud_init_volume_there_is_no_disk() -> None:
    assert cloud_init_disk(vmi(), MountedSecrets()) is None
