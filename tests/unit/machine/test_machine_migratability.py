"""Why a machine cannot move while it runs: the table of virtualmachineinstance.md section 12, reasons and words."""

from __future__ import annotations

import datetime

import pytest
from machine_samples import disk, vmi, with_disks

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.machine import migratability
from kubevirt.machine.status import Observed, status_after

BRIDGED = "cannot migrate VMI which does not use masquerade or a migratable plugin to connect to the pod network"
BRIDGE: JsonObject = {"interfaces": [{"name": "default", "bridge": {}}]}
SEV: JsonObject = {"launchSecurity": {"sev": {}}}
LUN = disk("d", lun={"bus": "scsi", "reservation": True})


def claimed(*modes: str, target: JsonObject | None = None) -> VirtualMachineInstance:
    info: JsonObject = {"accessModes": [*modes], "claimName": "c"}
    told: JsonObject = {"name": "d", "target": "", "persistentVolumeClaimInfo": info}
    return with_disks(target or disk("d"), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}],
                      status={"volumeStatus": [told]})


@pytest.mark.parametrize(("machine", "reason", "message"), [
    pytest.param(vmi(devices=BRIDGE), "InterfaceNotLiveMigratable", BRIDGED, id="a bridge on the pod network"),
    pytest.param(vmi(devices={"hostDevices": [{"name": "h", "deviceName": "x"}]}), "HostDeviceNotLiveMigratable",
                 "VMI specifies non-migratable generic PCI host device", id="a device of the host"),
    pytest.param(vmi(devices={"gpus": [{"name": "g", "deviceName": "x"}]}), "HostDeviceNotLiveMigratable",
                 "VMI specifies non-migratable generic PCI host device", id="a graphics processor"),
    pytest.param(vmi(domain=SEV), "SEVNotLiveMigratable", "VMI uses SEV", id="SEV"),
    pytest.param(vmi({"architecture": "s390x"}, domain={"launchSecurity": {}}), "SecureExecutionNotLiveMigratable",
                 "VMI uses Secure Execution", id="Secure Execution"),
    pytest.param(vmi(domain={"launchSecurity": {"tdx": {}}}), "TDXNotLiveMigratable", "VMI uses TDX", id="TDX"),
    pytest.param(vmi(domain={"features": {"hyperv": {"reenlightenment": {"enabled": True}}}}),
                 "NoTSCFrequencyNotLiveMigratable",
                 "HyperV Reenlightenment VMIs cannot migrate when TSC Frequency is not exposed on the cluster",
                 id="reenlightenment, no frequency known"),
    pytest.param(vmi(domain={"features": {"hypervPassthrough": {"enabled": True}}}),
                 "HypervPassthroughNotLiveMigratable", "VMI uses hyperv passthrough", id="all of the host's Hyper-V"),
    pytest.param(claimed("ReadWriteOnce"), "DisksNotLiveMigratable",
                 "cannot migrate VMI: PVC c is not shared, live migration requires that all PVCs must be shared "
                 "(using ReadWriteMany access mode)", id="a claim of one node"),
    pytest.param(with_disks(disk("d"), volumes=[{"name": "d", "hostDisk": {"path": "/x", "type": "Disk"}}]),
                 "DisksNotLiveMigratable", "cannot migrate VMI with non-shared HostDisk", id="a file of the node"),
])
def test_obstacles(machine: VirtualMachineInstance, reason: str, message: str) -> None:
    live, _ = migratability.conditions(machine)
    assert (live.status, live.reason, live.message) == ("False", reason, message)


GPU: JsonObject = {"name": "g", "deviceName": "x"}
MOVES_GPUS = migratability.Surroundings(gpu_migration=True)
PASSED_THROUGH: JsonObject = {"cpu": {"model": "host-passthrough"}}
BARE = migratability.Surroundings(node="node01", host_model=False)


@pytest.mark.parametrize(("machine", "around", "reason", "message"), [
    pytest.param(vmi(), BARE, "CPUModeLiveMigratable", 'the node "node01" does not allow migration with host-model',
                 id="a node that does not know its host model"),
    pytest.param(vmi(domain=PASSED_THROUGH), BARE, "", "", id="which only matters to those who ask for it"),
    pytest.param(vmi(devices={"gpus": [GPU]}), MOVES_GPUS, "", "", id="one GPU moves where the cluster moves GPUs"),
    pytest.param(vmi(devices={"gpus": [GPU, {**GPU, "name": "h"}]}), MOVES_GPUS, "HostDeviceNotLiveMigratable",
                 "VMI specifies too many GPUs", id="two do not"),
])
def test_what_node_and_cluster_decide(
    machine: VirtualMachineInstance, around: migratability.Surroundings, reason: str, message: str
) -> None:
    live, _ = migratability.conditions(machine, around)
    assert (live.reason, live.message) == (reason, message)


@pytest.mark.parametrize("machine", [
    pytest.param(vmi(), id="masquerade"),
    pytest.param(claimed("ReadWriteMany"), id="a shared claim"),
    pytest.param(claimed("ReadWriteMany", target=LUN), id="a reservation only keeps volumes from moving"),
    pytest.param(vmi(domain={"features": {"hyperv": {"reenlightenment": {"enabled": True}}}},
                     status={"topologyHints": {"tscFrequency": 2000000000}}), id="reenlightenment, frequency known"),
])
def test_machines_that_can_move(machine: VirtualMachineInstance) -> None:
    live, _ = migratability.conditions(machine)
    assert (live.status, live.reason) == ("True", "")


@pytest.mark.parametrize(("machine", "message"), [
    pytest.param(vmi(), "", id="nothing"),
    pytest.param(claimed("ReadWriteOnce"), "", id="volumes do not count"),
    pytest.param(claimed("ReadWriteMany", target=LUN), "VMI uses SCSI persistent reservation", id="a reservation does"),
    pytest.param(vmi(domain=SEV, devices=BRIDGE), f"{BRIDGED}, VMI uses SEV", id="all of them, one after another"),
])
def test_moving_with_its_volumes(machine: VirtualMachineInstance, message: str) -> None:
    _, storage = migratability.conditions(machine)
    expected = ("True", "", "") if not message else ("False", "NotMigratable", message)
    assert (storage.status, storage.reason, storage.message) == expected


def test_it_is_told_of_running_machines() -> None:
    seen = Observed(now=datetime.datetime.now(datetime.UTC), node="n")
    running, waiting = vmi(status={"phase": "Running"}), vmi(status={"phase": "Scheduled"})
    assert {"LiveMigratable", "StorageLiveMigratable"} <= {c.type for c in status_after(running, seen).conditions}
    assert "LiveMigratable" not in {c.type for c in status_after(waiting, seen).conditions}
