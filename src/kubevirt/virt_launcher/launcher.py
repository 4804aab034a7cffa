"""Process 1 of a launcher pod: puts the parts together and lives as long as the guest."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kubevirt import __version__
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.launcher_link.messages import DomainEvent, Nothing, Verb
from kubevirt.launcher_link.server import Answer, LinkServer
from kubevirt.machine import paths
from kubevirt.virt_launcher import ending, lifecycle, serial_log
from kubevirt.virt_launcher.agent_channel import AgentChannel
from kubevirt.virt_launcher.agent_watch import AgentWatch
from kubevirt.virt_launcher.assistant import Workshop
from kubevirt.virt_launcher.children import Children
from kubevirt.virt_launcher.daemon import URI, LibvirtDaemon
from kubevirt.virt_launcher.early import Started
from kubevirt.virt_launcher.guest_requests import GuestRequests
from kubevirt.virt_launcher.libvirt_host import (
    AgentChanged,
    ConnectionLost,
    DiskFailed,
    HostError,
    HostEvent,
    LibvirtHost,
    Panicked,
)
from kubevirt.virt_launcher.lifecycle import Step
from kubevirt.virt_launcher.machine import Machine
from kubevirt.virt_launcher.options import Options
from kubevirt.virt_launcher.report import termination_message

if TYPE_CHECKING:
    from kubevirt.virt_launcher.errands import Errands
    from kubevirt.virt_launcher.statistics import Statistics

log = logs.get("launcher")

ACKNOWLEDGED_WITHIN_S = 15.0
COMES_BACK_WITHIN_S = 5.0
"""A virt-handler that is away at the guest's end gets so long; the termination message tells it all as well."""


