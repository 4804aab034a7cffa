"""Kubernetes' own findings: the texts that its validation of pods gives, so that users read the same ones here.

Each finding names its field again, as those of Kubernetes do, since they reach users as one line.
"""

import json
import re
from collections.abc import Mapping

from kubevirt.api.meta import LabelSelector
from kubevirt.api.validation import causes
from kubevirt.api.validation.causes import Cause, Causes
from kubevirt.api.validation.kubernetes_names import dns_subdomain_faults

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
LONGEST = 63


def invalid(field: str, value: str | int, detail: str) -> Cause:
    """The value cannot be."""
    return causes.invalid(field, f"{field}: Invalid value: {_shown(value)}: {detail}")


def required(field: str, detail: str) -> Cause:
    """A value is missing. The reason is FieldValueInvalid all the same, as it is for all findings of this kind."""
    return causes.invalid(field, f"{field}: Required value: {detail}")


def forbidden(field: str, detail: str) -> Cause:
    """There may be no value here."""
    return causes.invalid(field, f"{field}: Forbidden: {detail}")


def duplicate(field: str, value: str) -> Cause:
    """The value is there a second time."""
    return causes.invalid(field, f"{field}: Duplicate value: {_shown(value)}")


def _shown(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)


def label_name_faults(name: str) -> list[str]:
    """What keeps a text from being the key of a label: a name, with a domain in front or not."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        with_domain = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a qualified name {_NAME_RULE} {with_domain}"]
    faults = []
    if slash and not prefix:
        faults.append("prefix part must be non-empty")
    elif slash:
        faults += [f"prefix part {fault}" for fault in dns_subdomain_faults(prefix)]
    if not last:
        faults.append("name part must be non-empty")
    elif len(last) > LONGEST:
        faults.append(f"name part must be no more than {LONGEST} characters")
    if not _NAME.fullmatch(last):
        faults.append(f"name part {_NAME_RULE}")
    return faults


def label_value_faults(value: str) -> list[str]:
    """What keeps a text from being the value of a label."""
    faults = []
    if len(value) > LONGEST:
        faults.append(f"must be no more than {LONGEST} characters")
    if value and not _NAME.fullmatch(value):
        faults.append(_VALUE_RULE)
    return faults


def check_label_name(field: str, name: str) -> Causes:
    """That a text can be the key of a label."""
    return (invalid(field, name, fault) for fault in label_name_faults(name))


def check_labels(field: str, labels: Mapping[str, str]) -> Causes:
    """That keys and values can be those of labels."""
    for key, value in labels.items():
        yield from check_label_name(field, key)
        for fault in label_value_faults(value):
            yield invalid(field, value, fault)


def check_label_selector(field: str, selector: LabelSelector | None) -> Causes:
    """That a selector can be evaluated."""
    if selector is None:
        return
    yield from check_labels(f"{field}.matchLabels", selector.match_labels)
    for index, requirement in enumerate(selector.match_expressions):
        at = f"{field}.matchExpressions[{index}]"
        yield from check_set_operator(at, requirement.operator, requirement.values)
        yield from check_label_name(f"{at}.key", requirement.key)
        for place, value in enumerate(requirement.values):
            for fault in label_value_faults(value):
                yield invalid(f"{at}.values[{place}]", value, fault)


def check_set_operator(at: str, operator: str, values: list[str]) -> Causes:
    """That an operator of label selectors is one, and has the values it needs."""
    match operator:
        case "In" | "NotIn" if not values:
            yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        case "Exists" | "DoesNotExist" if values:
            yield forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        case "In" | "NotIn" | "Exists" | "DoesNotExist":
            pass
        case _:
            yield invalid(f"{at}.operator", operator, "not a valid selector operator")
