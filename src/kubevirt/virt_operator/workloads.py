"""The pods of the add-on: Deployments of virt-api and virt-controller, the DaemonSet of virt-handler.

One image holds all programs. Requests are what the programs were measured to use, so that a small machine keeps its
room for guests. Only virt-handler is privileged: it gives pods their devices and wires their networks.
"""

from __future__ import annotations

from kubevirt.api.names import (
    ACCOUNT_API,
    ACCOUNT_CONTROLLER,
    ACCOUNT_HANDLER,
    APP_API,
    APP_CONTROLLER,
    APP_HANDLER,
    LABEL_APP,
)
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_operator.mounts import Mount, bundle_mount, host_mount, scratch_mount, secret_mount
from kubevirt.virt_operator.secrets import (
    API_CERTIFICATE,
    CONTROLLER_CERTIFICATE,
    HANDLER_CLIENT_CERTIFICATE,
    HANDLER_SERVER_CERTIFICATE,
)
from kubevirt.virt_operator.settings import Installation, Placement

PRIORITY_CLASS = "kubevirt-cluster-critical"
API_PORT = 8443
HANDLER_PORT = 8186
HEALTH_PORT = 8080
METRICS: JsonObject = {"name": "metrics", "containerPort": 8443, "protocol": "TCP"}
"""Where every program serves /metrics; virt-api has its API there, too."""
# A handler that is asked to end lets go of its devices and connections; guests run on.
HANDLER_GRACE_S = 30
CPU = "100m"
"""As much as a guest of one CPU asks for by default: a node full of busy guests gives each program no smaller share
than them, else guests that start would keep those waiting that start them."""


def workload_objects(installation: Installation) -> list[JsonObject]:
    """The Deployments and the DaemonSet."""
    return [api_deployment(installation), controller_deployment(installation), handler_daemonset(installation)]


def api_deployment(installation: Installation) -> JsonObject:
    mounts = [
        secret_mount("certificates", API_CERTIFICATE, "/etc/virt-api/certificates"),
        secret_mount("handler-client-certificate", HANDLER_CLIENT_CERTIFICATE, "/etc/virt-handler/clientcertificates"),
        bundle_mount("/etc/virt-api/ca"),
        scratch_mount(),
    ]
    container = _container(installation, APP_API, mounts, cpu=CPU, memory="64Mi")
    container["ports"] = [METRICS]  # its API's, too: a port is named once
    container["securityContext"] = _unprivileged()
    container.update(_probes({"path": "/healthz", "port": API_PORT, "scheme": "HTTPS"}))
    return _deployment(installation, APP_API, ACCOUNT_API, container, mounts)


def controller_deployment(installation: Installation) -> JsonObject:
    mounts = [secret_mount("certificates", CONTROLLER_CERTIFICATE, "/etc/virt-controller/certificates"),
              scratch_mount()]
    container = _container(installation, APP_CONTROLLER, mounts, cpu=CPU, memory="64Mi")
    _environment(container).extend([
        {"name": "LAUNCHER_IMAGE", "value": installation.image},
        {"name": "LAUNCHER_IMAGE_PULL_POLICY", "value": installation.image_pull_policy},
    ])
    container["ports"] = [METRICS]
    container["securityContext"] = _unprivileged()
    container.update(_probes({"path": "/healthz", "port": HEALTH_PORT}))
    return _deployment(installation, APP_CONTROLLER, ACCOUNT_CONTROLLER, container, mounts)


def handler_daemonset(installation: Installation) -> JsonObject:
    mounts = [
        secret_mount("certificates", HANDLER_SERVER_CERTIFICATE, "/etc/virt-handler/servercertificates"),
        bundle_mount("/etc/virt-handler/ca"),
        # Launcher sockets appear here while the handler runs.
        host_mount("kubelet-pods", "/var/lib/kubelet/pods", propagation="HostToContainer"),
        host_mount("device-plugins", "/var/lib/kubelet/device-plugins"),
        host_mount("kubevirt-run", "/var/run/kubevirt", kind="DirectoryOrCreate"),
    ]
    container = _container(installation, APP_HANDLER, mounts, cpu=CPU, memory="64Mi")
    container["ports"] = [{"name": "handler", "containerPort": HANDLER_PORT, "protocol": "TCP"}, METRICS]
    container["securityContext"] = {"privileged": True, "runAsUser": 0}
    container.update(_probes({"path": "/healthz", "port": HEALTH_PORT}))
    pod = _pod(installation, APP_HANDLER, ACCOUNT_HANDLER, container, mounts)
    pod["hostPID"] = True
    pod["terminationGracePeriodSeconds"] = HANDLER_GRACE_S
    _place(pod, installation.workloads_placement)
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": APP_HANDLER, "namespace": installation.namespace, "labels": {LABEL_APP: APP_HANDLER}},
        "spec": {
            "selector": {"matchLabels": {LABEL_APP: APP_HANDLER}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "template": _template(installation, APP_HANDLER, pod),
        },
    }


