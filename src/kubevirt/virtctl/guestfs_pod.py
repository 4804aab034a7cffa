"""The pod of `virtctl guestfs`: the tools, the claim, and as few rights as they can do with. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.virtctl.errors import CommandError

CONTAINER = "libguestfs"
DISK, BLOCK_DEVICE = "/disk", "/dev/vda"
TMP_DIR, HOME_DIR = "/tmp/guestfs", "/home/guestfs"  # noqa: S108 - inside the pod


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the flags say; ids are numbers as text, empty where none is given."""

    claim: str
    image: str = ""
    pull_policy: str = "IfNotPresent"
    kvm: bool = True
    root: bool = False
    uid: str = ""
    gid: str = ""
    fs_group: str = ""

    def check(self) -> None:
        """Raises CommandError for ids that do not go together."""
        for name, text in (("uid", self.uid), ("gid", self.gid), ("fsGroup", self.fs_group)):
            if text and not text.isdecimal():
                raise CommandError(f'invalid argument "{text}" for "--{name}" flag: it is not a number')
        if self.root and self.uid:
            raise CommandError("cannot set uid if root is true")
        if self.root and self.gid:
            raise CommandError("cannot set gid id with root")
        if self.gid and not self.uid:
            raise CommandError("gid requires the uid to be set")
        if self.root and self.fs_group:
            raise CommandError("cannot set fsGroup id with root")


def pod_name(claim: str) -> str:
    return f"libguestfs-tools-{claim}"


def image_of(info: JsonObject) -> str:
    """The image that the server's answer names."""
    if whole := str(info.get("gsImage") or ""):
        return whole
    registry = str(info.get("registry") or "")
    name = f"{registry}/" * bool(registry) + f"{info.get('imagePrefix') or ''}libguestfs-tools"
    if digest := str(info.get("digest") or ""):
        return f"{name}@{digest}"
    if tag := str(info.get("tag") or ""):
        return f"{name}:{tag}"
    raise CommandError("Neither the digest nor the tag for the image has been specified")


def is_block(claim: JsonObject) -> bool:
    return dig(claim, "spec", "volumeMode") == "Block"


def users_of_claim(pods: Json, claim: str) -> list[str]:
    """The names of the pods that have the claim and have not ended."""
    found = []
    for pod in pods if isinstance(pods, list) else []:
        volumes = dig(pod, "spec", "volumes")
        listed = volumes if isinstance(volumes, list) else []
        names = [dig(each, "persistentVolumeClaim", "claimName") for each in listed]
        if claim in names and dig(pod, "status", "phase") not in ("Succeeded", "Failed"):
            found.append(str(dig(pod, "metadata", "name")))
    return found


def pod_of(wanted: Wanted, image: str, *, block: bool, placed_as: Json = None) -> JsonObject:
    """The manifest; `placed_as` is the template of a machine whose placement is taken over."""
    mounts: list[Json] = [
        {"name": "libguestfs-tmp-dir", "mountPath": TMP_DIR},
        {"name": "guestfs", "mountPath": HOME_DIR},
    ]
    container: JsonObject = {
        "name": CONTAINER,
        "image": image,
        "command": ["/entrypoint.sh"],
        "imagePullPolicy": wanted.pull_policy,
        "stdin": True,
        "tty": True,
        "env": [
            {"name": "LIBGUESTFS_BACKEND", "value": "direct"},
            {"name": "LIBGUESTFS_PATH", "value": "/usr/local/lib/guestfs/appliance"},
            {"name": "LIBGUESTFS_TMPDIR", "value": TMP_DIR},
            {"name": "HOME", "value": HOME_DIR},
        ],
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if block:
        container["volumeDevices"] = [{"name": "volume", "devicePath": BLOCK_DEVICE}]
    else:
        mounts.append({"name": "volume", "mountPath": DISK})
        container["workingDir"] = DISK
    if wanted.kvm:
        container["resources"] = {"limits": {"devices.kubevirt.io/kvm": "1"}}
    spec: JsonObject = {
        "containers": [container],
        "restartPolicy": "Never",
        "securityContext": _security(wanted),
        "volumes": [
            {"name": "volume", "persistentVolumeClaim": {"claimName": wanted.claim}},
            {"name": "libguestfs-tmp-dir", "emptyDir": {}},
            {"name": "guestfs", "emptyDir": {}},
        ],
    }
    metadata: JsonObject = {"name": pod_name(wanted.claim)}
    for field in ("tolerations", "affinity", "nodeSelector"):
        if (value := dig(placed_as, "spec", field)) is not None:
            spec[field] = value
    if (labels := dig(placed_as, "metadata", "labels")) is not None:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _security(wanted: Wanted) -> JsonObject:
    context: JsonObject = {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": not wanted.root}
    if wanted.root:
        return {**context, "runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}
    given = {"runAsUser": wanted.uid, "runAsGroup": wanted.gid, "fsGroup": wanted.fs_group}
    return {**context, **{name: int(text) for name, text in given.items() if text}}
