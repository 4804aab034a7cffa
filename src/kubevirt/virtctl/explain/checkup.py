"""What `virtctl doctor` looks at: the installation, its certificates, the nodes, and the user's own permissions.

Each check is a small function from the facts to verdicts. What the user may not read is skipped and said so: a doctor
who guesses is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from kubevirt.api import names
from kubevirt.api.core import DaemonSet, Deployment, Node
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity
from kubevirt.kit.times import parse_time
from kubevirt.virtctl.explain.finding import age

HEARTBEAT_LATE = timedelta(minutes=5)
EXPIRES_SOON = timedelta(hours=1)
IMAGE_VOLUMES_SINCE = (1, 35)
CONTAINERD_SINCE = (2, 1)
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


class Grade(StrEnum):
    """How grave a verdict is."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "FAIL"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One line of the report; what is not good has a remedy."""

    grade: Grade
    about: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Symptoms:
    """What was fetched; None for what the user may not read."""

    now: datetime
    client_version: str
    kubevirts: Sequence[KubeVirt] | None = None
    deployments: Sequence[Deployment] | None = None
    handlers: Sequence[DaemonSet] | None = None
    nodes: Sequence[Node] | None = None
    subresources: str = ""
    """Why the aggregated API does not answer; empty when it does."""
    server_version: str = ""
    certificates: Mapping[str, datetime] | None = None
    """Secret -> end of its certificate."""
    storage_classes: int | None = None
    permissions: Mapping[str, bool] = field(default_factory=dict)


def examine(symptoms: Symptoms) -> list[Verdict]:
    """All verdicts, in the order in which they are read best."""
    checks = (_installation, _programs, _aggregated_api, _certificates, _nodes, _kvm, _storage, _permissions)
    return [verdict for check in checks for verdict in check(symptoms)]


def as_report(verdicts: Sequence[Verdict]) -> str:
    """The report's lines."""
    lines = []
    for verdict in verdicts:
        lines.append(f"[{verdict.grade:^4}] {verdict.about}: {verdict.text}")
        lines += [f"       -> {line}" for line in verdict.remedy.splitlines()]
    bad = sum(verdict.grade is Grade.BAD for verdict in verdicts)
    notes = sum(verdict.grade is Grade.NOTE for verdict in verdicts)
    lines.append("")
    lines.append(
        f"{bad} problem(s), {notes} note(s)." if bad or notes else "Everything that was looked at is well."
    )
    return "\n".join(lines)


def is_well(verdicts: Sequence[Verdict]) -> bool:
    """Whether nothing is broken; notes are no illness."""
    return all(verdict.grade is not Grade.BAD for verdict in verdicts)


def good(about: str, text: str) -> Verdict:
    """Nothing to do."""
    return Verdict(grade=Grade.GOOD, about=about, text=text)


def note(about: str, text: str, remedy: str = "") -> Verdict:
    """It works, and the user should know."""
    return Verdict(grade=Grade.NOTE, about=about, text=text, remedy=remedy)


def bad(about: str, text: str, remedy: str) -> Verdict:
    """It does not work."""
    return Verdict(grade=Grade.BAD, about=about, text=text, remedy=remedy)


def _installation(s: Symptoms) -> Iterator[Verdict]:
    about = "installation"
    if s.kubevirts is None:
        yield note(about, "skipped: you may not list KubeVirt objects", "ask for the cluster role kubevirt.io:view")
        return
    if not s.kubevirts:
        yield bad(about, "there is no KubeVirt object", "install the add-on: virt-operator install")
        return
    if len(s.kubevirts) > 1:
        yield bad(about, "there is more than one KubeVirt object", "delete all but one of them")
    found = s.kubevirts[0]
    conditions = {each.type: each for each in found.status.conditions}
    available, degraded = conditions.get("Available"), conditions.get("Degraded")
    where = f"{found.metadata.namespace}/{found.metadata.name}"
    if degraded is not None and degraded.status == "True":
        yield bad(about, f"{where} is degraded: {degraded.message}",
                  f"kubectl -n {found.metadata.namespace} describe kubevirt")  # fmt: skip
    elif available is None or available.status != "True":
        reason = available.message if available is not None else "no status has been written"
        yield bad(about, f"{where} is not available: {reason}", "see the log of virt-operator")
    else:
        yield good(about, f"{where} is available, version {found.status.observed_kube_virt_version or 'unknown'}")


