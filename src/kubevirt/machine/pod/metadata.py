"""Labels and annotations of the launcher pod: how everybody finds the pod of a VMI, and what other add-ons are told."""

import json

from kubevirt.api import names
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine import overhead
from kubevirt.machine.domain.sources import claim_name
from kubevirt.machine.hostname import hostname
from kubevirt.machine.network import names as links
from kubevirt.machine.pod.context import PodContext

PREFIX_RESERVATION = "pr.kubevirt.io/"
ISTIO_INJECT = "sidecar.istio.io/inject"
NOT_HANDED_ON = ("kubectl.kubernetes.io", names.ANNOTATION_STORAGE_API_VERSION, names.ANNOTATION_LATEST_API_VERSION)
FREEZER = "/usr/bin/virt-freezer"
GATE_OVERHEAD_ANNOTATION = "VmiMemoryOverheadReport"


def is_istio_injected(vmi: VirtualMachineInstance) -> bool:
    return vmi.metadata.annotations.get(ISTIO_INJECT, "").lower() == "true"


def reserved_claims(vmi: VirtualMachineInstance) -> list[str]:
    """Claims of LUNs on which the guest makes SCSI reservations."""
    reserved = {disk.name for disk in vmi.spec.domain.devices.disks if disk.lun is not None and disk.lun.reservation}
    return [claim_name(volume) for volume in vmi.spec.volumes if volume.name in reserved and claim_name(volume)]


def labels(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    found: JsonObject = dict(vmi.metadata.labels)
    found |= {
        names.LABEL_APP: names.APP_LAUNCHER,
        names.LABEL_CREATED_BY: vmi.metadata.uid,
        names.LABEL_VM: hostname(vmi),
        names.LABEL_VMI_ID: names.vmi_id(vmi.metadata.name),
    }
    if ISTIO_INJECT in vmi.metadata.annotations:
        found[ISTIO_INJECT] = vmi.metadata.annotations[ISTIO_INJECT]
    for claim in reserved_claims(vmi):
        found[f"{PREFIX_RESERVATION}{context.claim(claim).uid}"] = ""
    return found


def annotations(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    found: JsonObject = {
        name: value for name, value in vmi.metadata.annotations.items() if not name.startswith(NOT_HANDED_ON)
    }
    found |= {
        names.ANNOTATION_DOMAIN: vmi.metadata.name,
        "kubectl.kubernetes.io/default-container": "compute",
        names.ANNOTATION_MIGRATION_TRANSPORT_UNIX: "true",
        names.ANNOTATION_EVICT_ONLY: "",
    }
    if context.config.has_gate(GATE_OVERHEAD_ANNOTATION):
        extra = overhead.overhead(vmi, emulation=context.emulation)
        found[names.ANNOTATION_MEMORY_OVERHEAD] = str(extra.requested_bytes)
    return found | _backup_hooks(vmi, context) | _networks(vmi)


def _backup_hooks(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    """Velero, a backup tool, runs these in the pod before and after it copies the disks of a running guest."""
    skipped = vmi.metadata.annotations.get(names.ANNOTATION_SKIP_BACKUP_HOOKS, "").lower() == "true"
    if skipped or context.config.skips_backup_hooks:
        return {}
    whom = ["--name", vmi.metadata.name, "--namespace", vmi.metadata.namespace]
    return {
        "pre.hook.backup.velero.io/container": "compute",
        "pre.hook.backup.velero.io/command": json.dumps([FREEZER, "--freeze", *whom]),
        "pre.hook.backup.velero.io/timeout": "60s",
        "post.hook.backup.velero.io/container": "compute",
        "post.hook.backup.velero.io/command": json.dumps([FREEZER, "--unfreeze", *whom]),
    }


def _networks(vmi: VirtualMachineInstance) -> JsonObject:
    """What Multus and Istio are told about the networks of the guest."""
    found: JsonObject = {}
    interfaces = {interface.name: interface for interface in vmi.spec.domain.devices.interfaces}
    secondary: list[Json] = []
    for network in vmi.spec.networks:
        interface = interfaces.get(network.name)
        if network.multus is None or (interface is not None and interface.state == "absent"):
            continue
        if network.multus.default:
            found[names.ANNOTATION_MULTUS_DEFAULT] = network.multus.network_name
            continue
        namespace, _, name = network.multus.network_name.rpartition("/")
        element: JsonObject = {"name": name, "namespace": namespace or vmi.metadata.namespace}
        if interface is not None and interface.mac_address:
            element["mac"] = interface.mac_address
        secondary.append(element | {"interface": links.pod_link(network)})
    if secondary:
        found[names.ANNOTATION_MULTUS_NETWORKS] = json.dumps(secondary, separators=(",", ":"))
    if any(interface.masquerade is not None for interface in interfaces.values()):
        # Istio must take in what comes from the guest over the bridge as it does what comes over loopback.
        found["traffic.sidecar.istio.io/kubevirtInterfaces"] = "k6t-eth0"
        found["istio.io/reroute-virtual-interfaces"] = "k6t-eth0"
    return found
