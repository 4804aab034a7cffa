"""What the VMI controller's tests look at: an instance with its pods, and the instance as it would be written."""

from __future__ import annotations

import json
from typing import Any

from controller_objects import NOW, RUNS, VMI_UID, condition, pod

from kubevirt.virt_controller.vmi.decide import decide
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.shape import shape


def seen(instance: Any, *launcher_pods: Any, **rest: Any) -> Observed:
    """What the VMI controller sees; the VM is there unless said otherwise."""
    return Observed(vmi=instance, pods=launcher_pods, now=NOW, has_vm=rest.pop("has_vm", True),
                    launcher_image="virt:1", **rest)


def shaped(o: Observed) -> Any:
    """The VMI after the decision, as if its actions had worked."""
    return shape(o, decide(o).problem)


READY = [condition("Ready", "True")]
NOT_READY = [condition("Ready", "False", "ReadinessGatesNotReady", "x")]
STARTED = pod(phase="Running", compute=RUNS)
REPORT = {"namespace": "shop", "name": "web", "uid": VMI_UID}
POWERED_OFF = json.dumps({**REPORT, "state": "Shutoff", "reason": "Shutdown"})
CRASHED = json.dumps({**REPORT, "state": "Crashed", "reason": "Panicked"})
BROKEN_DISK = json.dumps({**REPORT, "failure": "the image of disk 'root' cannot be read"})
STRANGER = json.dumps({**REPORT, "uid": "someone", "state": "Shutoff", "reason": "Shutdown"})
