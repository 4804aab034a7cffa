"""What every API type is made of: the Struct base, Kubernetes' scalar types, and marks that reach the CRD schemas.

A type says all there is to say about a field once: the annotation gives parsing and schema, `Annotated` marks carry
what only the schema knows (list types, enums, bounds), the string below a field is its description. Bounds in marks are
not checked when decoding: that is the API server's work, and admission must be able to read what it is about to refuse.

Attributes are the snake_case of the JSON names; `_IRREGULAR` lists the names that cannot be turned back by rule.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from kubevirt.kit.json import Json

T = TypeVar("T")
Marks: TypeAlias = Mapping[str, Json]

_IRREGULAR: Final[dict[str, str]] = {
    "attach_pod_uid": "attachPodUID",
    "attachment_pod_uid": "attachmentPodUID",
    "auto_cpu_limit_namespace_label_selector": "autoCPULimitNamespaceLabelSelector",
    "autoattach_vsock": "autoattachVSOCK",
    "boot_id": "bootID",
    "cluster_ip": "clusterIP",
    "cluster_ips": "clusterIPs",
    "completion_timeout_per_gib": "completionTimeoutPerGiB",
    "container_id": "containerID",
    "current_cpu_topology": "currentCPUTopology",
    "dedicated_io_thread": "dedicatedIOThread",
    "destination_pvc_info": "destinationPVCInfo",
    "disable_tls": "disableTLS",
    "downward_api": "downwardAPI",
    "export_uid": "exportUID",
    "external_ips": "externalIPs",
    "guest_os_info": "guestOSInfo",
    "host_ip": "hostIP",
    "host_ips": "hostIPs",
    "host_pid": "hostPID",
    "image_id": "imageID",
    "init_image_url": "initImageURL",
    "last_failed_vmi_uid": "lastFailedVMIUID",
    "load_balancer_ip": "loadBalancerIP",
    "machine_id": "machineID",
    "match_selinux_level_on_migration": "matchSELinuxLevelOnMigration",
    "migration_uid": "migrationUID",
    "min_cpu_model": "minCPUModel",
    "min_tls_version": "minTLSVersion",
    "minimum_cluster_tsc_frequency": "minimumClusterTSCFrequency",
    "minimum_reserve_pvc_bytes": "minimumReservePVCBytes",
    "new_smbios_serial": "newSMBiosSerial",
    "non_resource_urls": "nonResourceURLs",
    "observed_deployment_id": "observedDeploymentID",
    "obsolete_cpu_models": "obsoleteCPUModels",
    "persistent_state_pvc_name": "persistentStatePVCName",
    "pod_ip": "podIP",
    "pod_ips": "podIPs",
    "provider_id": "providerID",
    "ram_fb": "ramFB",
    "source_persistent_state_pvc_name": "sourcePersistentStatePVCName",
    "source_pvc_info": "sourcePVCInfo",
    "source_uid": "sourceUID",
    "system_uuid": "systemUUID",
    "target_attachment_pod_uid": "targetAttachmentPodUID",
    "target_cpu_set": "targetCPUSet",
    "target_deployment_id": "targetDeploymentID",
    "target_persistent_state_pvc_name": "targetPersistentStatePVCName",
    "virt_api": "virtAPI",
    "virtual_gpu_options": "virtualGPUOptions",
    "virtual_machine_instance_uid": "virtualMachineInstanceUID",
    "vm_ipv6_network_cidr": "vmIPv6NetworkCIDR",
    "vm_network_cidr": "vmNetworkCIDR",
    "vsock_cid": "VSOCKCID",
}


def json_name(attribute: str) -> str:
    """The JSON member that an attribute stands for."""
    if "_" not in attribute:
        return attribute
    irregular = _IRREGULAR.get(attribute)
    if irregular is not None:
        return irregular
    first, *rest = attribute.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


class Api(msgspec.Struct, kw_only=True, omit_defaults=True, rename=json_name, gc=False):
    """Base of all API types. Values form trees, never cycles, so the garbage collector can leave them alone."""


class Required:
    """Factory of a required member's empty value.

    Required members have an empty value all the same, and are always written, as Go clients do: admission can then
    name the missing member in its own words instead of failing to read the object.
    """

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make

    def __call__(self) -> object:
        return self.make()


def required(make: Callable[[], T], name: str | None = None) -> T:
    """A required member, with the maker of its empty value."""
    # A field, not a T, until msgspec has made the class: dataclasses are typed in the same way.
    field: T = msgspec.field(default_factory=Required(make), name=name)  # type: ignore[assignment]
    return field


def present(make: Callable[[], T]) -> T:
    """An optional member that is never None and always written."""
    field: T = msgspec.field(default_factory=lambda: make())
    return field


def constant(value: str) -> str:
    """`apiVersion` and `kind`: always written, and filled in where a list leaves them out."""
    return present(lambda: value)


def renamed(name: str, default: T) -> T:
    """An optional member whose JSON name cannot be told from the attribute."""
    field: T = msgspec.field(default=default, name=name)
    return field


# Kubernetes' scalars ------------------------------------------------------------------------------------------------

Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time; whole seconds, UTC. See kubevirt.kit.times."""
Int32: TypeAlias = Annotated[int, msgspec.Meta(extra_json_schema={"format": "int32"})]
Int64: TypeAlias = Annotated[int, msgspec.Meta(extra_json_schema={"format": "int64"})]
UInt32: TypeAlias = Annotated[
    int, msgspec.Meta(extra_json_schema={"format": "int64", "minimum": 0, "maximum": 4294967295})
]
IntOrString: TypeAlias = int | str

# Marks for CRD schemas ----------------------------------------------------------------------------------------------


def marks(**members: Json) -> msgspec.Meta:
    """Members of the field's schema, by their names there."""
    return msgspec.Meta(extra_json_schema=dict(members))


def one_of(*values: str) -> msgspec.Meta:
    """The only values that the API server accepts."""
    return msgspec.Meta(extra_json_schema={"enum": list(values)})


def map_of(*keys: str) -> msgspec.Meta:
    """A list whose items are told apart by these members, so that several owners can apply items of their own."""
    return msgspec.Meta(
        extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    )


def rules(*expressions: tuple[str, str]) -> msgspec.Meta:
    """CEL rules as pairs of expression and message."""
    return msgspec.Meta(
        extra_json_schema={"x-kubernetes-validations": [{"rule": r, "message": m} for r, m in expressions]}
    )


Atomic: Final = msgspec.Meta(extra_json_schema={"x-kubernetes-list-type": "atomic"})
"""A list that is replaced as a whole."""
SetList: Final = msgspec.Meta(extra_json_schema={"x-kubernetes-list-type": "set"})
"""A list of scalars without duplicates."""
Nullable: Final = msgspec.Meta(extra_json_schema={"nullable": True})
"""The API server keeps an explicit null."""
Preserve: Final = msgspec.Meta(extra_json_schema={"x-kubernetes-preserve-unknown-fields": True})
"""The API server keeps members that the schema does not name."""
MAP_ATOMIC: Final[Marks] = {"x-kubernetes-map-type": "atomic"}
"""For `schema_marks` of a type whose values are replaced as a whole."""
