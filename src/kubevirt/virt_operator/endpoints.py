"""How the API server reaches virt-api: the Service, the aggregated API's registration, the admission webhooks."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from kubevirt.api.names import APP_API, GROUP, LABEL_APP, SUBRESOURCE_GROUP, SUBRESOURCE_VERSIONS
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_operator.secrets import API_CERTIFICATE
from kubevirt.virt_operator.workloads import API_PORT

# Users wait this long at most when virt-api does not answer. Upstream's is the API server's default of 10 s.
WEBHOOK_TIMEOUT_S = 10
REGISTRATION = "admissionregistration.k8s.io/v1"


@dataclass(frozen=True)
class Webhook:
    """One admission webhook: its name and path, the resource and the operations it is asked about."""

    name: str
    path: str
    resource: str
    operations: tuple[str, ...]


MUTATING = (
    Webhook("virtualmachines-mutator", "/virtualmachines-mutate", "virtualmachines", ("CREATE", "UPDATE")),
    Webhook("virtualmachineinstances-mutator", "/virtualmachineinstances-mutate", "virtualmachineinstances",
            ("CREATE", "UPDATE")),
)
VALIDATING = (
    Webhook("virtualmachine-validator", "/virtualmachines-validate", "virtualmachines", ("CREATE", "UPDATE")),
    Webhook("virtualmachineinstances-create-validator", "/virtualmachineinstances-validate-create",
            "virtualmachineinstances", ("CREATE",)),
    Webhook("virtualmachineinstances-update-validator", "/virtualmachineinstances-validate-update",
            "virtualmachineinstances", ("UPDATE",)),
    Webhook("virtualmachinereplicaset-validator", "/virtualmachinereplicaset-validate",
            "virtualmachineinstancereplicasets", ("CREATE", "UPDATE")),
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
    return {
        "name": f"{hook.name}.kubevirt.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {
            "caBundle": base64.b64encode(bundle).decode(),
            "service": {"name": APP_API, "namespace": namespace, "path": hook.path, "port": 443},
        },
        "rules": [{
            "apiGroups": [GROUP],
            "apiVersions": ["v1alpha3", "v1"],
            "operations": list(hook.operations),
            "resources": [hook.resource],
            "scope": "Namespaced",
        }],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": WEBHOOK_TIMEOUT_S,
    }
