"""What a user wants from an export, and which flags go together. Pure."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field

from kubevirt.kit.json import JsonObject, dig
from kubevirt.virtctl.errors import CommandError

API_VERSION = "export.kubevirt.io/v1"
KINDS = {  # flag: (API group, kind)
    "vm": ("kubevirt.io", "VirtualMachine"),
    "snapshot": ("snapshot.kubevirt.io", "VirtualMachineSnapshot"),
    "pvc": ("", "PersistentVolumeClaim"),
    "vmtemplate": ("template.kubevirt.io", "VirtualMachineTemplate"),
}
NEEDS_KIND = (
    "need to specify export kind when attempting to create a VirtualMachineExport [--pvc|--vm|--snapshot|--vmtemplate]"
)
BINARY = (
    "warning: Binary output can mess up your terminal. Use '--output -' to output into stdout anyway or consider "
    "'--output <FILE>' to save to a file"
)
FORMATS = ("gzip", "raw", "oci")
DOWNLOAD_ONLY = (
    "output", "volume", "format", "insecure", "keep-vme", "delete-vme", "service-url", "port-forward", "local-port",
    "retry",
)  # fmt: skip
REFUSED = {
    "create": DOWNLOAD_ONLY,
    "delete": ("vm", "snapshot", "pvc", "vmtemplate", "labels", "annotations", *DOWNLOAD_ONLY, "readiness-timeout"),
    "download": (),
}
TOKEN_LENGTH = 20


@dataclass(frozen=True, kw_only=True)
class Order:
    """One call of vmexport. `kind` and `source` are empty where an existing export is meant."""

    name: str
    kind: str = ""
    source: str = ""
    ttl: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    output: str = ""
    volume: str = ""
    format: str = "gzip"
    insecure: bool = False
    keep: bool = False
    delete: bool = False
    service_url: str = ""
    port_forward: bool = False
    local_port: int = 0
    retry: int = 0
    readiness_timeout_s: float = 120.0
    manifest: bool = False
    include_secret: bool = False
    manifest_format: str = ""

    @property
    def is_internal(self) -> bool:
        """The links that only the cluster can reach are wanted."""
        return bool(self.service_url) or self.port_forward

    @property
    def trusts_all(self) -> bool:
        """The server's certificate is not checked."""
        return self.insecure or self.port_forward


def check(function: str, given: set[str], order: Order) -> None:
    """Raises CommandError for flags that do not go with the function, or with one another."""
    if function not in REFUSED:
        raise CommandError(f"invalid function '{function}'")
    if function == "delete" and given & set(KINDS):
        raise CommandError("should not specify export kind")
    for flag in REFUSED[function]:
        if flag in given:
            raise CommandError(f"the '--{flag}' flag is incompatible with '{function}'")
    if function == "create" and not order.kind:
        raise CommandError(NEEDS_KIND)
    if function == "download":
        _check_download(given, order)


def _check_download(given: set[str], order: Order) -> None:
    """What the other functions leave at its default."""
    if order.format not in FORMATS:
        raise CommandError(f"{order.format} is not a valid value, acceptable values are gzip/raw/oci")
    if order.manifest_format not in ("", "yaml", "json"):
        raise CommandError(f"{order.manifest_format} is not a valid value, acceptable values are json/yaml")
    if not 0 <= order.local_port <= 65535:
        raise CommandError(f"{order.local_port} is not a valid value, acceptable values are valid port numbers")
    if order.retry < 0:
        raise CommandError(f"{order.retry} is not a valid value, acceptable values are positive integers")
    if order.manifest:
        for flag in ("volume", "format"):
            if flag in given:
                raise CommandError(f"the '--{flag}' flag is incompatible with '--manifest'")
    elif not order.output:
        raise CommandError(BINARY)
    if order.format == "oci" and order.kind in ("pvc", "snapshot"):
        raise CommandError(f'OCI export is not supported for "{KINDS[order.kind][1]}" sources')


def secret_name(order: Order) -> str:
    """The secret with the export's token."""
    return f"secret-{order.name}"


def export_of(order: Order) -> JsonObject:
    """The VirtualMachineExport to create."""
    group, kind = KINDS[order.kind]
    metadata: JsonObject = {"name": order.name}
    if order.labels:
        metadata["labels"] = dict(order.labels)
    if order.annotations:
        metadata["annotations"] = dict(order.annotations)
    spec: JsonObject = {
        "source": {"apiGroup": group, "kind": kind, "name": order.source},
        "tokenSecretRef": secret_name(order),
    }
    if order.ttl:
        spec["ttlDuration"] = order.ttl
    return {"apiVersion": API_VERSION, "kind": "VirtualMachineExport", "metadata": metadata, "spec": spec}


def token_secret(order: Order, export: JsonObject) -> JsonObject:
    """The secret with a new token, which goes when the export goes."""
    letters = string.ascii_letters + string.digits
    owner: JsonObject = {
        "apiVersion": API_VERSION, "kind": "VirtualMachineExport", "name": order.name,
        "uid": dig(export, "metadata", "uid"), "controller": True, "blockOwnerDeletion": False,
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(order), "ownerReferences": [owner]},
        "type": "Opaque",
        "stringData": {"token": "".join(secrets.choice(letters) for _ in range(TOKEN_LENGTH))},
    }
