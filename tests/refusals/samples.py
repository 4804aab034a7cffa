"""Objects that are admitted, and the ways in which rows of the tables change them."""

from __future__ import annotations

from typing import TypeAlias

from kubevirt.kit.json import Json, JsonObject, merge

Refusal: TypeAlias = tuple[JsonObject, str, str, str]
"""What is changed in the spec; reason (without FieldValue), field and message of the only cause."""

DISK: JsonObject = {"name": "root", "containerDisk": {"image": "cirros:1.0"}}
GOOD: JsonObject = {
    "domain": {
        "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]},
        "resources": {"requests": {"memory": "128Mi"}},
    },
    "volumes": [DISK],
}
"""The spec of an instance."""

D, N, S = "spec.domain.devices.disks[0]", "spec.domain.devices.interfaces[0]", "spec.domain"
V = "spec.volumes[0]"
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def spec_with(change: Json) -> JsonObject:
    """The good spec with one thing changed; null takes a member away."""
    spec = merge(GOOD, change)
    assert isinstance(spec, dict)
    return spec


def instance(change: Json, name: str = "refused") -> JsonObject:
    """The good instance with one thing of its spec changed."""
    return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
            "metadata": {"name": name}, "spec": spec_with(change)}


def disk(**members: Json) -> JsonObject:
    """Other members of the disk."""
    return {"domain": {"devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}, **members}]}}}


def nic(**members: Json) -> JsonObject:
    """A network interface on the pod network, of masquerade binding unless another is given."""
    bound = {"bridge", "sriov", "passtBinding", "slirp", "macvtap", "passt"} & set(members)
    interface: JsonObject = {"name": "net", **({} if bound else {"masquerade": {}}), **members}
    return {"domain": {"devices": {"interfaces": [interface]}}, "networks": [{"name": "net", "pod": {}}]}


def volume(**source: Json) -> JsonObject:
    """Another source of the volume."""
    return {"volumes": [{"name": "root", **source}]}


def devices(**members: Json) -> JsonObject:
    """Other devices."""
    return {"domain": {"devices": dict(members)}}


def domain(**members: Json) -> JsonObject:
    """Other members of the domain."""
    return {"domain": dict(members)}
