"""Rules for the metadata of instances."""

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.validation.causes import Causes, invalid, not_supported


def check_metadata(field: str, metadata: ObjectMeta, config: ClusterConfig, *, own_account: bool) -> Causes:
    """Labels that only the control plane may set, annotations that need a feature gate."""
    if not own_account and not names.RESERVED_VMI_LABELS.isdisjoint(metadata.labels):
        yield not_supported(
            f"{field}.labels", "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited"
        )
    if metadata.annotations.get(names.ANNOTATION_IGNITION) and not config.has_gate("ExperimentalIgnitionSupport"):
        yield invalid(
            f"{field}.annotations",
            "ExperimentalIgnitionSupport feature gate is not enabled in kubevirt-config, invalid entry "
            f"{field}.annotations.{names.ANNOTATION_IGNITION}",
        )
    if metadata.annotations.get(names.ANNOTATION_SIDECARS) and not config.has_gate("Sidecar"):
        yield invalid(
            f"{field}.annotations",
            "sidecar feature gate is not enabled in kubevirt-config, invalid entry "
            f"{field}.annotations.{names.ANNOTATION_SIDECARS}",
        )
