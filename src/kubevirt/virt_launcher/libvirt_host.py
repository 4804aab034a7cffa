"""libvirt, typed and without blocking: the one module of the launcher that knows libvirt-python.

Calls go to a thread of their own, one after another; those to the guest agent, which may take seconds, to a second one.
libvirt's event loop has a third. Events and the loss of the connection are handed to the asyncio loop. libvirt's errors
become `HostError`s here and go no further.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import libvirt

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import Reason, State
from kubevirt.virt_launcher.states import translate

log = logs.get("libvirt")

_T = TypeVar("_T")

AGENT_TIMEOUT_S = 5
KEEPALIVE_S, KEEPALIVE_COUNT = 20, 3
"""For a daemon that hangs; the end of one that dies is seen at once."""
CONNECT_EVERY_S = 0.02
KEY_HOLD_MS = 50
DIRTY_RATE_PERIOD_S = 1
STREAM_CHUNK = 256 * 1024


class HostError(Problem):
    """libvirt could not do it. `code` is libvirt's number of the error (virErrorNumber)."""

    def __init__(self, *, cause: str, code: int = 0, remedy: str = "") -> None:
        super().__init__(cause=cause, remedy=remedy)
        self.code = code


class NoDomain(HostError):
    """There is no such domain."""


@dataclass(frozen=True)
class StateChanged:
    """Something about the domain's life changed; ask for its state."""


@dataclass(frozen=True)
class AgentChanged:
    connected: bool


@dataclass(frozen=True)
class DiskFailed:
    alias: str
    no_space: bool


@dataclass(frozen=True)
class ConnectionLost:
    pass


@dataclass(frozen=True)
class Panicked:
    """The guest's kernel says, through the panic device, that it cannot go on."""


HostEvent = StateChanged | Panicked | AgentChanged | DiskFailed | ConnectionLost


