"""The pod in which one VMI runs.

One container with the launcher, libvirt and QEMU, and beside it only what the VMI needs: a reader of the serial log,
servers of shared directories. There are no init containers: each costs the kubelet a round of synchronisation, and
container disks come as image volumes, which the kubelet mounts itself.
"""

from __future__ import annotations

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine import grace
from kubevirt.machine.hostname import hostname
from kubevirt.machine.pod import containers, metadata, scheduling, volumes
from kubevirt.machine.pod.context import PodContext

LAUNCHER_ID = 107
"""User and group of the launcher, libvirt and QEMU: no process of a VM is ever root."""
UNPAUSED_GATE = "kubevirt.io/virtual-machine-unpaused"


def launcher_pod(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    """The manifest, for a VMI whose defaults are set. `generateName` is set; a caller may name the pod instead."""
    mounts = volumes.volumes(vmi, context)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"virt-launcher-{vmi.metadata.name}-",
            "namespace": vmi.metadata.namespace,
            "labels": metadata.labels(vmi, context),
            "annotations": metadata.annotations(vmi, context),
            "ownerReferences": [{
                "apiVersion": "kubevirt.io/v1",
                "kind": "VirtualMachineInstance",
                "name": vmi.metadata.name,
                "uid": vmi.metadata.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }],
        },
        "spec": _without_empty(_spec(vmi, context, mounts)),
    }


def _spec(vmi: VirtualMachineInstance, context: PodContext, mounts: volumes.PodVolumes) -> JsonObject:
    spec = vmi.spec
    has_token = any(volume.service_account is not None for volume in spec.volumes)
    return {
        "hostname": hostname(vmi),
        "subdomain": spec.subdomain,
        "dnsPolicy": spec.dns_policy,
        "dnsConfig": codec.to_builtins(spec.dns_config) if spec.dns_config is not None else None,
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "automountServiceAccountToken": has_token or metadata.is_istio_injected(vmi),
        "serviceAccountName": _service_account(vmi),
        "terminationGracePeriodSeconds": grace.pod_s(vmi),
        "readinessGates": [{"conditionType": UNPAUSED_GATE}],
        "runtimeClassName": context.config.default_runtime_class,
        "priorityClassName": spec.priority_class_name,
        "schedulerName": spec.scheduler_name,
        "nodeSelector": scheduling.node_selector(vmi, context),
        "affinity": scheduling.affinity(vmi, context),
        "tolerations": [codec.to_builtins(toleration) for toleration in spec.tolerations],
        "topologySpreadConstraints": [codec.to_builtins(given) for given in spec.topology_spread_constraints],
        "resourceClaims": [codec.to_builtins(claim) for claim in spec.resource_claims],
        "imagePullSecrets": _pull_secrets(vmi, context),
        "securityContext": _security_context(context),
        "containers": list(containers.containers(vmi, context, mounts)),
        "volumes": list(mounts.volumes),
    }


def _without_empty(spec: JsonObject) -> JsonObject:
    empty: tuple[Json, ...] = (None, "", [], {})
    return {key: value for key, value in spec.items() if value not in empty}


def _service_account(vmi: VirtualMachineInstance) -> str | None:
    if vmi.spec.service_account_name:
        return vmi.spec.service_account_name
    return next((v.service_account.service_account_name for v in vmi.spec.volumes if v.service_account is not None),
                None)


def _pull_secrets(vmi: VirtualMachineInstance, context: PodContext) -> list[Json]:
    found: dict[str, None] = {}
    for volume in vmi.spec.volumes:
        if volume.container_disk is not None and volume.container_disk.image_pull_secret:
            found[volume.container_disk.image_pull_secret] = None
    firmware = vmi.spec.domain.firmware
    boot = firmware.kernel_boot if firmware is not None else None
    if boot is not None and boot.container is not None and boot.container.image_pull_secret:
        found[boot.container.image_pull_secret] = None
    found |= dict.fromkeys(context.image_pull_secrets)
    return [{"name": name} for name in found]


def _security_context(context: PodContext) -> JsonObject:
    found: JsonObject = {"runAsUser": LAUNCHER_ID, "runAsGroup": LAUNCHER_ID, "runAsNonRoot": True,
                         "fsGroup": LAUNCHER_ID}
    if context.config.selinux_launcher_type:
        found["seLinuxOptions"] = {"type": context.config.selinux_launcher_type}
    seccomp = context.config.raw.seccomp_configuration
    profile = seccomp.virtual_machine_instance_profile if seccomp is not None else None
    custom = profile.custom_profile if profile is not None else None
    if custom is not None and custom.localhost_profile:
        found["seccompProfile"] = {"type": "Localhost", "localhostProfile": custom.localhost_profile}
    elif custom is not None and custom.runtime_default_profile:
        found["seccompProfile"] = {"type": "RuntimeDefault"}
    return found


