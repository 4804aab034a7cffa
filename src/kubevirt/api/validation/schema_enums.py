"""Values that the embedded Kubernetes types restrict, though the CRDs do not.

They are checked before everything else and reported without reason and field, as violations of a schema are.
"""

from collections.abc import Iterator

from kubevirt.api.probes import Probe
from kubevirt.api.scheduling import Affinity
from kubevirt.api.validation.causes import Cause, Causes
from kubevirt.api.vmi import VirtualMachineInstanceSpec

_Found = Iterator[tuple[str, str | None, tuple[str, ...]]]

NODE_OPERATORS = ("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn")
TOLERATION_OPERATORS = ("Equal", "Exists", "Gt", "Lt")
TAINT_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")
UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
INCLUSION = ("Honor", "Ignore")
SCHEMES = ("HTTP", "HTTPS")
DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def check_enums(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Restricted values that have none of the values they may have."""
    for at, value, allowed in _restricted(spec):
        if value and value not in allowed:
            yield Cause("", f"{field}.{at} in body should be one of [{' '.join(allowed)}]")


def _restricted(spec: VirtualMachineInstanceSpec) -> _Found:
    if spec.affinity is not None:
        yield from _affinity(spec.affinity)
    yield "dnsPolicy", spec.dns_policy, DNS_POLICIES
    for toleration in spec.tolerations:
        yield "tolerations.operator", toleration.operator, TOLERATION_OPERATORS
        yield "tolerations.effect", toleration.effect, TAINT_EFFECTS
    for constraint in spec.topology_spread_constraints:
        yield "topologySpreadConstraints.whenUnsatisfiable", constraint.when_unsatisfiable, UNSATISFIABLE
        yield "topologySpreadConstraints.nodeAffinityPolicy", constraint.node_affinity_policy, INCLUSION
        yield "topologySpreadConstraints.nodeTaintsPolicy", constraint.node_taints_policy, INCLUSION
    yield from _probe("livenessProbe", spec.liveness_probe)
    yield from _probe("readinessProbe", spec.readiness_probe)
    for volume in spec.volumes:
        if volume.container_disk is not None:
            yield "volumes.containerDisk.imagePullPolicy", volume.container_disk.image_pull_policy, PULL_POLICIES
    firmware = spec.domain.firmware
    boot = firmware.kernel_boot if firmware is not None else None
    if boot is not None and boot.container is not None:
        at = "domain.firmware.kernelBoot.container.imagePullPolicy"
        yield at, boot.container.image_pull_policy, PULL_POLICIES


def _affinity(affinity: Affinity) -> _Found:
    node, at = affinity.node_affinity, "affinity.nodeAffinity"
    if node is None:
        return
    wanted = node.required_during_scheduling_ignored_during_execution
    terms = [(f"{at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", term)
             for term in (wanted.node_selector_terms if wanted is not None else [])]
    terms += [(f"{at}.preferredDuringSchedulingIgnoredDuringExecution.preference", preferred.preference)
              for preferred in node.preferred_during_scheduling_ignored_during_execution]
    for here, term in terms:
        for requirement in term.match_expressions:
            yield f"{here}.matchExpressions.operator", requirement.operator, NODE_OPERATORS
        for requirement in term.match_fields:
            yield f"{here}.matchFields.operator", requirement.operator, NODE_OPERATORS


def _probe(member: str, probe: Probe | None) -> _Found:
    if probe is not None and probe.http_get is not None:
        yield f"{member}.httpGet.scheme", probe.http_get.scheme, SCHEMES