def _programs(s: Symptoms) -> Iterator[Verdict]:
    if s.deployments is None or s.handlers is None:
        yield note("programs", "skipped: you may not list the installation's deployments")
        return
    for deployment in s.deployments:
        wanted, ready = deployment.spec.replicas or 1, deployment.status.ready_replicas
        name, namespace = deployment.metadata.name, deployment.metadata.namespace
        if ready < wanted:
            yield bad(name, f"{ready} of {wanted} pods are ready",
                      f"kubectl -n {namespace} describe pods -l kubevirt.io={name}")  # fmt: skip
        else:
            yield good(name, f"{ready} of {wanted} pods are ready")
    for handler in s.handlers:
        wanted, ready = handler.status.desired_number_scheduled, handler.status.number_ready
        name, namespace = handler.metadata.name, handler.metadata.namespace
        if ready < wanted:
            yield bad(name, f"{ready} of {wanted} nodes have one that is ready",
                      f"kubectl -n {namespace} get pods -l kubevirt.io={name} -o wide")  # fmt: skip
        else:
            yield good(name, f"ready on {ready} of {wanted} nodes")


def _aggregated_api(s: Symptoms) -> Iterator[Verdict]:
    about = "subresources.kubevirt.io"
    if s.subresources:
        yield bad(about, f"does not answer: {s.subresources}",
                  "kubectl get apiservice v1.subresources.kubevirt.io -o yaml, and see that virt-api runs")  # fmt: skip
        return
    if s.server_version.split(".")[:2] != s.client_version.split(".")[:2]:
        yield note(about, f"is of version {s.server_version}, this virtctl of {s.client_version}",
                   "use the virtctl of the installed version")  # fmt: skip
        return
    yield good(about, f"answers, version {s.server_version}")


def _certificates(s: Symptoms) -> Iterator[Verdict]:
    about = "certificates"
    if s.certificates is None:
        yield note(about, "skipped: you may not read the installation's secrets")
        return
    for name, end in sorted(s.certificates.items()):
        if end <= s.now:
            yield bad(about, f"that of {name} has expired {age(end, s.now)} ago",
                      "see that virt-operator runs, which renews it")  # fmt: skip
        elif end - s.now < EXPIRES_SOON:
            yield note(about, f"that of {name} ends within the hour", "see that virt-operator runs, which renews it")
    if s.certificates and min(s.certificates.values()) - s.now >= EXPIRES_SOON:
        yield good(about, f"valid for another {age(s.now, min(s.certificates.values()))} at least")


def _nodes(s: Symptoms) -> Iterator[Verdict]:
    if s.nodes is None:
        yield note("nodes", "skipped: you may not list nodes")
        return
    for node in s.nodes:
        found = list(_node(node, s.now))
        yield from found or [good(f"node {node.metadata.name}", "takes virtual machines" + _huge_pages(node))]