class Launcher:
    """Made inside a running event loop; `run` returns the exit code."""

    def __init__(self, options: Options, started: Started) -> None:
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._born = self._loop.time()
        self._woken = asyncio.Event()
        self._over = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._synced = False
        self._told_to_end: float | None = None
        self._first_press: float | None = None
        self._last_press: float | None = None
        self._killed: float | None = None
        self._children = Children(on_orphan=lambda pid, status: self._machine.orphan_ended(pid, status))
        self._daemon = LibvirtDaemon(self._children, self._children.adopt("libvirtd", started.libvirtd))
        preparing = self._children.adopt("workshop", started.workshop)
        workshop = Workshop(self._children, preparing, started.orders)
        self._host = LibvirtHost(URI, options.domain, on_event=self._heard)
        self._machine = Machine(options, self._host, workshop, on_change=self._changed)
        self._children.watch()
        self._channel = AgentChannel(self._host)
        self._requests = GuestRequests(self._machine, self._host)
        self._statistics: Statistics | None = None
        self._errands: Errands | None = None
        self._tasks = Tasks(on_failure=self._task_failed)
        self._attending = False
        self._server = LinkServer(self._answers(), current=self._event, software=f"virt-launcher/{__version__}")

    async def run(self) -> int:
        """Serve until the guest has ended, or will never start; then tell how it ended, and return the exit code."""
        self._loop.add_signal_handler(signal.SIGTERM, self._terminate)
        self._loop.add_signal_handler(signal.SIGINT, self._terminate)
        async with self._tasks as tasks:
            tasks.spawn(self._daemon.keep(), name="libvirtd keeper")
            tasks.spawn(self._stay_connected(), name="libvirt connection")
            tasks.spawn(self._machine.watch(), name="domain watch")
            tasks.spawn(AgentWatch(self._machine, self._host, self._channel).run(), name="guest agent")
            tasks.spawn(self._live(), name="life cycle")
            tasks.spawn(serial_log.keep_small(Path(paths.serial_log(self._options.uid))), name="serial log")
            async with self._server.serving(Path(paths.LAUNCHER_SOCKET)):
                log.info("waiting for virt-handler", vmi=f"{self._options.namespace}/{self._options.name}")
                await self._over.wait()
                await self._tell_the_end()
        self._machine.close()
        report = self._machine.now.report()
        return ending.exit_code(report.reason, report.failure) if self._machine.now.has_ended else 0

    # What virt-handler asks.

    def _answers(self) -> dict[str, Answer]:
        return {
            Verb.SYNC: self._sync,
            Verb.GET_DOMAIN: self._get_domain,
            Verb.PING: _command(_nothing),
            Verb.PAUSE: _command(self._machine.pause),
            Verb.UNPAUSE: _command(self._unpause),
            Verb.SOFT_REBOOT: _command(self._soft_reboot),
            Verb.RESET: _command(self._machine.reset),
            Verb.SHUTDOWN: _command(self._press),
            Verb.KILL: _command(self._kill),
            Verb.DELETE: _command(self._delete),
            Verb.ACKNOWLEDGE_FINAL: _command(self._acknowledge),
            Verb.GUEST_INFO: self._requests.info,
            Verb.FREEZE: self._requests.freeze,
            Verb.UNFREEZE: self._requests.unfreeze,
            Verb.SCREENSHOT: self._requests.screenshot,
            Verb.STATS: self._stats,
        }

    async def _stats(self, body: bytes) -> msgspec.Struct:
        if self._statistics is None:
            from kubevirt.virt_launcher.slow_figures import SlowFigures
            from kubevirt.virt_launcher.statistics import Statistics

            slow = SlowFigures(self._machine, self._host, self._channel,
                               lambda inquiry: self._tasks.spawn(inquiry, name="slow figures"))  # fmt: skip
            self._statistics = Statistics(self._machine, self._host, slow)
        return await self._statistics.answer(body)

    async def _sync(self, body: bytes) -> msgspec.Struct:
        self._synced = True
        await self._machine.sync(body)
        self._attend()
        return self._machine.now.report()

    def _attend(self) -> None:
        """Begin, once, what few machines need while their guest runs; only they load it."""
        built = self._machine.now.built
        if built is None or self._attending:
            return
        self._attending = True
        if built.credentials:
            from kubevirt.virt_launcher import credentials

            keeping = credentials.keep(built.credentials, self._machine, self._channel)
            self._tasks.spawn(keeping, name="access credentials")
        if built.guest_probes:
            self._tasks.spawn(self._answer_probes(), name="probes")

    async def _answer_probes(self) -> None:
        from kubevirt.virt_launcher.guest_probes import GuestProbes

        async with GuestProbes(self._machine, self._channel, self._server.tell).serving(Path(paths.PROBE_SOCKET)):
            await asyncio.Event().wait()

    async def _unpause(self) -> None:
        from kubevirt.virt_launcher import guest_clock

        await self._machine.unpause()
        self._tasks.spawn(guest_clock.set_clock(self._machine, self._channel), name="guest clock")

    async def _get_domain(self, _body: bytes) -> msgspec.Struct:
        return self._machine.now.report()

    async def _press(self) -> None:
        self._last_press = self._loop.time()
        self._first_press = self._first_press or self._last_press
        self._machine.is_asked_to_shut_down()
        await self._guest_errands().press_power_button(agent=self._machine.now.has_agent)

    async def _soft_reboot(self) -> None:
        self._machine.expect_reboot()
        await self._guest_errands().reboot(agent=self._machine.now.has_agent)

    def _guest_errands(self) -> "Errands":
        if self._errands is None:
            from kubevirt.virt_launcher.errands import Errands

            self._errands = Errands(self._host, lambda work: self._tasks.spawn(work, name="errand of the guest"))
        return self._errands

    async def _kill(self) -> None:
        self._killed = self._loop.time()
        await self._machine.kill()

    async def _delete(self) -> None:
        await self._machine.forget()
        self._acknowledged.set()
        self._over.set()

    async def _acknowledge(self) -> None:
        if self._machine.now.has_ended:
            self._acknowledged.set()

    # What happens.

    def _event(self) -> DomainEvent:
        return DomainEvent(report=self._machine.now.report(), final=self._machine.now.has_ended)

    def _changed(self) -> None:
        if self._machine.now.has_ended:
            self._over.set()
        else:
            self._server.tell(self._event())
        self._woken.set()

    def _heard(self, event: HostEvent) -> None:
        if isinstance(event, AgentChanged):
            self._machine.agent_changed(connected=event.connected)
        elif isinstance(event, DiskFailed):
            self._disk_failed(event)
        elif isinstance(event, Panicked):
            self._panicked()
        elif isinstance(event, ConnectionLost):
            log.warning("the connection to libvirtd is lost")
        self._machine.changed()

    def _panicked(self) -> None:
        from kubevirt.virt_launcher import trouble

        details = trouble.panic_details(trouble.log_of(self._options.domain))
        log.warning("the guest's kernel panicked", details=details or None)
        self._machine.panicked(details)
        self._server.tell(trouble.panicked(details))

    def _disk_failed(self, event: DiskFailed) -> None:
        from kubevirt.virt_launcher import trouble

        built = self._machine.now.built
        volume = built.volumes.get(event.alias, event.alias) if built is not None else event.alias
        self._server.tell(trouble.disk_failed(volume, no_space=event.no_space))

    def _terminate(self) -> None:
        log.info("told to end")
        self._told_to_end = self._told_to_end or self._loop.time()
        self._machine.told_to_end()
        self._woken.set()

    def _task_failed(self, name: str, _error: BaseException) -> None:
        """Without one of its tasks a launcher no longer does its work, but its guest must not pay for that."""
        if not self._machine.now.is_alive:
            log.error("the launcher ends because it is broken", task=name)
            self._over.set()

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._host.connect()
            except HostError as error:
                log.error("no connection to libvirtd", cause=error.cause)
                continue
            self._machine.changed()
            try:
                await self._host.warm_up()
            except HostError as error:
                log.warning("libvirtd does not say what QEMU can do", cause=error.cause)
            await self._host.lost.wait()

    async def _live(self) -> None:
        while True:
            self._woken.clear()
            decision = lifecycle.decide(self._observed())
            try:
                await self._carry_out(decision.step)
            except Problem as problem:
                log.warning("the guest could not be asked to end", cause=problem.cause)
            try:
                async with asyncio.timeout(decision.look_again_in_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _observed(self) -> lifecycle.Observed:
        return lifecycle.Observed(
            now=self._loop.time(),
            started_waiting=self._born,
            synced=self._synced,
            alive=self._machine.now.is_alive,
            told_to_end=self._told_to_end,
            first_press=self._first_press,
            last_press=self._last_press,
            killed=self._killed,
            grace_period_s=self._machine.now.grace_period_s,
        )

    async def _carry_out(self, step: Step) -> None:
        match step:
            case Step.PRESS_POWER_BUTTON:
                log.info("virt-handler is away, so the launcher shuts the guest down")
                await self._press()
            case Step.KILL:
                log.info("the grace period is over, so the launcher ends the guest")
                await self._kill()
            case Step.LEAVE:
                self._over.set()
            case Step.GIVE_UP:
                self._machine.give_up(
                    Problem(
                        cause=f"virt-handler did not come for {lifecycle.NO_SYNC_S:g} s",
                        remedy="see whether the virt-handler pod of this node runs, and its log",
                    )
                )
            case Step.WAIT:
                pass

    async def _tell_the_end(self) -> None:
        if not self._machine.now.has_ended:
            return
        self._server.tell(self._event())
        report = self._machine.now.report()
        _write_termination_message(termination_message(report))
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S if self._server.has_links else COMES_BACK_WITHIN_S):
                await self._acknowledged.wait()
        except TimeoutError:
            log.warning("nobody acknowledged the end of the guest; it stands in the pod's termination message")


def _command(work: Callable[[], Awaitable[None]]) -> Answer:
    async def answer(_body: bytes) -> msgspec.Struct:
        await work()
        return Nothing()

    return answer


async def _nothing() -> None:
    """The whole answer to a ping is that there is one."""


def _write_termination_message(message: bytes) -> None:
    try:
        Path(paths.TERMINATION_LOG).write_bytes(message)
    except OSError as error:
        log.warning("the termination message could not be written", cause=error.strerror)
