"""The objects that a machine depends on, as a tree: what a backup must take along, and a restore bring back. Pure.

A node names an object, says which kind of dependency it is, and whether the machine could do without. Only references
are followed, nothing is read but the machine, its instance and its launcher pod's name; so an object is listed also
when it does not exist (yet).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubevirt.api.meta import LabelSelector
from kubevirt.api.options import ObjectGraphOptions
from kubevirt.api.selectors import matches
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.api.volumes import Volume
from kubevirt.kit.json import Json, JsonObject

LABEL_DEPENDENCY = "kubevirt.io/dependency-type"
STORAGE, COMPUTE, CONFIG, NETWORK = "storage", "compute", "config", "network"
MACHINES_GROUP = "kubevirt.io"


@dataclass(frozen=True, kw_only=True)
class Node:
    """An object and what it depends on."""

    group: str
    kind: str
    name: str
    namespace: str
    dependency: str
    optional: bool = False
    children: tuple[Node, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL_DEPENDENCY: self.dependency}


def of_machine(vm: VirtualMachine, vmi: VirtualMachineInstance | None, launcher_pod: str) -> Node:
    """The graph of a VirtualMachine; `launcher_pod` is empty when there is none."""
    namespace = vm.metadata.namespace
    revisions = tuple(
        Node(group="apps", kind="ControllerRevision", name=name, namespace=namespace, dependency=CONFIG)
        for name in _revisions(vm)
    )
    instance = (_instance_node(vmi, launcher_pod),) if vmi is not None else ()
    below = tuple(_references(vm.spec.template.spec, namespace))
    return Node(group=MACHINES_GROUP, kind="VirtualMachine", name=vm.metadata.name, namespace=namespace,
                dependency=COMPUTE, children=(*revisions, *instance, *below))  # fmt: skip


def of_instance(vmi: VirtualMachineInstance, launcher_pod: str) -> Node:
    """The graph of a VirtualMachineInstance."""
    node = _instance_node(vmi, launcher_pod)
    below = tuple(_references(vmi.spec, vmi.metadata.namespace))
    return Node(group=node.group, kind=node.kind, name=node.name, namespace=node.namespace, dependency=COMPUTE,
                children=(*node.children, *below))  # fmt: skip


def as_reply(node: Node, options: ObjectGraphOptions) -> JsonObject:
    """The answer: the root always, below it only what was asked for. Raises Refused for an unusable selector."""
    optional = options.include_optional_nodes is not False
    return _document(node, [_document(each, kept) for each, kept in _kept(node, options.label_selector, optional)])


def _kept(node: Node, selector: LabelSelector | None, optional: bool) -> list[tuple[Node, list[Json]]]:
    found: list[tuple[Node, list[Json]]] = []
    for child in node.children:
        if child.optional and not optional:
            continue
        below: list[Json] = [_document(each, kept) for each, kept in _kept(child, selector, optional)]
        if below or selector is None or matches(selector, child.labels):
            found.append((child, below))
    return found


def _document(node: Node, children: list[Json]) -> JsonObject:
    document: JsonObject = {
        "objectReference": {
            "apiGroup": node.group, "kind": node.kind, "name": node.name, "namespace": node.namespace,
        },
        "labels": dict(node.labels),
        "optional": node.optional,
    }  # fmt: skip
    if children:
        document["children"] = children
    return document


def _instance_node(vmi: VirtualMachineInstance, launcher_pod: str) -> Node:
    namespace = vmi.metadata.namespace
    pod = (
        Node(group="", kind="Pod", name=launcher_pod, namespace=namespace, dependency=COMPUTE, optional=True),
    ) if launcher_pod else ()  # fmt: skip
    return Node(group=MACHINES_GROUP, kind="VirtualMachineInstance", name=vmi.metadata.name, namespace=namespace,
                dependency=COMPUTE, optional=True, children=pod)  # fmt: skip


def _revisions(vm: VirtualMachine) -> Iterator[str]:
    for used in (vm.status.instancetype_ref, vm.status.preference_ref):
        if used is not None and used.controller_revision_ref is not None:
            yield used.controller_revision_ref.name


def _references(spec: VirtualMachineInstanceSpec, namespace: str) -> Iterator[Node]:
    """What a spec names, each object once."""
    seen: set[tuple[str, str]] = set()
    for node in (*_volumes(spec, namespace), *_credentials(spec, namespace), *_networks(spec, namespace)):
        if (node.kind, node.name) not in seen:
            seen.add((node.kind, node.name))
            yield node


def _volumes(spec: VirtualMachineInstanceSpec, namespace: str) -> Iterator[Node]:
    for volume in spec.volumes:
        if volume.data_volume is not None:
            name = volume.data_volume.name
            claim = _core("PersistentVolumeClaim", name, namespace, STORAGE)
            yield Node(group="cdi.kubevirt.io", kind="DataVolume", name=name, namespace=namespace, dependency=STORAGE,
                       children=(claim,))  # fmt: skip
        for claimed in (volume.persistent_volume_claim, volume.memory_dump):
            if claimed is not None:
                yield _core("PersistentVolumeClaim", claimed.claim_name, namespace, STORAGE)
        for kind, named in _configuration(volume):
            if named:
                yield _core(kind, named, namespace, CONFIG)


def _configuration(volume: Volume) -> Iterator[tuple[str, str | None]]:
    """Kind and name of what a volume's files are made from; a source may leave the name open."""
    if volume.config_map is not None:
        yield "ConfigMap", volume.config_map.name
    if volume.secret is not None:
        yield "Secret", volume.secret.secret_name
    if volume.service_account is not None:
        yield "ServiceAccount", volume.service_account.service_account_name
    for seed in (volume.cloud_init_no_cloud, volume.cloud_init_config_drive):
        for secret in (seed.secret_ref, seed.network_data_secret_ref) if seed is not None else ():
            yield "Secret", secret.name if secret is not None else None
    if (sysprep := volume.sysprep) is not None:
        if sysprep.config_map is not None:
            yield "ConfigMap", sysprep.config_map.name
        if sysprep.secret is not None:
            yield "Secret", sysprep.secret.name


def _credentials(spec: VirtualMachineInstanceSpec, namespace: str) -> Iterator[Node]:
    for each in spec.access_credentials:
        for source in (each.ssh_public_key and each.ssh_public_key.source,
                       each.user_password and each.user_password.source):  # fmt: skip
            if source and source.secret is not None:
                yield _core("Secret", source.secret.secret_name, namespace, CONFIG)


def _networks(spec: VirtualMachineInstanceSpec, namespace: str) -> Iterator[Node]:
    for network in spec.networks:
        if network.multus is not None and network.multus.network_name:
            of, slash, name = network.multus.network_name.rpartition("/")
            yield Node(group="k8s.cni.cncf.io", kind="NetworkAttachmentDefinition", name=name,
                       namespace=of if slash else namespace, dependency=NETWORK)  # fmt: skip


def _core(kind: str, name: str, namespace: str, dependency: str) -> Node:
    return Node(group="", kind=kind, name=name, namespace=namespace, dependency=dependency)
