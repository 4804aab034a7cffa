"""Everything an installation consists of, in the order in which it is applied."""

from __future__ import annotations

from kubevirt.api.crds import custom_resource_definitions
from kubevirt.api.names import LABEL_APP, LABEL_COMPONENT, LABEL_MANAGED_BY
from kubevirt.kit.json import JsonObject
from kubevirt.virt_operator import endpoints
from kubevirt.virt_operator.rbac import account_objects
from kubevirt.virt_operator.secrets import Trust
from kubevirt.virt_operator.settings import KUBEVIRT_NAME, Installation
from kubevirt.virt_operator.user_roles import user_role_objects
from kubevirt.virt_operator.workloads import PRIORITY_CLASS, workload_objects

MANAGER = "virt-operator"


def foundations(installation: Installation) -> list[JsonObject]:
    """What everything else stands on, beside the namespace: the priority class, accounts and rights."""
    return [
        managed(obj)
        for obj in (
            priority_class(),
            *user_role_objects(),
            *account_objects(installation.namespace),
        )
    ]


def definitions() -> list[JsonObject]:
    """The CustomResourceDefinitions."""
    return [managed(obj) for obj in custom_resource_definitions()]


def trust_objects(trust: Trust) -> list[JsonObject]:
    """Secrets and the bundle, as far as they change."""
    return [managed(obj) for obj in trust.objects]


def programs(installation: Installation, trust: Trust) -> list[JsonObject]:
    """The Service, the pods, and what leads requests to them."""
    namespace = installation.namespace
    return [
        managed(obj)
        for obj in (
            endpoints.service(namespace),
            endpoints.metrics_service(namespace),
            *workload_objects(installation),
            *endpoints.api_services(namespace, trust.bundle),
            *endpoints.webhook_configurations(namespace, trust.bundle),
        )
    ]


def kubevirt_object(namespace: str) -> JsonObject:
    """The KubeVirt object of an installation whose administrator has not made one."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {"name": KUBEVIRT_NAME, "namespace": namespace},
        "spec": {"certificateRotateStrategy": {}, "configuration": {}, "imagePullPolicy": "IfNotPresent",
                 "workloadUpdateStrategy": {}},
    }


def namespace_object(namespace: str) -> JsonObject:
    labels: JsonObject = {LABEL_APP: "", "pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}


def priority_class() -> JsonObject:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": PRIORITY_CLASS},
        "value": 1000000000,
        "globalDefault": False,
        "description": "For the programs that virtual machines depend on",
    }


def managed(obj: JsonObject) -> JsonObject:
    """The object with the labels by which everything of the installation is found again."""
    metadata = obj["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 (every object has metadata)
    labels = metadata.get("labels")
    common: JsonObject = {LABEL_MANAGED_BY: MANAGER, LABEL_COMPONENT: "kubevirt"}
    if obj["kind"] != "CustomResourceDefinition":
        common[LABEL_APP] = ""
    own = labels if isinstance(labels, dict) else {}
    return {**obj, "metadata": {**metadata, "labels": {**common, **own}}}
