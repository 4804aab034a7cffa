"""VirtualMachineInstancePreset: settings for all instances with certain labels. Deprecated: see instance types."""

from kubevirt.api.base import Api, constant, present, required
from kubevirt.api.domain import DomainSpec
from kubevirt.api.meta import LabelSelector, ObjectMeta


class VirtualMachineInstancePresetSpec(Api):
    """Which instances get which settings."""

    domain: DomainSpec | None = None
    """Settings that are merged into the instance's; where both say something else, the preset is left out."""
    selector: LabelSelector = required(LabelSelector)
    """Labels of the instances that it is for."""


class VirtualMachineInstancePreset(Api):
    """Settings for new instances with certain labels. Deprecated: instance types and preferences take its place."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstancePreset")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstancePresetSpec = present(VirtualMachineInstancePresetSpec)
    """Which instances get which settings."""
