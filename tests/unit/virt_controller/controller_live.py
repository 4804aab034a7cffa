"""Running VMs whose template has changed, and what is made of that: for the tests of live changes."""

from __future__ import annotations

from typing import Any

from controller_objects import FIRMWARE, condition, revision, seen, stamp, vm, vmi

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.act import operations_for
from kubevirt.virt_controller.actions import Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.status import status_after

Json = dict[str, Any]
STAGE = ClusterConfig(live_update=False)
OTHERWISE = "a non-live-updatable field was changed in the template spec"
MIGRATES = {"migrationState": {"startTimestamp": stamp(5)}}
MIGRATABLE = [condition("LiveMigratable", "True")]


def template(*, devices: Json | None = None, domain: Json | None = None, **spec: Any) -> Json:
    """A template's spec."""
    return {"domain": {"firmware": {"uuid": FIRMWARE}, "devices": devices or {}, **(domain or {})}, **spec}


def machine(template_spec: Json, generation: int = 2, **more: Any) -> VirtualMachine:
    return vm(generation=generation, template={"spec": template_spec}, **more)


def running(spec: Json, **kwargs: Any) -> VirtualMachineInstance:
    """The VMI made from this template, with more of its spec filled in by defaults where the test says so."""
    return codec.convert({**codec.to_builtins(vmi(**kwargs)), "spec": spec}, VirtualMachineInstance)


def changed(before: Json, after: Json, instance: VirtualMachineInstance | None = None, *, config: Any = None,
            strategy: str = "", claims: Any = None, **kwargs: Any) -> Observed:
    """A VM that was started as `before` and now reads `after`."""
    more: dict[str, Any] = {"spec": {"updateVolumesStrategy": strategy}} if strategy else {}
    return seen(machine(after, **more), instance or running(before, **kwargs),
                revisions=(revision(machine(before, generation=1)),), config=config or ClusterConfig(),
                claims=claims or {})


def restart_of(o: Observed) -> str | None:
    """The message of RestartRequired, None without the condition."""
    told = find(status_after(o, decide(o).problem).conditions, "RestartRequired")
    return told.message if told is not None else None


def patched(o: Observed) -> list[tuple[str, str, Any]]:
    """What is written to the VMI, apart from the guard."""
    found = []
    for action in decide(o).actions:
        assert isinstance(action, Patch)
        assert action.resource.kind == "VirtualMachineInstance"
        guard, *operations = operations_for(action)
        assert guard["op"] == "test"
        found += [(str(op["op"]), str(op["path"]), op.get("value")) for op in operations]
    return found


def hotplug(name: str = "data", claim: str = "c") -> Json:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, "hotpluggable": True}}


def fixed(name: str = "data", claim: str = "c") -> Json:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def disk(name: str = "data", **more: Any) -> Json:
    return {"name": name, "disk": {}, **more}


BRIDGE = {"name": "blue", "bridge": {}}
MASQUERADE = {"name": "default", "masquerade": {}}
POD_NET = {"name": "default", "pod": {}}
BLUE_NET = {"name": "blue", "multus": {"networkName": "blue"}}
BASE = template()


def nics(*interfaces: Json, networks: list[Json]) -> Json:
    return template(devices={"interfaces": list(interfaces)}, networks=networks)


WITH_NIC = nics(MASQUERADE, networks=[POD_NET])
WITH_BOTH = nics(MASQUERADE, BRIDGE, networks=[POD_NET, BLUE_NET])
BLUE_GOES = nics(MASQUERADE, {**BRIDGE, "state": "absent"}, networks=[POD_NET, BLUE_NET])


def cpu(sockets: int, cores: int = 1, most: int | None = None, resources: Json | None = None) -> Json:
    topology = {"sockets": sockets, "cores": cores, **({"maxSockets": most} if most else {})}
    return template(domain={"cpu": topology, **({"resources": resources} if resources else {})})
