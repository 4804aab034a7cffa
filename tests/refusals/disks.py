"""What is refused of disks, volumes and file systems."""

from kubevirt.kit.json import Json, JsonObject
from tests.refusals.samples import DISK, LABEL, D, Refusal, S, V, devices, disk, volume


def twice(source: JsonObject) -> list[Json]:
    """Two volumes from sources of which a machine may have one."""
    return [{"name": name, **source} for name in "ab"]


DISKS: list[Refusal] = [
    (disk(disk={"bus": "ide"}), "Invalid", f"{D}.disk.bus", "IDE bus is not supported"),
    (
        disk(disk={"bus": "floppy"}),
        "Invalid",
        f"{D}.disk.bus",
        f"{D} is set with an unrecognized bus floppy, must be one of: [virtio scsi sata usb]",
    ),
    (
        disk(disk=None, cdrom={"bus": "virtio"}),
        "Invalid",
        f"{D}.cdrom.bus",
        "Bus type virtio is invalid for CD-ROM device",
    ),
    (
        disk(disk={"bus": "sata", "readonly": True}),
        "Invalid",
        f"{D}.disk.bus",
        "sata hard-disks do not support read-only.",
    ),
    ({"volumes": None}, "Invalid", f"{D}.name", f"{D}.Name 'root' not found."),
    (
        {"volumes": [DISK, DISK]},
        "Invalid",
        "spec.volumes[1].name",
        "spec.volumes[1] and spec.volumes[0] must not have the same Name.",
    ),
    (
        devices(disks=[{"name": "root"}, {"name": "root"}]),
        "Invalid",
        "spec.domain.devices.disks[1].name",
        f"spec.domain.devices.disks[1] and {D} must not have the same Name.",
    ),
    (disk(cdrom={"bus": "sata"}), "Invalid", D, f"{D} can only have a single target type defined"),
    (disk(bootOrder=0), "Invalid", f"{D}.bootOrder", f"{D} must have a boot order > 0, if supplied"),
    (disk(cache="unsafe"), "Invalid", f"{D}.cache", f"{D}.cache has invalid value unsafe"),
    (disk(errorPolicy="panic"), "Invalid", f"{D}.errorPolicy", f'{D}.errorPolicy has invalid value "panic"'),
    (
        disk(serial="x" * 257),
        "Invalid",
        f"{D}.serial",
        f"{D} must be less than or equal to 256 in length, if specified",
    ),
    (
        disk(blockSize={"custom": {"logical": 500, "physical": 512}}),
        "Invalid",
        f"{D}.blockSize.custom.logical",
        "Provided size of 500 is less than the supported minimum size of 512",
    ),
    (
        disk(blockSize={"custom": {"logical": 512, "physical": 1000}}),
        "Invalid",
        f"{D}.blockSize.custom.physical",
        "Provided size of 1000 is not a power of 2",
    ),
    (
        disk(disk=None, lun={"bus": "scsi"}),
        "Invalid",
        f"{D}.lun",
        f"{D}.lun can only be mapped to a DataVolume or PersistentVolumeClaim volume.",
    ),
    (
        {"volumes": [{"name": "root"}]},
        "Invalid",
        "spec.volumes[0]",
        "spec.volumes[0] must have exactly one source type set",
    ),
    (
        volume(containerDisk={"image": "a"}, emptyDisk={"capacity": "1Gi"}),
        "Invalid",
        "spec.volumes[0]",
        "spec.volumes[0] must have exactly one source type set",
    ),
    (
        volume(cloudInitNoCloud={"userData": "x" * 2049}),
        "Invalid",
        "spec.volumes[0].cloudInitNoCloud",
        "spec.volumes[0].cloudInitNoCloud userdata exceeds 2048 byte limit. "
        "Should use UserDataSecretRef for larger data.",
    ),
    (
        volume(cloudInitConfigDrive={"userData": "x", "userDataBase64": "eA=="}),
        "Invalid",
        "spec.volumes[0].cloudInitConfigDrive",
        "spec.volumes[0].cloudInitConfigDrive must have only one userdatasource set.",
    ),
    (
        volume(hostDisk={"path": "/a", "type": "Disk"}),
        "Invalid",
        "spec.volumes[0]",
        "HostDisk feature gate is not enabled",
    ),
    (
        volume(containerDisk={"image": "a", "path": "/"}),
        "Invalid",
        "spec.volumes[0].containerDisk",
        "spec.volumes[0].containerDisk must not point to root",
    ),
    (
        volume(containerDisk={"image": "a", "path": "/disk/../etc/shadow"}),
        "Invalid",
        "spec.volumes[0].containerDisk",
        "spec.volumes[0].containerDisk must be an absolute path to a file without relative components",
    ),
    (
        volume(configMap={}),
        "Invalid",
        "spec.volumes[0].configMap.name",
        "spec.volumes[0].configMap.name is a required field",
    ),
    (
        devices(disks=[{"name": "root", "disk": {"bus": "virtio"}, "bootOrder": 1},
                       {"name": "more", "disk": {"bus": "virtio"}, "bootOrder": 1}])
        | {"volumes": [DISK, {"name": "more", "emptyDisk": {"capacity": "1Gi"}}]},
        "Invalid",
        f"{S}.devices.disks[1].bootOrder",
        f"Boot order for {S}.devices.disks[1].bootOrder already set for a different device.",
    ),
    (
        disk(disk={"bus": "sata", "pciAddress": "0000:00:01.0"}),
        "Invalid",
        f"{S}.devices.disks.domain.devices.disks.disk[0].pciAddress",
        f"disk {S}.devices.disks.domain.devices.disks.disk[0].name - setting a PCI address is only possible with bus "
        "type virtio.",
    ),
    (
        disk(disk={"bus": "virtio", "pciAddress": "1"}),
        "Invalid",
        f"{S}.devices.disks.domain.devices.disks.disk[0].pciAddress",
        f"disk {S}.devices.disks.domain.devices.disks.disk[0].name has malformed PCI address (1).",
    ),
    (
        disk(serial="a b"),
        "Invalid",
        f"{D}.serial",
        f"{D} must be made up of the following characters [A-Za-z0-9_.+-], if specified",
    ),
    (
        disk(io="later"),
        "NotSupported",
        f"{S}.devices.disks.domain.devices.disks[0].io",
        f"Disk IO mode for {S}.devices.disks is not supported. Supported modes are: native, threads.",
    ),
    (
        disk(disk={"bus": "usb"}, dedicatedIOThread=True),
        "NotSupported",
        f"{S}.devices.disks.domain.devices.disks[0]",
        "IOThreads are not supported for disks on a usb bus",
    ),
    (
        disk(blockSize={"custom": {"logical": 1024, "physical": 512}}),
        "Invalid",
        f"{D}.blockSize.custom.logical",
        "Logical size 1024 must be the same or less than the physical size of 512",
    ),
    (
        disk(blockSize={"custom": {"logical": 512, "physical": 4194304}}),
        "Invalid",
        f"{D}.blockSize.custom.physical",
        "Provided size of 4194304 is greater than the supported maximum size of 2097152",
    ),
    (
        disk(disk={"bus": "sata"}, blockSize={"custom": {"logical": 4096, "physical": 4096}}),
        "Invalid",
        f"{D}.blockSize.custom.logical",
        "Logical size 4096 must be 512 for SATA devices",
    ),
    (
        disk(blockSize={"custom": {"logical": 512, "physical": 512, "discardGranularity": 1000}}),
        "Invalid",
        f"{D}.blockSize.custom.discardGranularity",
        "Discard granularity 1000 must be multiples of logical size 512",
    ),
    (
        disk(blockSize={"custom": {"logical": 512, "physical": 512}, "matchVolume": {}}),
        "Invalid",
        f"{D}.blockSize",
        "Block size matching can't be enabled together with a custom value",
    ),
    (
        devices(disks=[{"name": "my_disk"}]) | {"volumes": [{"name": "my_disk", "containerDisk": {"image": "a"}}]},
        "Invalid",
        f"{S}.devices.disks.domain.devices.disks[0].name",
        LABEL,
    ),
    (volume(dataVolume={"name": ""}), "Required", f"{V}.name", "DataVolume 'name' must be set"),
    (
        volume(cloudInitNoCloud={}),
        "Invalid",
        f"{V}.cloudInitNoCloud",
        f"{V}.cloudInitNoCloud must have at least one userdatasource or one networkdatasource set.",
    ),
    (
        volume(cloudInitNoCloud={"networkData": "a", "networkDataBase64": "YQ=="}),
        "Invalid",
        f"{V}.cloudInitNoCloud",
        f"{V}.cloudInitNoCloud must have only one networkdata source set.",
    ),
    (
        volume(cloudInitNoCloud={"userData": "a", "networkData": "x" * 2049}),
        "Invalid",
        f"{V}.cloudInitNoCloud",
        f"{V}.cloudInitNoCloud networkdata exceeds 2048 byte limit. Should use NetworkDataSecretRef for larger data.",
    ),
    (
        volume(cloudInitNoCloud={"userDataBase64": "#!"}),
        "Invalid",
        f"{V}.cloudInitNoCloud.userDataBase64",
        f"{V}.cloudInitNoCloud.userDataBase64.cloudInitNoCloud.userDataBase64 is not a valid base64 value.",
    ),
    (
        volume(secret={}),
        "Invalid",
        f"{V}.secret.secretName",
        f"{V}.secret.secretName is a required field",
    ),
    (
        volume(serviceAccount={}),
        "Invalid",
        f"{V}.serviceAccount.serviceAccountName",
        f"{V}.serviceAccount.serviceAccountName is a required field",
    ),
    (
        {"volumes": [DISK, *twice({"serviceAccount": {"serviceAccountName": "a"}})]},
        "Invalid",
        "spec.volumes",
        "spec.volumes must have max one serviceAccount volume set",
    ),
    (
        {"volumes": [DISK, *twice({"memoryDump": {"claimName": "a"}})]},
        "Invalid",
        "spec.volumes",
        "spec.volumes must have max one memory dump volume set",
    ),
    (
        volume(downwardMetrics={}),
        "Invalid",
        V,
        "downwardMetrics disks are not allowed: DownwardMetrics feature gate is not enabled.",
    ),
    (
        {"utilityVolumes": [{"name": "a", "claimName": "b"}]},
        "Invalid",
        "spec.utilityVolumes",
        "cannot create VMI with utility volumes in spec, utility volumes can only be added via hotplug",
    ),
    (
        devices(filesystems=[{"name": "pvc", "virtiofs": {}}])
        | {"volumes": [DISK, {"name": "pvc", "persistentVolumeClaim": {"claimName": "a"}}]},
        "Invalid",
        f"{S}.devices.filesystems",
        "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC",
    ),
]
