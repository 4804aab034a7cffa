"""`virtctl expose`: a Service in front of a machine, selected by a label that its launcher pod carries."""

from __future__ import annotations

import click
import msgspec

from kubevirt.api.names import LABEL_VMI_ID, vmi_id
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube.errors import ApiError
from kubevirt.virtctl.errors import CommandError, count_error
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import KINDS, Kind, Target, parse_path

PROTOCOLS = {name.lower(): name for name in ("TCP", "UDP")}
SERVICE_TYPES = {name.lower(): name for name in ("ClusterIP", "NodePort", "LoadBalancer")}
IP_FAMILIES = {
    "": [],
    "ipv4": ["IPv4"],
    "ipv6": ["IPv6"],
    "ipv4,ipv6": ["IPv4", "IPv6"],
    "ipv6,ipv4": ["IPv6", "IPv4"],
}
FAMILY_POLICIES = {name.lower(): name for name in ("SingleStack", "PreferDualStack", "RequireDualStack")}


@command("expose", help="Make a virtual machine reachable through a Service.")
@click.argument("names", nargs=-1, metavar="TYPE NAME")
@click.option("--name", required=True, help="Name of the Service")
@click.option("--port", type=int, default=0, help="Port of the Service; without it the interface's own ports are taken")
@click.option("--target-port", default="", help="Port in the guest, by number or name; default: the Service's port")
@click.option("--protocol", default="TCP", help="TCP or UDP")
@click.option("--port-name", default="", help="Name of the port")
@click.option("--type", "service_type", default="ClusterIP", help="ClusterIP, NodePort or LoadBalancer")
@click.option("--cluster-ip", default="", help="Address of the Service; None for a headless one")
@click.option("--external-ip", default="", help="Further address that the Service accepts traffic for")
@click.option("--ip-family", default="", help="IPv4, IPv6, or both with a comma")
@click.option("--ip-family-policy", default="", help="SingleStack, PreferDualStack or RequireDualStack")
@click.pass_obj
def expose(flags: Globals, /, names: tuple[str, ...], name: str, **options: str | int) -> None:
    """Create a Service for a virtual machine, an instance or a replica set."""
    target = _target(names)
    spec = service_spec(options)
    run(flags, lambda session: _create(session, target, name, spec))
    click.echo(f"Service {name} successfully created for {target.typed} {target.name}")


def _target(names: tuple[str, ...]) -> Target:
    if len(names) == 1 and "/" in names[0]:
        return parse_path(names[0])
    if len(names) != 2:
        raise count_error(len(names), 2, 2)
    kind = KINDS.get(names[0].lower())
    if kind is None:
        raise CommandError(f"unsupported resource type: {names[0]}")
    return Target(kind=kind, name=names[1], typed=names[0].lower())


def service_spec(options: dict[str, str | int]) -> JsonObject:
    """The Service's spec as far as the flags decide it; selector and introspected ports are added later."""
    given = {key: str(value) for key, value in options.items()}
    protocol = PROTOCOLS.get(given["protocol"].lower())
    if protocol is None:
        raise CommandError(f"unknown protocol: {given['protocol']}")
    service_type = SERVICE_TYPES.get(given["service_type"].lower())
    if given["service_type"].lower() == "externalname":
        raise CommandError(f"type: {given['service_type']} not supported")
    if service_type is None:
        raise CommandError(f"unknown service type: {given['service_type']}")
    families = IP_FAMILIES.get(given["ip_family"].lower())
    if families is None:
        raise CommandError(f"unknown IPFamily/s: {given['ip_family']}")
    policy = FAMILY_POLICIES.get(given["ip_family_policy"].lower(), "")
    if given["ip_family_policy"] and not policy:
        raise CommandError(f"unknown IPFamilyPolicy/s: {given['ip_family_policy']}")
    spec: JsonObject = {"type": service_type}
    if families:
        spec["ipFamilies"] = list(families)
    if policy or len(families) == 2:
        spec["ipFamilyPolicy"] = policy or "PreferDualStack"
    if given["cluster_ip"]:
        spec["clusterIP"] = given["cluster_ip"]
    if given["external_ip"]:
        spec["externalIPs"] = [given["external_ip"]]
    if options["port"]:
        spec["ports"] = [_port(int(options["port"]), protocol, given["target_port"], given["port_name"])]
    return spec


def _port(port: int, protocol: str, target_port: str, name: str) -> JsonObject:
    entry: JsonObject = {"port": port, "protocol": protocol}
    entry["targetPort"] = (int(target_port) if target_port.isdigit() else target_port) if target_port else port
    if name:
        entry["name"] = name
    return entry


async def _create(session: Session, target: Target, name: str, spec: JsonObject) -> None:
    with session.explaining(f"error fetching {target.kind.api_kind}: {{}}"):
        found = await session.get(target)
    if "ports" not in spec:
        spec["ports"] = introspected_ports(found, target.kind)
    spec["selector"] = selector(found, target)
    meta = found["metadata"]
    assert isinstance(meta, dict)  # noqa: S101 - every stored object has metadata
    owner: JsonObject = {
        "apiVersion": "kubevirt.io/v1",
        "kind": target.kind.api_kind,
        "name": target.name,
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }
    namespace = session.namespace_of(target)
    service: JsonObject = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner]},
        "spec": spec,
    }
    try:
        await session.client.raw("POST", f"/api/v1/namespaces/{namespace}/services", body=msgspec.json.encode(service))
    except ApiError as e:
        raise CommandError(f"service creation failed: {e.message}") from e


def selector(found: JsonObject, target: Target) -> JsonObject:
    """The labels of the launcher pods behind the object."""
    if target.kind is not Kind.REPLICASET:
        return {LABEL_VMI_ID: vmi_id(target.name)}
    labels = _at(found, "spec", "selector")
    if isinstance(labels, dict) and labels.get("matchExpressions"):
        raise CommandError("cannot expose VirtualMachineInstanceReplicaSet with match expressions")
    wanted = labels.get("matchLabels") if isinstance(labels, dict) else None
    if not isinstance(wanted, dict) or not wanted:
        raise CommandError("cannot expose VirtualMachineInstanceReplicaSet without any selector labels")
    return wanted


def introspected_ports(found: JsonObject, kind: Kind) -> list[Json]:
    """The ports that the interface on the first pod network lists."""
    spec = _at(found, "spec") if kind is Kind.VMI else _at(found, "spec", "template", "spec")
    networks, interfaces = _at(spec, "networks"), _at(spec, "domain", "devices", "interfaces")
    pod_network = next((n["name"] for n in _objects(networks) if "pod" in n), None)
    interface = next((i for i in _objects(interfaces) if i.get("name") == pod_network), {})
    ports: list[Json] = [
        {"name": f"port-{index}", "port": port["port"], "protocol": port.get("protocol", "TCP")}
        for index, port in enumerate(_objects(interface.get("ports")), start=1)
    ]
    if not ports:
        raise CommandError("couldn't find port via --port flag or introspection")
    return ports


def _at(value: Json, *path: str) -> Json:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _objects(value: Json) -> list[JsonObject]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
