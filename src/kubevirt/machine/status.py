"""The status of a VMI while a node agent looks after it: made from its spec, its domain and its node.

The whole status comes out, so that the caller compares it with the one it has and writes once, or not at all.
Conditions of others (`Ready`, `PodScheduled`, ...) pass through as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kubevirt.api import codec
from kubevirt.api.compute import Machine
from kubevirt.api.phase import Phase, is_final
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import (
    CPUTopology,
    InitrdInfo,
    KernelBootStatus,
    KernelInfo,
    MemoryStatus,
    VirtualMachineInstanceGuestOSInfo,
    VirtualMachineInstancePhaseTransitionTimestamp,
    VirtualMachineInstanceStatus,
)
from kubevirt.kit.quantity import Quantity
from kubevirt.machine import guest_cpu, interface_status, migratability
from kubevirt.machine.conditions import Wanted, settle
from kubevirt.machine.domain_report import DomainReport, GuestOs, Reason, State
from kubevirt.machine.network.attachment import NicAttachment
from kubevirt.machine.phase import phase_after

SYNCHRONIZED, PAUSED, EMULATION = "Synchronized", "Paused", "SoftwareEmulation"
AGENT, AGENT_UNSUPPORTED, CREDENTIALS = "AgentConnected", "AgentVersionNotSupported", "AccessCredentialsSynchronized"
SYNC_FAILED = "Synchronizing with the Domain failed."
HALF_A_GUEST = "VMI is irrecoverable due to failed post-copy migration"
NO_SELINUX = "none"

_PAUSES: dict[str, Wanted] = {
    Reason.USER: Wanted(type=PAUSED, reason="PausedByUser", message="VMI was paused by user"),
    Reason.IO_ERROR: Wanted(
        type=PAUSED, reason="PausedIOError", message="VMI was paused, low-level IO error detected"
    ),
    Reason.MIGRATION: Wanted(
        type=PAUSED, reason="PausedByMigrationMonitor", message="VMI was paused by the migration monitor"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the node agent knows of a VMI at one moment."""

    now: datetime
    node: str
    report: DomainReport | None = None
    attachments: list[NicAttachment] = field(default_factory=list)  # empty: unknown, addresses stay as they are
    lost: str = ""  # why nothing more is to be heard of the domain
    sync_problem: str = ""  # why the VMI could not be brought to what its spec says
    kvm_unusable: str = ""  # why the node's KVM is not used
    host_model: bool = True  # the node knows what its host model consists of
    gpu_migration: bool = False  # the cluster moves mediated GPUs with their guests


def status_after(vmi: VirtualMachineInstance, seen: Observed) -> VirtualMachineInstanceStatus:
    """The new status; equal to the old one when there is nothing to write."""
    status = codec.clone(vmi.status)
    report = seen.report
    phase = phase_after(vmi, report)
    if seen.lost and not is_final(phase):
        phase = Phase.FAILED
    _enter(status, phase, seen.now)
    if report is not None and report.exists:
        _from_report(vmi, status, report)
        status.interfaces = interface_status.interfaces(vmi, report, seen.attachments)
    if status.node_name:
        status.selinux_context = status.selinux_context or NO_SELINUX
    _conditions(vmi, status, seen)
    return status


def _enter(status: VirtualMachineInstanceStatus, phase: str, now: datetime) -> None:
    if phase == status.phase:
        return
    status.phase = phase
    known = {transition.phase for transition in status.phase_transition_timestamps}
    if phase not in known:
        status.phase_transition_timestamps.append(
            VirtualMachineInstancePhaseTransitionTimestamp(phase=phase, phase_transition_timestamp=now)
        )


