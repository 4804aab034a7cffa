"""Everything that is known of the one guest, and the report made of it. No I/O."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import (
    AgentReport,
    CredentialsReport,
    DomainReport,
    GraceReport,
    Reason,
    ReportedInterface,
    State,
)
from kubevirt.virt_launcher.options import Options
from kubevirt.virt_launcher.orders import Built, Described
from kubevirt.virt_launcher.report import merge_interfaces
from kubevirt.virt_launcher.states import has_ended

NO_KVM = "the pod has no usable /dev/kvm"


class MachineState(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot; changes make a new one."""

    options: Options
    state: State = State.UNDEFINED
    reason: Reason = Reason.NONE
    failure: str = ""
    built: Built | None = None
    described: Described = msgspec.field(default_factory=Described)
    agent: AgentReport | None = None
    guest_interfaces: tuple[ReportedInterface, ...] = ()
    grace: GraceReport | None = None
    credentials: CredentialsReport | None = None
    started_at: datetime | None = None

    @property
    def has_started(self) -> bool:
        return self.started_at is not None

    @property
    def has_ended(self) -> bool:
        return bool(self.failure) or (self.has_started and has_ended(self.state))

    @property
    def is_alive(self) -> bool:
        return self.has_started and not self.has_ended

    @property
    def has_agent(self) -> bool:
        return self.agent is not None and self.agent.connected

    @property
    def grace_period_s(self) -> int:
        return self.built.grace_period_s if self.built is not None else self.options.grace_period_s

    def failed(self, problem: Problem) -> "MachineState":
        """The machine could not be made or started."""
        return replace(self, state=State.SHUTOFF, reason=Reason.FAILED, failure=str(problem))

    def asked_to_shut_down(self, now: datetime) -> "MachineState":
        """The power button was pressed; only the first time counts for the grace period."""
        grace = self.grace or GraceReport()
        if grace.deletion_timestamp is not None:
            return self
        marked = GraceReport(
            deletion_grace_period_s=self.grace_period_s,
            deletion_timestamp=now,
            marked_for_graceful_shutdown=grace.marked_for_graceful_shutdown,
        )
        return replace(self, grace=marked)

    def told_to_end(self) -> "MachineState":
        """The pod is to end."""
        grace = self.grace or GraceReport()
        marked = GraceReport(
            deletion_grace_period_s=self.grace_period_s,
            deletion_timestamp=grace.deletion_timestamp,
            marked_for_graceful_shutdown=True,
        )
        return replace(self, grace=marked)

    def report(self) -> DomainReport:
        built = self.built
        return DomainReport(
            namespace=self.options.namespace,
            name=self.options.name,
            uid=self.options.uid,
            state=self.state,
            reason=self.reason,
            domain_type=built.domain_type if built is not None else "",
            emulated_because=NO_KVM if built is not None and built.domain_type == "qemu" else "",
            machine_type=self.described.machine_type,
            acpi=built.acpi if built is not None else True,
            vcpus=self.described.vcpus,
            memory_bytes=self.described.memory_bytes,
            interfaces=merge_interfaces(
                built.interfaces if built is not None else [], self.described, list(self.guest_interfaces)
            ),
            agent=self.agent,
            grace=self.grace or GraceReport(deletion_grace_period_s=self.grace_period_s),
            credentials=self.credentials,
            boot_files=built.boot_files if built is not None else None,
            failure=self.failure,
            started_at=self.started_at,
        )
