"""The resources of the kinds that an installation consists of; only their names and paths matter here."""

from __future__ import annotations

from kubevirt.api.base import Api, constant, present
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resources import Resource
from kubevirt.kit.json import JsonObject


class AnyObject(Api):
    """An object of any kind, of which only the metadata is read."""

    api_version: str = constant("")
    kind: str = constant("")
    metadata: ObjectMeta = present(ObjectMeta)


_NAMESPACED = {
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("v1", "Secret"): "secrets",
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Service"): "services",
    ("apps/v1", "Deployment"): "deployments",
    ("apps/v1", "DaemonSet"): "daemonsets",
    ("rbac.authorization.k8s.io/v1", "Role"): "roles",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "rolebindings",
    ("kubevirt.io/v1", "KubeVirt"): "kubevirts",
}
_CLUSTER = {
    ("v1", "Namespace"): "namespaces",
    ("scheduling.k8s.io/v1", "PriorityClass"): "priorityclasses",
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): "customresourcedefinitions",
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): "clusterroles",
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): "clusterrolebindings",
    ("apiregistration.k8s.io/v1", "APIService"): "apiservices",
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"): "mutatingwebhookconfigurations",
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"): "validatingwebhookconfigurations",
}


def resource_of(obj: JsonObject) -> Resource[AnyObject]:
    """The resource of an object of ours. KeyError for kinds that no installation holds."""
    api_version, kind = str(obj["apiVersion"]), str(obj["kind"])
    group, _, version = api_version.rpartition("/")
    namespaced = (api_version, kind) in _NAMESPACED
    plural = (_NAMESPACED if namespaced else _CLUSTER)[api_version, kind]
    return Resource(group=group, version=version, plural=plural, kind=kind, type_=AnyObject, namespaced=namespaced)
