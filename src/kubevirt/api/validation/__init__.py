"""What objects are refused for, and in which words.

Pure functions from objects to causes, the same for the validating webhooks and for `virtctl render`. A module holds the
rules of one topic; every finding is reported, not only the first. Wording and fields are part of the API: other clients
and tests look for them.
"""

from kubevirt.api.validation.causes import Cause, Reason
from kubevirt.api.validation.instance import validate_vmi_create
from kubevirt.api.validation.machine import validate_vm
from kubevirt.api.validation.replicaset import validate_replicaset
from kubevirt.api.validation.updates import validate_vmi_update

__all__ = ["Cause", "Reason", "validate_replicaset", "validate_vm", "validate_vmi_create", "validate_vmi_update"]