def _deployment(installation: Installation, name: str, account: str, container: JsonObject, mounts: list[Mount]
                ) -> JsonObject:
    pod = _pod(installation, name, account, container, mounts)
    pod["securityContext"] = {"runAsNonRoot": True, "runAsUser": 1001, "seccompProfile": {"type": "RuntimeDefault"}}
    pod["affinity"] = _apart_and_on_control_plane(name)
    _tolerate(pod, "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
    _place(pod, installation.infra_placement)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": installation.namespace, "labels": {LABEL_APP: name}},
        "spec": {
            "replicas": installation.infra_replicas,
            "selector": {"matchLabels": {LABEL_APP: name}},
            "strategy": {"type": "RollingUpdate"},
            "template": _template(installation, name, pod),
        },
    }


def _template(installation: Installation, name: str, pod: JsonObject) -> JsonObject:
    labels: JsonObject = {
        LABEL_APP: name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/version": installation.version,
        "prometheus.kubevirt.io": "true",
        "np.kubevirt.io/allow-access-cluster-services": "true",
    }
    return {"metadata": {"labels": labels}, "spec": pod}


def _pod(installation: Installation, name: str, account: str, container: JsonObject, mounts: list[Mount]
         ) -> JsonObject:
    pod: JsonObject = {
        "serviceAccountName": account,
        "priorityClassName": PRIORITY_CLASS,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "containers": [container],
        "volumes": [mount.volume for mount in mounts],
        # Service links would put every Service of the namespace into the environment, for nobody.
        "enableServiceLinks": False,
    }
    if installation.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret} for secret in installation.image_pull_secrets]
    return pod


def _container(installation: Installation, name: str, mounts: list[Mount], *, cpu: str, memory: str) -> JsonObject:
    environment: list[Json] = [
        {"name": "KUBEVIRT_NAMESPACE", "value": installation.namespace},
        {"name": "KUBEVIRT_VERSION", "value": installation.version},
        _own_field("POD_NAME", "metadata.name"),
        _own_field("POD_IP", "status.podIP"),
        _own_field("NODE_NAME", "spec.nodeName"),
    ]
    return {
        "name": name,
        "image": installation.image,
        "imagePullPolicy": installation.image_pull_policy,
        "command": [name],
        "env": environment,
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [mount.as_mount() for mount in mounts],
    }


def _environment(container: JsonObject) -> list[Json]:
    environment = container["env"]
    assert isinstance(environment, list)  # noqa: S101 (made above)
    return environment


def _own_field(name: str, path: str) -> JsonObject:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _probes(http: JsonObject) -> JsonObject:
    """Readiness is looked at often, as others wait for it; liveness seldom and patiently."""
    return {
        "startupProbe": {"httpGet": dict(http), "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 120},
        "readinessProbe": {"httpGet": dict(http), "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {"httpGet": dict(http), "periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 4},
    }


def _unprivileged() -> JsonObject:
    return {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def _apart_and_on_control_plane(name: str) -> JsonObject:
    """Preferences only: clusters whose control plane takes no pods, or has one node, must be able to run it too."""
    exists: JsonObject = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}
    alike: JsonObject = {"labelSelector": {"matchLabels": {LABEL_APP: name}}, "topologyKey": "kubernetes.io/hostname"}
    on_control_plane: Json = [{"weight": 100, "preference": {"matchExpressions": [exists]}}]
    apart: Json = [{"weight": 1, "podAffinityTerm": alike}]
    return {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": on_control_plane},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": apart},
    }


def _tolerate(pod: JsonObject, *taints: str) -> None:
    tolerations = pod["tolerations"]
    assert isinstance(tolerations, list)  # noqa: S101 (made above)
    tolerations.extend({"key": taint, "operator": "Exists", "effect": "NoSchedule"} for taint in taints)


def _place(pod: JsonObject, placement: Placement | None) -> None:
    """What the KubeVirt object says about placement: its affinity instead of ours, the rest in addition."""
    if placement is None:
        return
    selector = pod["nodeSelector"]
    tolerations = pod["tolerations"]
    assert isinstance(selector, dict) and isinstance(tolerations, list)  # noqa: S101, PT018 (made above)
    pod["nodeSelector"] = {**placement.node_selector, **selector}
    pod["tolerations"] = [*tolerations, *placement.tolerations]
    if placement.affinity:
        pod["affinity"] = placement.affinity
