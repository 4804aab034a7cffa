"""Label selectors: whether labels are those of the objects meant, and the text that queries carry."""

from collections.abc import Mapping

from kubevirt.api.meta import LabelSelector
from kubevirt.kit.errors import Refused


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether labels meet all conditions of a selector; an empty one is met by all. Raises Refused."""
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    for condition in selector.match_expressions:
        value = labels.get(condition.key)
        match condition.operator:
            case "In":
                met = value is not None and value in condition.values
            case "NotIn":
                met = value is None or value not in condition.values
            case "Exists":
                met = value is not None
            case "DoesNotExist":
                met = value is None
            case other:
                raise _unknown(other)
        if not met:
            return False
    return True


def as_text(selector: LabelSelector) -> str:
    """The selector as it stands in a query: ``app=web,tier in (a,b),!old``. Raises Refused."""
    parts = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for condition in sorted(selector.match_expressions, key=lambda c: c.key):
        values = ",".join(sorted(condition.values))
        match condition.operator:
            case "In":
                parts.append(f"{condition.key} in ({values})")
            case "NotIn":
                parts.append(f"{condition.key} notin ({values})")
            case "Exists":
                parts.append(condition.key)
            case "DoesNotExist":
                parts.append(f"!{condition.key}")
            case other:
                raise _unknown(other)
    return ",".join(parts)


def _unknown(operator: str) -> Refused:
    return Refused(
        field="matchExpressions",
        cause=f"{operator!r} is not a valid label selector operator",
        remedy="use In, NotIn, Exists or DoesNotExist",
    )
