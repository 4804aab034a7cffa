"""The one guest: made, watched, and done to as virt-handler asks.

Whatever changes its state goes through `_become`, which tells it on. What libvirt says is looked up anew at every
event, so that neither a lost event nor an event about something past matters.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine import paths
from kubevirt.machine.domain_report import AgentReport, CredentialsReport, Reason, ReportedInterface, State
from kubevirt.virt_launcher import changes, ending, explain, states
from kubevirt.virt_launcher.assistant import Workshop
from kubevirt.virt_launcher.dhcp.server import dhcp_server
from kubevirt.virt_launcher.libvirt_host import HostError, LibvirtHost, NoDomain
from kubevirt.virt_launcher.machine_state import MachineState
from kubevirt.virt_launcher.options import Options
from kubevirt.virt_launcher.orders import BuildOrder, Built, Described
from kubevirt.virt_launcher.report import agent_gone
from kubevirt.virt_launcher.states import has_ended

log = logs.get("machine")

KVM = Path("/dev/kvm")
RUN_DIR = Path(paths.LIBVIRT_DIR) / "qemu" / "run"
EXIT_STATUS_WITHIN_S = 2.0


class Machine:
    """`on_change` is called after every change of `now`."""

    def __init__(
        self, options: Options, host: LibvirtHost, workshop: Workshop, *, on_change: Callable[[], None]
    ) -> None:
        self.now = MachineState(options=options)
        self._options = options
        self._host = host
        self._workshop = workshop
        self._on_change = on_change
        self._starting = asyncio.Lock()
        self._dirty = asyncio.Event()
        self.agent_seen = asyncio.Event()
        """Set while the guest's agent is connected."""
        self.frozen = asyncio.Event()
        """Set while the guest's file systems were asked to stand still."""
        self.agent_visits = 0
        """How often it has come: a guest that boots anew is another one to whoever has told it something."""
        self._qemu_pid = 0
        self._qemu_status: int | None = None
        self._qemu_gone = asyncio.Event()
        self._panic: str | None = None
        """What came with the panic of the guest's kernel; None while there was none."""
        self._servers = contextlib.ExitStack()

    # What virt-handler asks for. All raise Problem.

    async def sync(self, order: bytes) -> None:
        """Make the machine and start it, once. What a later order changes is taken over as far as it can be."""
        async with self._starting:
            if self.now.failure:
                raise Problem(cause=self.now.failure)
            if self.now.built is not None and self.now.has_started:
                await self._change(order, self.now.built)
                return
            try:
                built = await self._make(order)
            except Problem as problem:
                self._become(self.now.failed(problem))
                raise
            started = datetime.now(UTC)
            self._qemu_pid = self._read_pid()
            described = await self._describe()
            self._workshop.close()
            state = State.PAUSED if built.paused else State.RUNNING
            reason = Reason.USER if built.paused else Reason.UNKNOWN
            # Told whole and at once: each report that differs from the one before is a write to the API.
            self._become(
                replace(self.now, built=built, described=described, state=state, reason=reason, started_at=started)
            )
            self._dirty.set()

    async def _change(self, order: bytes, built: Built) -> None:
        change = changes.read(order)
        self._become(replace(self.now, built=change.of(built)))
        if states.is_to_go_on(self.now.state, self.now.reason):
            log.info("the guest, which nobody had asked to stand still, is tried again", stopped_by=self.now.reason)
            await self._host.resume()
            await self.refresh()
        has = self.now.described
        if self.now.is_alive and (change.vcpus not in (0, has.vcpus) or change.links_to_turn(has)):
            from kubevirt.virt_launcher import live

            self._become(replace(self.now, described=await live.apply(change, has, self._host)))

    async def pause(self) -> None:
        self._expect_alive()
        if self.now.state is State.RUNNING:
            await self._host.suspend()
        await self.refresh()

    async def unpause(self) -> None:
        self._expect_alive()
        if self.now.state is State.PAUSED:
            await self._host.resume()
        await self.refresh()

    def is_asked_to_shut_down(self) -> None:
        """Note when; the errand itself is somebody else's."""
        self._expect_alive()
        self._become(self.now.asked_to_shut_down(datetime.now(UTC)))

    def expect_reboot(self) -> None:
        """The guest can be asked to boot anew."""
        self._expect_alive()
        built = self.now.built
        if not self.now.has_agent and built is not None and not built.acpi:
            raise Problem(
                cause="VMI neither have the agent connected nor the ACPI feature enabled",
                remedy="install the guest agent in the guest, or use a hard reset",
            )

    async def reset(self) -> None:
        self._expect_alive()
        await self._host.reset()

    async def kill(self) -> None:
        self._expect_alive()
        await self._host.kill()
        await self.refresh()

    async def forget(self) -> None:
        """Drop the definition of a machine that has ended."""
        if self.now.is_alive:
            raise Problem(cause="the guest is still running", remedy="shut it down or kill it first")
        with contextlib.suppress(NoDomain):
            await self._host.undefine()

    async def refresh(self) -> None:
        """Look at the domain and take over what has changed."""
        if self.now.is_alive and (seen := await self._look()) is not None:
            self._take(*seen)

    async def _look(self) -> tuple[State, Reason] | None:
        try:
            state, reason = await self._host.state()
        except NoDomain:
            state, reason = State.SHUTOFF, Reason.UNKNOWN
        except HostError as error:
            log.info("the domain cannot be looked at now", cause=error.cause)
            return None
        if has_ended(state):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EXIT_STATUS_WITHIN_S):
                    await self._qemu_gone.wait()
            state, reason = ending.settle(state, reason, self._qemu_status, panicked=self._panic is not None)
        return state, reason

    def _take(self, state: State, reason: Reason) -> None:
        if not self.now.is_alive:
            return  # somebody else looked at the same time
        told = ending.describe(reason, self._qemu_status, panic=self._panic or "")
        if has_ended(state):
            log.info("the guest has ended", state=state, reason=reason, told=told or None)
        self._become(replace(self.now, state=state, reason=reason, failure=told))

    # What happens.

    def changed(self) -> None:
        """Something about the domain may have changed."""
        self._dirty.set()

    def agent_changed(self, *, connected: bool) -> None:
        log.info("the guest agent has come" if connected else "the guest agent has gone")
        if connected:
            self.agent_visits += 1
            self.agent_seen.set()  # it is told together with its first answers
        else:
            self.agent_seen.clear()
            self._become(replace(self.now, agent=agent_gone(self.now.agent)))

    def file_systems(self, freeze_status: str) -> None:
        """The guest's file systems were frozen (`frozen`) or let go (empty)."""
        (self.frozen.set if freeze_status else self.frozen.clear)()
        if self.now.agent is not None:
            agent = msgspec.structs.replace(self.now.agent, fs_freeze_status=freeze_status)
            self._become(replace(self.now, agent=agent))

    def credentials_told(self, trouble: str) -> None:
        """The access credentials are in the guest, or why they are not."""
        report = CredentialsReport(succeeded=not trouble, message=trouble)
        self._become(replace(self.now, credentials=report))

    def panicked(self, details: str) -> None:
        """The guest's kernel gave up; what libvirt and the kernel say of QEMU's end follows from that."""
        self._panic = details

    def orphan_ended(self, pid: int, wait_status: int) -> None:
        """A process that is not this launcher's own child has ended; QEMU is one."""
        if pid and pid == (self._qemu_pid or self._read_pid()):
            self._qemu_status = wait_status
            self._qemu_gone.set()
            self._dirty.set()

    def give_up(self, problem: Problem) -> None:
        """There will be no guest."""
        self._become(self.now.failed(problem))

    def told_to_end(self) -> None:
        self._become(self.now.told_to_end())

    async def watch(self) -> None:
        """Keep `now` true, until cancelled."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await self.refresh()

    def agent_told(self, agent: AgentReport, interfaces: tuple[ReportedInterface, ...] | None = None) -> None:
        """What the agent says of the guest; without interfaces those that are known stay."""
        if self.now.is_alive and self.agent_seen.is_set():
            if self.now.agent is not None:
                agent.fs_freeze_status = self.now.agent.fs_freeze_status
            found = self.now.guest_interfaces if interfaces is None else interfaces
            self._become(replace(self.now, agent=agent, guest_interfaces=found))

    def close(self) -> None:
        self._servers.close()
        self._workshop.close()

    async def _make(self, sync: bytes) -> Built:
        kvm = os.access(KVM, os.R_OK | os.W_OK)
        order = BuildOrder(sync=msgspec.Raw(sync), kvm=kvm, allow_emulation=self._options.allow_emulation)
        built = await self._workshop.build(order)
        log.info("machine prepared", type=built.domain_type, interfaces=len(built.interfaces))
        await self._host.connected.wait()
        for lease in built.leases:
            self._servers.enter_context(dhcp_server(lease))
        if built.leases6:
            from kubevirt.virt_launcher.dhcp.server6 import dhcp6_server

            for lease6 in built.leases6:
                self._servers.enter_context(dhcp6_server(lease6))
        Path(paths.machine_dir(self._options.uid)).mkdir(parents=True, exist_ok=True)
        try:
            await self._host.define(built.xml)
            if built.spare is not None:
                laid_out = await self._host.definition()
                await self._host.define(await self._workshop.settle(laid_out, built.spare))
            log.info("domain defined")
            await self._host.start(paused=built.paused)
        except HostError as error:
            raise explain.start_failure(error.cause) from error
        log.info("guest started", paused=built.paused)
        return built

    async def _describe(self) -> Described:
        try:
            return await self._workshop.describe(await self._host.xml())
        except Problem as problem:
            log.warning("the started domain could not be read back", cause=problem.cause)
            return Described()

    def _expect_alive(self) -> None:
        if not self.now.is_alive:
            raise Problem(cause="Domain not found.", remedy="the guest is not running; start the machine first")

    def _read_pid(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int((RUN_DIR / f"{self._options.domain}.pid").read_text())
        return self._qemu_pid

    def _become(self, new: MachineState) -> None:
        if new != self.now:
            self.now = new
            self._on_change()
