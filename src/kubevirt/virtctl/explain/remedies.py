"""What to do about messages of the scheduler, the kubelet and registries: tables of what such messages contain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubevirt.api import names
from kubevirt.api.core import Node

SCHEDULING: tuple[tuple[str, str], ...] = (
    ("Insufficient devices.kubevirt.io/kvm",
     "no node offers KVM: run on nodes with virtualization, or set useEmulation in the KubeVirt configuration"),
    ("Insufficient memory", "ask for less memory, stop other machines or pods, or add a node"),
    ("Insufficient cpu", "ask for less CPU, stop other machines or pods, or add a node"),
    ("Insufficient hugepages", "set huge pages aside on a node, or take them out of the machine"),
    ("Insufficient ", "no node has this device free: see kubectl describe node, and virtctl permitted-devices"),
    ("volume node affinity", "the claim's volume is bound to another node: let the machine run there"),
    ("unbound immediate PersistentVolumeClaims", "a claim has no volume yet: kubectl get pvc"),
    ("persistentvolumeclaim", "a claim is missing or not bound: kubectl get pvc"),
    ("node affinity/selector",
     "no node has all the labels that the machine asks for (its node selector, CPU model, or features): compare with "
     "kubectl get nodes --show-labels"),
    ("untolerated taint", "the nodes are tainted: tolerate the taint in the machine, or remove it from a node"),
    ("anti-affinity", "other pods keep it away: change its affinity, or add a node"),
    ("were unschedulable", "the nodes are cordoned: kubectl uncordon NODE"),
)  # fmt: skip
IMAGES: tuple[tuple[str, str], ...] = (
    ("not found", "correct the image's name, or push the image; the pull is tried again by itself"),
    ("manifest unknown", "correct the image's tag, or push it; the pull is tried again by itself"),
    ("no such host", "correct the registry's name, or the node's DNS"),
    ("unauthorized", "give the volume an imagePullSecret that may read the image"),
    ("denied", "give the volume an imagePullSecret that may read the image"),
    ("connection refused", "see whether the registry runs and can be reached from the node"),
    ("x509", "let the node's container runtime trust the registry's certificate"),
    ("invalid reference", "correct the image's name"),
)
REFUSALS: tuple[tuple[str, str], ...] = (
    ("exceeded quota",
     "stop other machines, or have the quota that the message names raised: kubectl{at} describe quota"),
    ("must specify limits", "the quota counts limits: give the machine resources.limits, or have the "
     "administrator turn on automatic limits for the namespace"),
    ("violates PodSecurity", "let the namespace take pods of the level that the message asks for: kubectl label "
     "--overwrite namespace {namespace} pod-security.kubernetes.io/enforce=privileged"),
    ("usage per Container is", "the namespace's LimitRange does not let it: kubectl{at} describe limitrange"),
    ("usage per Pod is", "the namespace's LimitRange does not let it: kubectl{at} describe limitrange"),
    ("serviceaccount", "create the service account that the message names"),
    ("instancetype", "create what the message names, or name another: kubectl{at} get vminstancetype,"
     "vmclusterinstancetype,vmpreference,vmclusterpreference"),
    ("denied the request", "a webhook of the cluster refuses it: change what the message names, or ask who runs the "
     "webhook"),
    ("is being terminated", "the namespace is being deleted: nothing starts in it any more"),
)  # fmt: skip
CLAIMS: tuple[tuple[str, str], ...] = (
    ("storageclass", "create that storage class, or name another one in the claim: kubectl get storageclass"),
    ("exceeded quota", "have the quota that the message names raised: kubectl{at} describe quota"),
    ("no space", "make room in the storage behind the class, or take another class"),
)
MOUNTS: tuple[tuple[str, str], ...] = (
    ("secret", "create the secret that the message names; the mount is tried again by itself"),
    ("configmap", "create the ConfigMap that the message names; the mount is tried again by itself"),
    ("image volume", "the nodes need image volumes (Kubernetes 1.33 with containerd 2.1 or later)"),
    ("Multi-Attach", "the volume is still attached to another node: end the pod there"),
)


def scheduling_remedy(message: str, nodes: Sequence[Node], selector: Mapping[str, str] | None = None,
                      abilities: Mapping[str, str] | None = None) -> str:
    """What to do when the scheduler finds no place; every reason in its message has one.

    `selector` holds the labels that the machine asks for itself, `abilities` those that its processor does, each with
    the field.
    """
    if not message:
        return "if this lasts, see whether kube-scheduler runs"
    if nodes and not any(node.metadata.labels.get(names.LABEL_SCHEDULABLE) == "true" for node in nodes):
        return "no node takes virtual machines: see why virt-handler does not report: virtctl doctor"
    found = []
    rest = message
    absent = [f"{key}={value}" for key, value in (selector or {}).items()
              if nodes and not any(node.metadata.labels.get(key) == value for node in nodes)]  # fmt: skip
    if absent:
        rest = rest.replace("node affinity/selector", "")
        found.append(f"no node has the label {', '.join(absent)}: give it to one (kubectl label node NODE "
                     f"{' '.join(absent)}), or take it out of the machine's node selector")  # fmt: skip
    unable = [f"{label}=true ({field})" for label, field in (abilities or {}).items()
              if nodes and not any(node.metadata.labels.get(label) == "true" for node in nodes)]  # fmt: skip
    if unable:
        rest = rest.replace("node affinity/selector", "")
        found.append(f"no node has {', '.join(unable)}: choose what a node offers (kubectl get nodes --show-labels), "
                     "or leave it out of the machine")  # fmt: skip
    for part, remedy in SCHEDULING:
        if part.lower() in rest.lower():
            found.append(remedy)
            if part.startswith(("Insufficient", "unbound immediate PersistentVolumeClaims")):
                rest = rest.replace(part, "")
    return "\n".join(found) or "see: kubectl get nodes, and the machine's node selector, affinity and tolerations"


def refusal_remedy(message: str, namespace: str) -> str:
    """What to do when the API server refuses to create an instance or its pod."""
    found = _first(REFUSALS, message) or "end what the message names; the attempt is repeated by itself"
    return found.format(at=f" -n {namespace}", namespace=namespace)


def claim_remedy(message: str, name: str, namespace: str) -> str:
    """What to do about a claim that gets no volume."""
    found = _first(CLAIMS, message) or f"see: kubectl{{at}} describe pvc {name}"
    return found.format(at=f" -n {namespace}")


def image_remedy(message: str) -> str:
    """What to do about an image that cannot be pulled."""
    return _first(IMAGES, message) or "see whether the image exists and the node may pull it"


def mount_remedy(reason: str, message: str) -> str:
    """What to do about a volume that cannot be mounted, or a network that cannot be set up."""
    if reason == "FailedCreatePodSandBox":
        return "see the node's container runtime and network plugin"
    return _first(MOUNTS, message) or "see the storage driver's log on that node"


def _first(table: tuple[tuple[str, str], ...], message: str) -> str:
    lower = message.lower()
    return next((remedy for part, remedy in table if part.lower() in lower), "")