def _node(node: Node, now: datetime) -> Iterator[Verdict]:
    about = f"node {node.metadata.name}"
    conditions = {each.type: each for each in node.status.conditions}
    if not node.is_ready:
        ready = conditions.get("Ready")
        yield bad(about, "is not ready: " + (ready.message if ready else "its kubelet never reported"),
                  "look at its kubelet")  # fmt: skip
        return
    if node.spec.unschedulable:
        yield note(about, "is cordoned", f"kubectl uncordon {node.metadata.name}")
    for pressure in PRESSURES:
        if (told := conditions.get(pressure)) is not None and told.status == "True":
            yield bad(about, f"{pressure}: {told.message}", "free what it is short of")
    beat = _heartbeat(node)
    if beat is None:
        yield note(about, "virt-handler has never reported from it",
                   "see whether a virt-handler pod should run there (node selector, taints)")  # fmt: skip
    elif now - beat > HEARTBEAT_LATE:
        yield bad(about, f"virt-handler has not reported for {age(beat, now)}",
                  f"kubectl get pods -A -l kubevirt.io=virt-handler -o wide | grep {node.metadata.name}")  # fmt: skip
    elif node.metadata.labels.get(names.LABEL_SCHEDULABLE) != "true":
        yield bad(about, "virt-handler reports, but the node takes no virtual machines",
                  "see virt-handler's log on that node")  # fmt: skip
    yield from _software(node)


def _software(node: Node) -> Iterator[Verdict]:
    about, info = f"node {node.metadata.name}", node.status.node_info
    kubelet = _version(info.kubelet_version.removeprefix("v"))
    if kubelet and kubelet < IMAGE_VOLUMES_SINCE:
        yield note(about, f"kubelet {info.kubelet_version} offers image volumes only behind a feature gate",
                   "turn on ImageVolume in API server and kubelet, or container disks will not start")  # fmt: skip
    runtime, _, version = info.container_runtime_version.partition("://")
    found = _version(version)
    if runtime == "containerd" and found and found < CONTAINERD_SINCE:
        yield bad(about, f"containerd {version} cannot mount image volumes",
                  "container disks need containerd 2.1 or later")  # fmt: skip


def _kvm(s: Symptoms) -> Iterator[Verdict]:
    if s.nodes is None:
        return
    reasons: dict[str, list[str]] = {}
    with_kvm = []
    for node in s.nodes:
        reason = node.metadata.annotations.get(names.ANNOTATION_KVM_UNUSABLE, "")
        if reason:
            reasons.setdefault(reason, []).append(node.metadata.name)
        elif node.status.allocatable.get(names.DEVICE_KVM, Quantity("0")).value:
            with_kvm.append(node.metadata.name)
    if with_kvm:
        yield good("KVM", f"works on {', '.join(with_kvm)}")
    for reason, found in reasons.items():
        yield note("KVM", f"not on {', '.join(found)}: {reason}",
                   "guests there are emulated, which is many times slower; on a virtual node turn on nested "
                   "virtualization")  # fmt: skip


def _storage(s: Symptoms) -> Iterator[Verdict]:
    if s.storage_classes is None:
        yield note("storage", "skipped: you may not list storage classes")
    elif s.storage_classes == 0:
        yield note("storage", "there is no storage class", "disks that last need claims: install a storage driver")
    else:
        yield good("storage", f"{s.storage_classes} storage class(es)")


def _permissions(s: Symptoms) -> Iterator[Verdict]:
    refused = [what for what, allowed in s.permissions.items() if not allowed]
    if refused:
        yield note("permissions", f"here you may not: {', '.join(refused)}",
                   "ask for the role edit in this namespace (it holds the rights for virtual machines)")  # fmt: skip
    elif s.permissions:
        yield good("permissions", f"here you may {', '.join(s.permissions)}")


def _heartbeat(node: Node) -> datetime | None:
    text = node.metadata.annotations.get(names.ANNOTATION_HEARTBEAT, "")
    try:
        return parse_time(text.strip('"')) if text else None
    except Refused:
        return None


def _huge_pages(node: Node) -> str:
    sizes = [
        f"{quantity} of {name.removeprefix('hugepages-')} pages"
        for name, quantity in sorted(node.status.allocatable.items())
        if name.startswith("hugepages-") and quantity.value
    ]
    return f"; huge pages: {', '.join(sizes)}" if sizes else ""


def _version(text: str) -> tuple[int, int] | None:
    major, _, rest = text.partition(".")
    minor = rest.split(".")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