def _from_report(vmi: VirtualMachineInstance, status: VirtualMachineInstanceStatus, report: DomainReport) -> None:
    if report.machine_type:
        status.machine = Machine(type=report.machine_type)
    if report.memory_bytes:
        status.memory = status.memory or MemoryStatus()
        # Only a different amount is written, so that the notation of an equal one stays.
        current = Quantity.of_bytes(report.memory_bytes)
        if status.memory.guest_current != current:
            status.memory.guest_current = current
        if status.memory.guest_at_boot is None:
            asked = vmi.spec.domain.memory.guest if vmi.spec.domain.memory is not None else None
            status.memory.guest_at_boot = status.memory.guest_requested = asked or current
    if report.vcpus:
        topology = guest_cpu.topology(vmi.spec.domain)
        sockets = max(report.vcpus // topology.vcpus_per_socket, 1)
        status.current_cpu_topology = CPUTopology(sockets=sockets, cores=topology.cores, threads=topology.threads)
    if (boot := report.boot_files) is not None:
        status.kernel_boot_status = KernelBootStatus(
            kernel_info=KernelInfo(checksum=boot.kernel) if boot.kernel else None,
            initrd_info=InitrdInfo(checksum=boot.initrd) if boot.initrd else None,
        )
    if not status.migration_method:
        status.migration_method = migratability.migration_method(vmi)
    agent = report.agent
    status.fs_freeze_status = agent.fs_freeze_status if agent is not None else ""
    if agent is not None and agent.os is not None:
        status.guest_os_info = os_info(agent.os)


def os_info(os: GuestOs) -> VirtualMachineInstanceGuestOSInfo:
    """The agent's words on the operating system, as the API spells them."""
    return VirtualMachineInstanceGuestOSInfo(
        id=os.id, name=os.name, pretty_name=os.pretty_name, version=os.version, version_id=os.version_id,
        kernel_release=os.kernel_release, kernel_version=os.kernel_version, machine=os.machine,
    )


def _conditions(vmi: VirtualMachineInstance, status: VirtualMachineInstanceStatus, seen: Observed) -> None:
    wanted: dict[str, Wanted | None] = {SYNCHRONIZED: _synchronized(seen)}
    report = seen.report
    if report is not None and report.exists:
        wanted |= {
            PAUSED: _PAUSES.get(report.reason) if report.state == State.PAUSED else None,
            EMULATION: _emulation(report, seen),
            **_agent(report),
        }
    if status.phase == Phase.RUNNING:
        live, storage = migratability.conditions(vmi, migratability.Surroundings(
            node=seen.node, host_model=seen.host_model, gpu_migration=seen.gpu_migration))
        wanted |= {live.type: live, storage.type: storage}
    found = status.conditions
    for type_, condition in wanted.items():
        found = settle(found, condition, type_=type_, now=seen.now)
    status.conditions = found


def _synchronized(seen: Observed) -> Wanted | None:
    """It exists only while something is wrong."""
    report = seen.report
    problem = (report.failure if report is not None else "") or seen.lost or seen.sync_problem
    if report is not None and (report.state, report.reason) == (State.PAUSED, Reason.POSTCOPY_FAILED):
        problem = HALF_A_GUEST
    if not problem:
        return None
    return Wanted(type=SYNCHRONIZED, status="False", reason=SYNC_FAILED, message=problem)


def _emulation(report: DomainReport, seen: Observed) -> Wanted | None:
    """Emulation works, but at a small part of the speed: nobody should have to find that out by waiting."""
    if report.domain_type != "qemu":
        return None
    because = seen.kvm_unusable or report.emulated_because or "KVM is not accessible in the launcher pod"
    return Wanted(
        type=EMULATION,
        reason="KVMNotAvailable",
        message=f"the guest runs in software emulation on node {seen.node}: {because}; for full speed let it run on a "
        "node with hardware virtualization (VT-x or AMD-V enabled and visible to the node)",
    )


def _agent(report: DomainReport) -> dict[str, Wanted | None]:
    agent, credentials = report.agent, report.credentials
    connected = agent is not None and agent.connected
    found: dict[str, Wanted | None] = {
        AGENT: Wanted(type=AGENT) if connected else None,
        AGENT_UNSUPPORTED: Wanted(type=AGENT_UNSUPPORTED, reason=agent.unsupported_because)
        if connected and agent is not None and not agent.supported else None,
    }
    if credentials is not None:
        found[CREDENTIALS] = Wanted(type=CREDENTIALS, status="True" if credentials.succeeded else "False",
                                    message=credentials.message)
    return found
