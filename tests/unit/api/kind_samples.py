"""What the tests of kinds that are not machines share: configurations, and manifests with a name."""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation.causes import Cause
from kubevirt.kit.json import Json, JsonObject

PLAIN = ClusterConfig(default_architecture="amd64")


def gates(*names: str) -> ClusterConfig:
    return ClusterConfig(default_architecture="amd64", enabled_gates=names)


def without(gate: str) -> ClusterConfig:
    return ClusterConfig(default_architecture="amd64", disabled_gates=[gate])


def named(spec: Json, name: str = "new", **more: Json) -> JsonObject:
    return {"metadata": {"name": name, "namespace": "ns", "uid": f"uid-of-{name}"}, "spec": spec, **more}


def short(causes: list[Cause]) -> list[tuple[str, str, str]]:
    return [(cause.reason.removeprefix("FieldValue"), cause.field, cause.message) for cause in causes]
