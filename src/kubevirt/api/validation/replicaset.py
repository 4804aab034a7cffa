"""Rules for replica sets of instances."""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.selectors import matches
from kubevirt.api.validation.causes import Cause, Causes, invalid, only_first_of_each, required
from kubevirt.api.validation.machine import check_template
from kubevirt.api.validation.schema_enums import check_enums
from kubevirt.api.vmi import NoTemplate
from kubevirt.kit.errors import Refused

TEMPLATE = "spec.template.spec"


def validate_replicaset(replicaset: VirtualMachineInstanceReplicaSet, config: ClusterConfig) -> list[Cause]:
    """What is wrong with a replica set."""
    template = replicaset.spec.template
    if isinstance(template, NoTemplate):
        return [required("spec.template", "missing virtual machine template.")]
    violations = list(check_enums(TEMPLATE, template.spec))
    if violations:
        return only_first_of_each(iter(violations))
    return only_first_of_each(_rules(replicaset, config))


def _rules(replicaset: VirtualMachineInstanceReplicaSet, config: ClusterConfig) -> Causes:
    template, selector = replicaset.spec.template, replicaset.spec.selector
    yield from check_template(TEMPLATE, template, config)
    try:
        fits = matches(selector, template.metadata.labels)
    except Refused as e:
        yield invalid("spec.selector", e.cause)
        return
    if selector.match_labels or selector.match_expressions:
        if not fits:
            yield invalid("spec.selector", "selector does not match labels.")
    else:
        yield required("spec.selector", "selector does not match labels.")
