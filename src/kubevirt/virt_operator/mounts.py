"""Volumes of the add-on's pods, each with the place where it is mounted."""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.kit.json import JsonObject
from kubevirt.virt_operator.secrets import AUTHORITY


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume and where it is mounted."""

    volume: JsonObject
    path: str
    read_only: bool = True
    propagation: str = ""

    def as_mount(self) -> JsonObject:
        mount: JsonObject = {"name": self.volume["name"], "mountPath": self.path}
        if self.read_only:
            mount["readOnly"] = True
        if self.propagation:
            mount["mountPropagation"] = self.propagation
        return mount


def secret_mount(name: str, secret: str, path: str) -> Mount:
    return Mount(volume={"name": name, "secret": {"secretName": secret, "defaultMode": 0o444}}, path=path)


def bundle_mount(path: str) -> Mount:
    return Mount(volume={"name": "authorities", "configMap": {"name": AUTHORITY}}, path=path)


def scratch_mount() -> Mount:
    """A place for the few files that libraries want on disk for a moment; the root file system is read-only."""
    volume: JsonObject = {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}
    return Mount(volume=volume, path="/tmp", read_only=False)  # noqa: S108 (the pod's own)


def host_mount(name: str, path: str, *, kind: str = "Directory", propagation: str = "") -> Mount:
    volume: JsonObject = {"name": name, "hostPath": {"path": path, "type": kind}}
    return Mount(volume=volume, path=path, read_only=False, propagation=propagation)
