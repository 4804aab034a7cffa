"""How the API server reaches virt-api: the Service, the aggregated API's registration, the admission webhooks."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from kubevirt.api.names import (
    ACCOUNT_CONTROLLER,
    ACCOUNT_HANDLER,
    APP_API,
    GROUP,
    LABEL_APP,
    SUBRESOURCE_GROUP,
    SUBRESOURCE_VERSIONS,
)
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_operator.secrets import API_CERTIFICATE
from kubevirt.virt_operator.workloads import API_PORT

# Users wait this long at most when virt-api does not answer. Upstream's is the API server's default of 10 s.
WEBHOOK_TIMEOUT_S = 10
REGISTRATION = "admissionregistration.k8s.io/v1"


INSTALLATION = "<namespace>"
"""Stands for the namespace of the installation in conditions of webhooks."""
CREATE, UPDATE, DELETE = "CREATE", "UPDATE", "DELETE"
MAIN_VERSIONS = ("v1alpha3", "v1")


@dataclass(frozen=True)
class Webhook:
    """One admission webhook: its name and path, the resource and the operations it is asked about.

    `cluster`: the resource has no namespaces. `must_answer`: without an answer the request is refused. `only`: name and
    CEL expression of a condition on requests; others never reach virt-api. `writes`: it changes objects, unless the
    request is a dry run.
    """

    name: str
    path: str
    resource: str
    operations: tuple[str, ...] = (CREATE, UPDATE)
    group: str = GROUP
    versions: tuple[str, ...] = MAIN_VERSIONS
    cluster: bool = False
    must_answer: bool = True
    only: tuple[str, str] | None = None
    writes: bool = False


def _instancetype(kind: str, *, cluster: bool = False) -> Webhook:
    return Webhook(f"{kind}-validator", f"/{kind}s-validate", f"{kind}s", group="instancetype.kubevirt.io",
                   versions=("v1beta1",), cluster=cluster)


def _installation(name: str, operation: str) -> Webhook:
    # A broken installation answers nothing, and must all the same be possible to repair and to remove.
    return Webhook(name, f"/kubevirt-validate-{operation.lower()}", "kubevirts", (operation,), must_answer=False)


def _eviction(name: str, condition: str, prefix: str) -> Webhook:
    # Pods of anybody else are not held up, whatever virt-api's state.
    return Webhook(name, "/pod-eviction-validate", "pods/eviction", ("*",), group="", versions=("v1",), writes=True,
                   only=(condition, f"object.metadata.name.startsWith('{prefix}')"))


def _account(name: str) -> str:
    """The user name of an account of ours: one of that name in another namespace is somebody else."""
    return f"system:serviceaccount:{INSTALLATION}:{name}"


# What virt-controller notes on a machine or an instance (finalizers, annotations, a status) is never changed and never
# refused, since all rules are about specs; and it notes something several times in each start.
NOT_NOTES_OF_THE_CONTROLLER = (
    "not-what-the-controller-notes",
    f"request.userInfo.username != '{_account(ACCOUNT_CONTROLLER)}' || request.operation != 'UPDATE' || "
    "object.spec != oldObject.spec",
)

MUTATING = (
    Webhook("virtualmachines-mutator", "/virtualmachines-mutate", "virtualmachines", only=NOT_NOTES_OF_THE_CONTROLLER),
    # What the control plane writes after an instance's creation is never changed: virt-api need not be asked.
    Webhook("virtualmachineinstances-mutator", "/virtualmachineinstances-mutate", "virtualmachineinstances",
            only=("only-creations-and-changes-by-others",
                  f"request.operation == 'CREATE' || !(request.userInfo.username in ["
                  f"'{_account(ACCOUNT_CONTROLLER)}', '{_account(ACCOUNT_HANDLER)}'])")),
    Webhook("migrations-mutator", "/migration-mutate-create", "virtualmachineinstancemigrations", (CREATE,)),
    Webhook("virtualmachineclones-mutator", "/vm-clone-mutate-create", "virtualmachineclones", (CREATE,),
            "clone.kubevirt.io", ("v1alpha1", "v1beta1")),
)
VALIDATING = (
    _eviction("virt-launcher-eviction-interceptor", "only-vms", "virt-launcher"),
    _eviction("hotplug-pod-eviction-interceptor", "only-hotplug-pods", "hp-volume-"),
    Webhook("virtualmachine-validator", "/virtualmachines-validate", "virtualmachines",
            only=NOT_NOTES_OF_THE_CONTROLLER),
    Webhook("virtualmachineinstances-create-validator", "/virtualmachineinstances-validate-create",
            "virtualmachineinstances", (CREATE,)),
    Webhook("virtualmachineinstances-update-validator", "/virtualmachineinstances-validate-update",
            "virtualmachineinstances", (UPDATE,), only=NOT_NOTES_OF_THE_CONTROLLER),
    Webhook("virtualmachinereplicaset-validator", "/virtualmachinereplicaset-validate",
            "virtualmachineinstancereplicasets"),
    Webhook("virtualmachinepool-validator", "/virtualmachinepool-validate", "virtualmachinepools",
            group="pool.kubevirt.io", versions=("v1alpha1", "v1beta1")),
    Webhook("virtualmachinepreset-validator", "/vmipreset-validate", "virtualmachineinstancepresets"),
    Webhook("migration-create-validator", "/migration-validate-create", "virtualmachineinstancemigrations", (CREATE,)),
    Webhook("migration-update-validator", "/migration-validate-update", "virtualmachineinstancemigrations", (UPDATE,)),
    Webhook("virtualmachinesnapshot-validator", "/virtualmachinesnapshots-validate", "virtualmachinesnapshots",
            group="snapshot.kubevirt.io", versions=("v1alpha1", "v1beta1")),
    Webhook("virtualmachinerestore-validator", "/virtualmachinerestores-validate", "virtualmachinerestores",
            group="snapshot.kubevirt.io", versions=("v1alpha1", "v1beta1")),
    Webhook("virtualmachineexport-validator", "/virtualmachineexports-validate", "virtualmachineexports",
            group="export.kubevirt.io", versions=("v1beta1", "v1")),
    Webhook("virtualmachinebackup-validator", "/virtualmachinebackups-validate", "virtualmachinebackups",
            group="backup.kubevirt.io", versions=("v1alpha1",)),
    Webhook("virtualmachinebackuptracker-validator", "/virtualmachinebackuptrackers-validate",
            "virtualmachinebackuptrackers", group="backup.kubevirt.io", versions=("v1alpha1",)),
    _instancetype("virtualmachineinstancetype"),
    _instancetype("virtualmachineclusterinstancetype", cluster=True),
    _instancetype("virtualmachinepreference"),
    _instancetype("virtualmachineclusterpreference", cluster=True),
    Webhook("migration-policy-validator", "/migration-policy-validate-create", "migrationpolicies",
            group="migrations.kubevirt.io", versions=("v1alpha1",), cluster=True),
    Webhook("vm-clone-validator", "/vm-clone-validate-create", "virtualmachineclones", (CREATE, UPDATE),
            "clone.kubevirt.io", ("v1alpha1", "v1beta1")),
    Webhook("plugin-validator", "/plugin-validate", "plugins", group="plugin.kubevirt.io", versions=("v1alpha1",),
            cluster=True),
    # A status is only ever worth a look for the volumes that it asks for. Those of the other kinds are checked by their
    # schemas; and virt-controller, which writes most of them, asks for nothing.
    Webhook("kubevirt-crd-status-validator", "/status-validate", "virtualmachines/status",
            only=("only-requests-of-others",
                  "has(object.status) && has(object.status.volumeRequests) && "
                  f"request.userInfo.username != '{_account(ACCOUNT_CONTROLLER)}'")),
    _installation("kubevirt-create-validator", CREATE),
    _installation("kubevirt-update-validator", UPDATE),
    _installation("kubevirt-validator", DELETE),
)


def service(namespace: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": APP_API, "namespace": namespace, "labels": {LABEL_APP: APP_API}},
        "spec": {
            "selector": {LABEL_APP: APP_API},
            "ports": [{"name": "https", "port": 443, "targetPort": API_PORT, "protocol": "TCP"}],
            "type": "ClusterIP",
        },
    }


def metrics_service(namespace: str) -> JsonObject:
    """The Service by whose endpoints Prometheus finds the programs; it has no address of its own."""
    label = {"prometheus.kubevirt.io": "true"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubevirt-prometheus-metrics", "namespace": namespace, "labels": {LABEL_APP: "", **label}},
        "spec": {
            "selector": dict(label),
            "ports": [{"name": "metrics", "port": 443, "targetPort": "metrics", "protocol": "TCP"}],
            "clusterIP": "None",
            "type": "ClusterIP",
        },
    }


def api_services(namespace: str, bundle: bytes) -> list[JsonObject]:
    """The registrations of the aggregated API."""
    return [
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{SUBRESOURCE_GROUP}", "labels": {LABEL_APP: "virt-api-aggregator"}},
            "spec": {
                "group": SUBRESOURCE_GROUP,
                "version": version,
                "groupPriorityMinimum": 1000,
                "versionPriority": 15,
                "caBundle": base64.b64encode(bundle).decode(),
                "service": {"name": APP_API, "namespace": namespace, "port": 443},
            },
        }
        for version in SUBRESOURCE_VERSIONS
    ]


def webhook_configurations(namespace: str, bundle: bytes) -> list[JsonObject]:
    """Both configurations. What virt-api cannot judge is refused: nothing unjudged reaches the controllers."""
    return [
        _configuration("MutatingWebhookConfiguration", "virt-api-mutator", MUTATING, namespace, bundle),
        _configuration("ValidatingWebhookConfiguration", "virt-api-validator", VALIDATING, namespace, bundle),
    ]


def _configuration(kind: str, name: str, webhooks: tuple[Webhook, ...], namespace: str, bundle: bytes) -> JsonObject:
    hooks: list[Json] = [_webhook(hook, namespace, bundle) for hook in webhooks]
    return {
        "apiVersion": REGISTRATION,
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": {LABEL_APP: name},
            "annotations": {"certificates.kubevirt.io/secret": API_CERTIFICATE},
        },
        "webhooks": hooks,
    }


def _webhook(hook: Webhook, namespace: str, bundle: bytes) -> JsonObject:
    webhook: JsonObject = {
        "name": f"{hook.name}.kubevirt.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {
            "caBundle": base64.b64encode(bundle).decode(),
            "service": {"name": APP_API, "namespace": namespace, "path": hook.path, "port": 443},
        },
        "rules": [{
            "apiGroups": [hook.group],
            "apiVersions": list(hook.versions),
            "operations": list(hook.operations),
            "resources": [hook.resource],
            "scope": "Cluster" if hook.cluster else "Namespaced",
        }],
        "failurePolicy": "Fail" if hook.must_answer else "Ignore",
        "matchPolicy": "Equivalent",
        "sideEffects": "NoneOnDryRun" if hook.writes else "None",
        "timeoutSeconds": WEBHOOK_TIMEOUT_S,
    }
    if hook.only is not None:
        name, expression = hook.only
        webhook["matchConditions"] = [{"name": name, "expression": expression.replace(INSTALLATION, namespace)}]
    return webhook
