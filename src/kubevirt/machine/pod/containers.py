"""The containers: `compute`, the reader of the serial log, and a server for each shared directory."""

from __future__ import annotations

from collections.abc import Iterator

from kubevirt.api import names
from kubevirt.api.network import Port
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import Volume
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.machine import grace, paths
from kubevirt.machine.domain import consoles, placement
from kubevirt.machine.pod import probes, resources
from kubevirt.machine.pod.context import PodContext
from kubevirt.machine.pod.volumes import PodVolumes, pod_volume_name

LAUNCHER_ID = 107
VIRTIOFSD = "/usr/libexec/virtiofsd"
SUPPORT: dict[str, tuple[JsonObject, JsonObject]] = {
    "guest-console-log": ({"cpu": "5m", "memory": "2Mi"}, {"cpu": "15m", "memory": "16Mi"}),
    "virtiofs": ({"cpu": "10m", "memory": "8Mi"}, {"cpu": "100m", "memory": "80Mi"}),
}
"""Requests and limits of helpers; the KubeVirt object may say otherwise."""


def containers(vmi: VirtualMachineInstance, context: PodContext, mounts: PodVolumes) -> Iterator[JsonObject]:
    """`compute` comes first: the kubelet starts containers in order, and the guest should not wait for helpers."""
    yield _compute(vmi, context, mounts)
    if consoles.logs_serial(vmi, by_default=context.config.serial_console_log):
        yield _console_log(vmi, context)
    shared = {filesystem.name for filesystem in vmi.spec.domain.devices.filesystems}
    for volume in vmi.spec.volumes:
        if volume.name in shared:
            yield _virtiofs(vmi, context, volume)


def _compute(vmi: VirtualMachineInstance, context: PodContext, mounts: PodVolumes) -> JsonObject:
    arguments: list[Json] = [
        "--name", vmi.metadata.name,
        "--namespace", vmi.metadata.namespace,
        "--uid", vmi.metadata.uid,
        "--grace-period-seconds", str(grace.launcher_s(vmi)),
    ]
    if context.emulation:
        arguments.append("--allow-emulation")
    if vmi.metadata.annotations.get(names.ANNOTATION_KEEP_LAUNCHER) == "true":
        arguments.append("--keep-after-failure")
    container: JsonObject = {
        "name": "compute",
        "command": ["virt-launcher"],
        "args": arguments,
        "env": _environment(vmi),
        "resources": resources.resources(vmi, context),
        "securityContext": {
            "runAsUser": LAUNCHER_ID,
            "runAsGroup": LAUNCHER_ID,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts.mounts,
    }
    container |= _image(context)
    if mounts.devices:
        container["volumeDevices"] = mounts.devices
    ports: list[Json] = [_port(port) for interface in vmi.spec.domain.devices.interfaces for port in interface.ports]
    if ports:
        container["ports"] = ports
    for kind, given in (("livenessProbe", vmi.spec.liveness_probe), ("readinessProbe", vmi.spec.readiness_probe)):
        if (probe := probes.probe(vmi, given)) is not None:
            container[kind] = probe
    return container


def _image(context: PodContext) -> JsonObject:
    found: JsonObject = {"image": context.launcher_image}
    if context.image_pull_policy:
        found["imagePullPolicy"] = context.image_pull_policy
    return found


def _environment(vmi: VirtualMachineInstance) -> list[Json]:
    found: list[Json] = [
        {"name": "XDG_CACHE_HOME", "value": paths.PRIVATE_DIR},
        {"name": "XDG_CONFIG_HOME", "value": paths.PRIVATE_DIR},
        {"name": "XDG_RUNTIME_DIR", "value": paths.RUNTIME_DIR},
        {"name": "MALLOC_ARENA_MAX", "value": "1"},  # arenas per thread keep memory that nobody needs
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    if verbosity := vmi.metadata.labels.get("logVerbosity"):
        found.append({"name": "VIRT_LAUNCHER_LOG_VERBOSITY", "value": verbosity})
    if vmi.metadata.labels.get("debugLogs") == "true":
        found.append({"name": "LIBVIRT_DEBUG_LOGS", "value": "1"})
    return found


def _port(port: Port) -> JsonObject:
    found: JsonObject = {"containerPort": port.port, "protocol": port.protocol or "TCP"}
    if port.name:
        found["name"] = port.name
    return found


def _console_log(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    """What the guest writes to its serial console, as this container's log. It ends when the launcher does."""
    log = paths.serial_log(vmi.metadata.uid)
    return _image(context) | {
        "name": "guest-console-log",
        "command": ["/usr/bin/virt-tail"],
        "args": ["--logfile", log],
        "resources": _support_resources(vmi, context, "guest-console-log"),
        "securityContext": _locked_down(),
        "volumeMounts": [{"name": "private", "mountPath": paths.PRIVATE_DIR, "readOnly": True}],
    }


def _virtiofs(vmi: VirtualMachineInstance, context: PodContext, volume: Volume) -> JsonObject:
    name, token = volume.name, volume.service_account is not None
    shared = paths.SERVICE_ACCOUNT_SOURCE if token else f"/{name}"
    mounts: list[Json] = [{"name": "virtiofs-containers", "mountPath": paths.VIRTIOFS_DIR}]
    if not token:
        mounts.append({"name": pod_volume_name(name), "mountPath": shared})
    arguments: list[Json] = [
        f"--socket-path={paths.virtiofs_socket(name)}", f"--shared-dir={shared}", "--sandbox=none", "--cache=auto",
        "--migration-on-error=guest-error", "--migration-mode=find-paths",
    ]
    if token:
        arguments.append("--translate-uid=host:107:0:1")
    return _image(context) | {
        "name": f"virtiofs-{name}",
        "command": [VIRTIOFSD],
        "args": arguments,
        "resources": _support_resources(vmi, context, "virtiofs"),
        "securityContext": _locked_down(),
        "volumeMounts": mounts,
    }


def _locked_down() -> JsonObject:
    return {
        "runAsUser": LAUNCHER_ID,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def _support_resources(vmi: VirtualMachineInstance, context: PodContext, kind: str) -> JsonObject:
    """A pod is only Guaranteed when all of its containers are, so helpers of such pods request what limits them."""
    requests, limits = (dict(amounts) for amounts in SUPPORT[kind])
    for given in context.config.raw.support_container_resources:
        if given.type == kind:
            requests |= {name: str(amount) for name, amount in given.resources.requests.items()}
            limits |= {name: str(amount) for name, amount in given.resources.limits.items()}
    if placement.is_dedicated(vmi) or _is_guaranteed(vmi):
        requests = dict(limits)
    return {"requests": requests, "limits": limits}


def _is_guaranteed(vmi: VirtualMachineInstance) -> bool:
    given = vmi.spec.domain.resources
    return all(given.limits.get(name, Quantity(0)) == given.requests.get(name) for name in ("cpu", "memory"))
