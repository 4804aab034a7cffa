"""What is refused of affinity and spreading, in Kubernetes' own words."""

from kubevirt.kit.json import Json, JsonObject
from tests.refusals.samples import Refusal

NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
NODE = f"spec.nodeAffinity.{REQUIRED}.nodeSelectorTerms"
POD = f"spec.podAntiAffinity.{REQUIRED}[0]"
SPREAD = "spec.topologySpreadConstraints"


def nodes(**term: Json) -> JsonObject:
    """One term about nodes."""
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [dict(term)]}}}}


def expression(operator: str, *values: str, key: str = "zone") -> JsonObject:
    """One condition on the labels of nodes."""
    return nodes(matchExpressions=[{"key": key, "operator": operator, "values": list(values)}])


def neighbours(**term: Json) -> JsonObject:
    """One term about pods that must not be near."""
    return {"affinity": {"podAntiAffinity": {REQUIRED: [{"topologyKey": "zone", **term}]}}}


def spread(*constraints: JsonObject) -> JsonObject:
    """Constraints on how pods are spread."""
    usual: JsonObject = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    return {"topologySpreadConstraints": [{**usual, **constraint} for constraint in constraints]}


SCHEDULING: list[Refusal] = [
    (
        {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": []}}}},
        "Invalid",
        NODE,
        f"{NODE}: Required value: must have at least one node selector term",
    ),
    (
        expression("In"),
        "Invalid",
        f"{NODE}[0].matchExpressions[0].values",
        f"{NODE}[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ),
    (
        expression("Exists", "a"),
        "Invalid",
        f"{NODE}[0].matchExpressions[0].values",
        f"{NODE}[0].matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or "
        "'DoesNotExist'",
    ),
    (
        expression("Gt", "1", "2"),
        "Invalid",
        f"{NODE}[0].matchExpressions[0].values",
        f"{NODE}[0].matchExpressions[0].values: Required value: must be specified single value when `operator` is "
        "'Lt' or 'Gt'",
    ),
    (
        expression("In", "a", key="no way"),
        "Invalid",
        f"{NODE}[0].matchExpressions[0].key",
        f'{NODE}[0].matchExpressions[0].key: Invalid value: "no way": {NAME_RULE}',
    ),
    (
        nodes(matchFields=[{"key": "metadata.uid", "operator": "In", "values": ["a"]}]),
        "Invalid",
        f"{NODE}[0].matchFields[0].key",
        f'{NODE}[0].matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key',
    ),
    (
        nodes(matchFields=[{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]),
        "Invalid",
        f"{NODE}[0].matchFields[0].values",
        f"{NODE}[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' "
        "for node field selector",
    ),
    (
        {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 0, "preference": {}}]}}},
        "Invalid",
        f"spec.nodeAffinity.{PREFERRED}[0].weight",
        f"spec.nodeAffinity.{PREFERRED}[0].weight: Invalid value: 0: must be in the range 1-100",
    ),
    (
        {"affinity": {"podAffinity": {PREFERRED: [{"weight": 101, "podAffinityTerm": {"topologyKey": "zone"}}]}}},
        "Invalid",
        f"spec.podAffinity.{PREFERRED}[0].weight",
        f"spec.podAffinity.{PREFERRED}[0].weight: Invalid value: 101: must be in the range 1-100",
    ),
    (
        neighbours(labelSelector={"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]}),
        "Invalid",
        f"{POD}.labelSelector.matchExpressions[0].operator",
        f'{POD}.labelSelector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
    ),
    (
        neighbours(labelSelector={"matchLabels": {"-": "a"}}),
        "Invalid",
        f"{POD}.labelSelector.matchLabels",
        f'{POD}.labelSelector.matchLabels: Invalid value: "-": {NAME_RULE}',
    ),
    (
        spread({"maxSkew": 0}),
        "Invalid",
        f"{SPREAD}[0].maxSkew",
        f"{SPREAD}[0].maxSkew: Invalid value: 0: must be greater than zero",
    ),
    (
        spread({"minDomains": 2, "whenUnsatisfiable": "ScheduleAnyway"}),
        "Invalid",
        f"{SPREAD}[0].minDomains",
        f"{SPREAD}[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "
        "ScheduleAnyway",
    ),
    (
        spread({"matchLabelKeys": ["a"]}),
        "Invalid",
        f"{SPREAD}[0].matchLabelKeys",
        f"{SPREAD}[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
    ),
]