class LibvirtHost:
    """One connection to one libvirtd, for one domain, looked up by name at each call so that it survives reconnects."""

    def __init__(self, uri: str, domain: str, *, on_event: Callable[[HostEvent], None]) -> None:
        self._uri = uri
        self._name = domain
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._calls = ThreadPoolExecutor(max_workers=1, thread_name_prefix="libvirt")
        self._agent_calls = ThreadPoolExecutor(max_workers=1, thread_name_prefix="agent")
        self._connection: libvirt.virConnect | None = None
        self.connected = asyncio.Event()
        """Set while calls have somebody to go to."""
        self.lost = asyncio.Event()
        """Set while they have not, after they had."""
        libvirt.registerErrorHandler(_swallow, None)  # its default prints to standard error
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run_events, name="libvirt-events", daemon=True).start()

    async def connect(self, *, timeout_s: float = 30.0) -> None:
        """Connect as soon as libvirtd answers. Raises HostError when it does not within the time."""
        deadline = self._loop.time() + timeout_s
        while True:
            try:
                await self._loop.run_in_executor(self._calls, self._open)
            except libvirt.libvirtError as error:
                if self._loop.time() > deadline:
                    raise HostError(
                        cause=f"libvirtd does not answer: {error.get_error_message()}",
                        remedy="see its messages in the log of the container 'compute'",
                    ) from error
                await asyncio.sleep(CONNECT_EVERY_S)
            else:
                self.lost.clear()
                self.connected.set()
                return

    async def warm_up(self) -> None:
        """Let libvirtd learn what its QEMU can do before anybody waits for it."""
        await self._call(lambda connection: connection.getDomainCapabilities())

    async def define(self, xml: str) -> None:
        def call(connection: libvirt.virConnect) -> None:
            connection.defineXML(xml)

        await self._call(call)

    async def start(self, *, paused: bool) -> None:
        flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
        await self._on_domain(lambda domain: domain.createWithFlags(flags))

    async def suspend(self) -> None:
        await self._on_domain(lambda domain: domain.suspend())

    async def resume(self) -> None:
        await self._on_domain(lambda domain: domain.resume())

    async def press_power_button(self, *, agent: bool) -> None:
        """Ask the guest to shut down. Through its agent first, it lasts until the guest is down or a minute is over."""
        flags = libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
        if agent:
            flags |= libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT
        await self._on_domain(lambda domain: domain.shutdownFlags(flags), self._agent_calls if agent else None)

    async def reboot(self, *, agent: bool) -> None:
        """Ask the guest to boot anew; through its agent it lasts as long as a shutdown does."""
        flags = libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT if agent else libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN
        await self._on_domain(lambda domain: domain.reboot(flags), self._agent_calls if agent else None)

    async def reset(self) -> None:
        await self._on_domain(lambda domain: domain.reset(0))

    async def kill(self) -> None:
        """End QEMU: it may write out its caches first; if it does not end by that, at once."""
        try:
            await self._on_domain(lambda domain: domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL))
        except NoDomain:
            raise
        except HostError as error:
            log.warning("QEMU does not end when asked, so it is killed", cause=error.cause)
            await self._on_domain(lambda domain: domain.destroy())

    async def undefine(self) -> None:
        flags = libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        await self._on_domain(lambda domain: domain.undefineFlags(flags))

    async def state(self) -> tuple[State, Reason]:
        """Raises NoDomain before the definition."""
        state, reason = await self._on_domain(lambda domain: domain.state())
        return translate(state, reason)

    async def xml(self) -> str:
        """The domain as it is now, with everything libvirt has filled in."""
        text: str = await self._on_domain(lambda domain: domain.XMLDesc())
        return text

    async def set_vcpus(self, count: int) -> None:
        """Plug CPUs into the running guest, or take them out again."""
        await self._on_domain(lambda domain: domain.setVcpusFlags(count, libvirt.VIR_DOMAIN_AFFECT_LIVE))

    async def update_device(self, xml: str) -> None:
        """Change what can be changed of a device while the guest runs."""
        await self._on_domain(lambda domain: domain.updateDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE))

    async def definition(self) -> str:
        """The domain as it would be started."""
        text: str = await self._on_domain(lambda domain: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        return text

    async def guest_info(self) -> dict[str, object]:
        """What the agent says of users, operating system, time zone, host name and file systems; flat, as in virsh."""

        def call(domain: libvirt.virDomain) -> dict[str, object]:
            domain.agentSetResponseTimeout(AGENT_TIMEOUT_S)
            # 0 means whatever this agent knows; kinds asked for by name make the call fail where one is not known.
            found: dict[str, object] = domain.guestInfo(0)
            return found

        return await self._on_domain(call, self._agent_calls)

    async def guest_interfaces(self) -> dict[str, dict[str, object]]:
        """Interfaces by their names in the guest: {"hwaddr": ..., "addrs": [{"addr": ..., "prefix": ...}, ...]}."""
        source = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT

        def call(domain: libvirt.virDomain) -> dict[str, dict[str, object]]:
            found: dict[str, dict[str, object]] = domain.interfaceAddresses(source)
            return found

        return await self._on_domain(call, self._agent_calls)

    async def agent_command(self, command: str) -> str:
        """The agent's answer to one of its own commands, as JSON, for what libvirt has no call for."""

        def call(domain: libvirt.virDomain) -> str:
            import libvirt_qemu  # type: ignore[import-not-found]  # few launchers ever need it

            answer: str = libvirt_qemu.qemuAgentCommand(domain, command, AGENT_TIMEOUT_S, 0)
            return answer

        return await self._on_domain(call, self._agent_calls)

    async def freeze(self) -> None:
        """Hold the guest's file systems still, after everything was written out."""
        await self._on_domain(lambda domain: domain.fsFreeze(), self._agent_calls)

    async def thaw(self) -> None:
        await self._on_domain(lambda domain: domain.fsThaw(), self._agent_calls)

    async def press_key(self, *codes: int) -> None:
        """Press keys together for a moment (numbers of Linux' input layer)."""
        await self._on_domain(
            lambda domain: domain.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, KEY_HOLD_MS, list(codes), len(codes), 0)
        )

    async def screenshot(self) -> tuple[str, bytes]:
        """The first screen as a picture: its MIME type and its bytes."""

        def call(connection: libvirt.virConnect) -> tuple[str, bytes]:
            stream = connection.newStream()
            mime: str = connection.lookupByName(self._name).screenshot(stream, 0)
            parts: list[bytes] = []
            while part := stream.recv(STREAM_CHUNK):
                parts.append(part)
            stream.finish()
            return mime, b"".join(parts)

        return await self._call(call)

    async def stats(self) -> dict[str, object]:
        """Counters of processors, memory, disks and interfaces; flat, as in `virsh domstats`. Also `affinity`."""
        kinds = (libvirt.VIR_DOMAIN_STATS_CPU_TOTAL | libvirt.VIR_DOMAIN_STATS_BALLOON | libvirt.VIR_DOMAIN_STATS_VCPU
                 | libvirt.VIR_DOMAIN_STATS_INTERFACE | libvirt.VIR_DOMAIN_STATS_BLOCK
                 | libvirt.VIR_DOMAIN_STATS_DIRTYRATE)

        def call(connection: libvirt.virConnect) -> dict[str, object]:
            domain = connection.lookupByName(self._name)
            # A domain that is busy (with a migration, say) gives what can be had without waiting.
            found = connection.domainListGetStats([domain], kinds, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
            pairs = sum(map(sum, domain.vcpuPinInfo()))
            return {"affinity": pairs, **(found[0][1] if found else {})}

        return await self._call(call)

    async def measure_dirty_rate(self) -> None:
        """For a second, see how much of its memory the guest changes; `stats` has the result afterwards."""
        await self._on_domain(lambda domain: domain.startDirtyRateCalc(DIRTY_RATE_PERIOD_S))

    async def _on_domain(
        self, work: "Callable[[libvirt.virDomain], _T]", executor: ThreadPoolExecutor | None = None
    ) -> _T:
        return await self._call(lambda connection: work(connection.lookupByName(self._name)), executor)

    async def _call(
        self, work: "Callable[[libvirt.virConnect], _T]", executor: ThreadPoolExecutor | None = None
    ) -> _T:
        connection = self._connection
        if connection is None:
            raise HostError(cause="libvirtd is starting anew", remedy="this passes within seconds")
        try:
            return await self._loop.run_in_executor(executor or self._calls, work, connection)
        except libvirt.libvirtError as error:
            raise _host_error(error) from error

    def _open(self) -> None:
        connection = libvirt.open(self._uri)
        connection.setKeepAlive(KEEPALIVE_S, KEEPALIVE_COUNT)
        connection.registerCloseCallback(self._closed, None)
        for kind, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, self._agent_lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, self._io_error),
        ):
            connection.domainEventRegisterAny(None, kind, callback, None)
        self._connection = connection

    # Called by libvirt, on its own thread; arguments as libvirt gives them.

    def _closed(self, _connection: object, _reason: int, _opaque: object) -> None:
        self._connection = None
        self._tell(ConnectionLost())

    def _lifecycle(self, _connection: object, _domain: object, event: int, detail: int, _opaque: object) -> None:
        if (event, detail) == (libvirt.VIR_DOMAIN_EVENT_CRASHED, libvirt.VIR_DOMAIN_EVENT_CRASHED_PANICKED):
            self._tell(Panicked())
        self._tell(StateChanged())

    def _agent_lifecycle(self, _connection: object, _domain: object, state: int, _why: int, _opaque: object) -> None:
        self._tell(AgentChanged(state == libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED))

    def _io_error(
        self, _connection: object, _domain: object, _path: str, alias: str, _action: int, reason: str, _opaque: object
    ) -> None:
        self._tell(DiskFailed(alias=alias, no_space=reason == "enospc"))

    def _tell(self, event: HostEvent) -> None:
        self._loop.call_soon_threadsafe(self._take, event)

    def _take(self, event: HostEvent) -> None:
        if isinstance(event, ConnectionLost):
            self.connected.clear()
            self.lost.set()
        self._on_event(event)


def _run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


def _swallow(_opaque: object, _error: object) -> None:
    """Every error comes as an exception too."""


def _host_error(error: libvirt.libvirtError) -> HostError:
    code, text = error.get_error_code(), error.get_error_message() or "libvirt gives no reason"
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return NoDomain(cause="Domain not found.", code=code)
    return HostError(cause=text.strip().rstrip("."), code=code)
