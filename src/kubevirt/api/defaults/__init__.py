"""What is filled in when a machine or an instance is created.

Pure functions: they return a new object and leave the given one alone. The same ones serve the mutating webhooks and
`virtctl render`.
"""

from kubevirt.api.defaults.instance import default_vmi
from kubevirt.api.defaults.machine import default_vm

__all__ = ["default_vm", "default_vmi"]
