"""Which resources there are: the path of each in the API, and the type that its objects are read as.

Those that every program works with. Further kinds of ours are in `kinds`, so that nobody loads types without need.
"""

from typing import Final

from kubevirt.api.access_reviews import SubjectAccessReview
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.objects import (
    APIService,
    ConfigMap,
    ControllerRevision,
    CustomResourceDefinition,
    DaemonSet,
    Deployment,
    Event,
    Lease,
    Namespace,
    PersistentVolumeClaim,
    ResourceQuota,
    Secret,
    StorageClass,
)
from kubevirt.api.pods import Node, Pod
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.resource import Resource as Resource
from kubevirt.api.resource import T
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance


def _ours(plural: str, kind: str, type_: type[T], *, has_status: bool = True) -> Resource[T]:
    return Resource(
        group="kubevirt.io", version="v1", plural=plural, kind=kind, type_=type_, has_status=has_status
    )


def _core(plural: str, kind: str, type_: type[T], *, namespaced: bool = True, has_status: bool = False) -> Resource[T]:
    return Resource(
        group="", version="v1", plural=plural, kind=kind, type_=type_, namespaced=namespaced, has_status=has_status
    )


VMS: Final = _ours("virtualmachines", "VirtualMachine", VirtualMachine)
VMIS: Final = _ours("virtualmachineinstances", "VirtualMachineInstance", VirtualMachineInstance, has_status=False)
VMI_REPLICASETS: Final = _ours(
    "virtualmachineinstancereplicasets", "VirtualMachineInstanceReplicaSet", VirtualMachineInstanceReplicaSet
)
KUBEVIRTS: Final = _ours("kubevirts", "KubeVirt", KubeVirt)

PODS: Final = _core("pods", "Pod", Pod, has_status=True)
NODES: Final = _core("nodes", "Node", Node, namespaced=False, has_status=True)
EVENTS: Final = _core("events", "Event", Event)
PVCS: Final = _core("persistentvolumeclaims", "PersistentVolumeClaim", PersistentVolumeClaim, has_status=True)
SECRETS: Final = _core("secrets", "Secret", Secret)
CONFIGMAPS: Final = _core("configmaps", "ConfigMap", ConfigMap)
NAMESPACES: Final = _core("namespaces", "Namespace", Namespace, namespaced=False, has_status=True)
RESOURCE_QUOTAS: Final = _core("resourcequotas", "ResourceQuota", ResourceQuota)

LEASES: Final = Resource(
    group="coordination.k8s.io", version="v1", plural="leases", kind="Lease", type_=Lease
)
CONTROLLER_REVISIONS: Final = Resource(
    group="apps", version="v1", plural="controllerrevisions", kind="ControllerRevision", type_=ControllerRevision
)
DEPLOYMENTS: Final = Resource(
    group="apps", version="v1", plural="deployments", kind="Deployment", type_=Deployment, has_status=True
)
DAEMONSETS: Final = Resource(
    group="apps", version="v1", plural="daemonsets", kind="DaemonSet", type_=DaemonSet, has_status=True
)
STORAGE_CLASSES: Final = Resource(
    group="storage.k8s.io",
    version="v1",
    plural="storageclasses",
    kind="StorageClass",
    type_=StorageClass,
    namespaced=False,
)
SUBJECT_ACCESS_REVIEWS: Final = Resource(
    group="authorization.k8s.io",
    version="v1",
    plural="subjectaccessreviews",
    kind="SubjectAccessReview",
    type_=SubjectAccessReview,
    namespaced=False,
)
CRDS: Final = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    plural="customresourcedefinitions",
    kind="CustomResourceDefinition",
    type_=CustomResourceDefinition,
    namespaced=False,
    has_status=True,
)
API_SERVICES: Final = Resource(
    group="apiregistration.k8s.io",
    version="v1",
    plural="apiservices",
    kind="APIService",
    type_=APIService,
    namespaced=False,
    has_status=True,
)
