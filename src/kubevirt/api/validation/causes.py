"""Why an object is refused: the causes that the API server hands on to clients."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TypeAlias

import msgspec


class Reason(StrEnum):
    """What is wrong with a field, in Kubernetes' words."""

    INVALID = "FieldValueInvalid"
    REQUIRED = "FieldValueRequired"
    NOT_SUPPORTED = "FieldValueNotSupported"
    DUPLICATE = "FieldValueDuplicate"
    NOT_FOUND = "FieldValueNotFound"


class Cause(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that is wrong with an object.

    reason is a `Reason`, or empty where the object does not even fit the schema; field is a path such as
    ``spec.domain.devices.disks[0].bus``.
    """

    reason: str = ""
    message: str = ""
    field: str = ""


Causes: TypeAlias = Iterator[Cause]
"""What the rules yield. Rules go on after a finding, so that a user sees everything at once."""


def invalid(field: str, message: str) -> Cause:
    """The value cannot be."""
    return Cause(Reason.INVALID.value, message, field)


def required(field: str, message: str) -> Cause:
    """A value is missing."""
    return Cause(Reason.REQUIRED.value, message, field)


def not_supported(field: str, message: str) -> Cause:
    """The value is not one of those possible here."""
    return Cause(Reason.NOT_SUPPORTED.value, message, field)


def duplicate(field: str, message: str) -> Cause:
    """The value is taken."""
    return Cause(Reason.DUPLICATE.value, message, field)


def not_found(field: str, message: str) -> Cause:
    """What the value refers to does not exist, or a reference is missing."""
    return Cause(Reason.NOT_FOUND.value, message, field)


def only_first_of_each(causes: Causes) -> list[Cause]:
    """The causes in order, each once."""
    return list(dict.fromkeys(causes))
