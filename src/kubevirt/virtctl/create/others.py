"""`virtctl create instancetype`, `preference` and `clone`: from flags to manifests. Pure but for random names."""

from __future__ import annotations

from collections.abc import Sequence

from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.virtctl.create.params import Params, random_name
from kubevirt.virtctl.errors import CommandError

INSTANCETYPE_VERSION = "instancetype.kubevirt.io/v1beta1"
TOPOLOGIES = ("sockets", "cores", "threads", "spread")
MACHINE_WORDS = ("vm", "VM", "VirtualMachine", "virtualmachine")
SNAPSHOT_WORDS = ("snapshot", "VirtualMachineSnapshot", "vmsnapshot", "VMSnapshot")


def make_instancetype(
    *, name: str, namespace: str, namespaced: bool, cpu: int, memory: str, gpus: Sequence[str],
    host_devices: Sequence[str], iothreads_policy: str,
) -> JsonObject:
    """An instance type, of the cluster unless a namespace is in play."""
    if cpu <= 0:
        raise CommandError('failed to parse "--cpu" flag: cpu value must be greater than zero')
    try:
        guest = str(Quantity(memory))
    except Refused as e:
        raise CommandError(f'failed to parse "--memory" flag: {e}') from e
    spec: JsonObject = {"cpu": {"guest": cpu}, "memory": {"guest": guest}}
    if gpus:
        spec["gpus"] = [_device("gpu", text) for text in gpus]
    if host_devices:
        spec["hostDevices"] = [_device("hostdevice", text) for text in host_devices]
    if iothreads_policy:
        if iothreads_policy not in ("auto", "shared"):
            raise CommandError('failed to parse "--iothreadspolicy" flag: IOThread must be of value auto or shared')
        spec["ioThreadsPolicy"] = iothreads_policy
    return _document("Instancetype", name, namespace, namespaced or bool(namespace), spec)


def _device(flag: str, text: str) -> JsonObject:
    params = Params(flag, text)
    name, device = params.text("name"), params.text("devicename")
    params.finish()
    if not name:
        raise params.problem("name must be specified")
    if not device:
        raise params.problem("deviceName must be specified")
    return {"name": name, "deviceName": device}


def make_preference(
    *, name: str, namespace: str, namespaced: bool, cpu_topology: str, machine_type: str, storage_class: str
) -> JsonObject:
    """A preference, of the cluster unless a namespace is in play."""
    spec: JsonObject = {}
    if storage_class:
        spec["volumes"] = {"preferredStorageClassName": storage_class}
    if machine_type:
        spec["machine"] = {"preferredMachineType": machine_type}
    if cpu_topology:
        if cpu_topology not in TOPOLOGIES:
            raise CommandError(
                'failed to parse "--cpu-topology" flag: CPU topology must have a value of sockets, cores, threads or '
                "spread"
            )
        spec["cpu"] = {"preferredCPUTopology": cpu_topology}
    return _document("Preference", name, namespace, namespaced or bool(namespace), spec)


def _document(what: str, name: str, namespace: str, is_namespaced: bool, spec: JsonObject) -> JsonObject:
    scope = "" if is_namespaced else "Cluster"
    metadata: JsonObject = {"name": name or random_name(f"{scope.lower()}{what.lower()}")}
    if namespace:
        metadata["namespace"] = namespace
    kind = f"VirtualMachine{scope}{what}"
    return {"apiVersion": INSTANCETYPE_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def make_clone(
    *, name: str, namespace: str, source_name: str, source_type: str, target_name: str, target_type: str,
    filters: dict[str, Sequence[str]], macs: Sequence[str], smbios_serial: str,
) -> JsonObject:
    """A clone of a machine or of a snapshot; `filters` by the members of its spec and template."""
    if source_type not in (*MACHINE_WORDS, *SNAPSHOT_WORDS):
        raise CommandError(f"source type {source_type} is not supported. Supported types: vm, vmsnapshot")
    if target_type not in MACHINE_WORDS:
        raise CommandError(f"target type {target_type} is not supported. Supported types: vm")
    machine = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine"}
    snapshot = {"apiGroup": "snapshot.kubevirt.io", "kind": "VirtualMachineSnapshot"}
    source: JsonObject = {**(machine if source_type in MACHINE_WORDS else snapshot), "name": source_name}
    target: JsonObject = {**machine, "name": target_name}
    spec: JsonObject = {"source": source, "target": target, "template": {}}
    template: dict[str, Json] = {}
    for member, values in filters.items():
        if values:
            (template if member.startswith("template.") else spec)[member.removeprefix("template.")] = list(values)
    spec["template"] = template
    if macs:
        spec["newMacAddresses"] = dict(_mac(text) for text in macs)
    if smbios_serial:
        spec["newSMBiosSerial"] = smbios_serial
    metadata: JsonObject = {"name": name or random_name("clone")}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "clone.kubevirt.io/v1beta1", "kind": "VirtualMachineClone", "metadata": metadata,
            "spec": spec, "status": {}}  # fmt: skip


def _mac(text: str) -> tuple[str, str]:
    parts = text.split(":")
    if len(parts) != 2:
        raise CommandError(
            f"newMacAddress parameter {text} is invalid: exactly one ':' is expected. "
            "For example: 'interface0:address0'"
        )
    return parts[0], parts[1]
