"""What is asked of a guest's agent, what a later order changes, and the clock after a pause."""

from __future__ import annotations

import asyncio

import pytest
from launcher_guest import BUILT, RUNNING, Agent, machine
from msgspec.structs import replace

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.machine.domain_report import AgentReport
from kubevirt.virt_launcher import changes, guest_agent, guest_clock, live
from kubevirt.virt_launcher.agent_watch import AgentWatch
from kubevirt.virt_launcher.guest_agent import (
    BASIC,
    KEYS,
    KEYS_BY_SHELL,
    PASSWORDS,
    AboutAgent,
    AgentCommand,
    unsupported_because,
)
from kubevirt.virt_launcher.orders import Described, DescribedInterface

BASICS = "This guest agent doesn't support required basic commands"


def about(*commands: str, version: str = "10.0", disabled: str = "") -> AboutAgent:
    return AboutAgent(version=version, supported_commands=[
        AgentCommand(name=name, enabled=name != disabled) for name in commands])


@pytest.mark.parametrize(("agent", "keys", "passwords", "expected"), [
    pytest.param(about(*BASIC), False, False, "", id="all that is needed"),
    pytest.param(about(*(BASIC - {"guest-ping"})), False, False, BASICS, id="no ping"),
    pytest.param(about(*BASIC, disabled="guest-get-osinfo"), False, False, BASICS, id="a command that was disabled"),
    pytest.param(about(*BASIC), True, False, "This guest agent doesn't support required public key commands",
                 id="keys are wanted, and it cannot"),
    pytest.param(about(*BASIC, *KEYS_BY_SHELL), True, False, "", id="an older one whose shell can write keys"),
    pytest.param(about(*BASIC, *KEYS_BY_SHELL, disabled="guest-exec"), True, False,
                 "This guest agent doesn't support required public key commands", id="no programs may be run"),
    pytest.param(about(*BASIC, *KEYS), True, True, "This guest agent doesn't support required password commands",
                 id="passwords are wanted, and it cannot"),
    pytest.param(about(*BASIC, *KEYS, *PASSWORDS), True, True, "", id="both are wanted, and it can"),
    *[pytest.param(about(version=f"{major}.1"), False, False, "", id=f"version {major} without a list")
      for major in (2, 3, 4, 5)],
    *[pytest.param(about(version=v), False, False, f"Guest agent version '{v}' is not supported",
                   id=f"version {v or 'unknown'} without a list") for v in ("1.7", "", "22.0")],
])
def test_is_an_agent_supported(agent: AboutAgent, keys: bool, passwords: bool, expected: str) -> None:
    assert unsupported_because(agent, keys=keys, passwords=passwords) == expected


@pytest.mark.parametrize(("instance", "expected"), [
    pytest.param({}, (30, False), id="defaults"),
    pytest.param({"spec": {"terminationGracePeriodSeconds": 0}}, (0, False), id="a new grace period"),
    pytest.param({"metadata": {"annotations": {"kubevirt.io/pause-guest-agent-probes": "true"}}}, (30, True),
                 id="probes are to be quiet"),
])
def test_a_later_order(instance: dict[str, object], expected: tuple[int, bool]) -> None:
    vmi = codec.convert({"metadata": {"name": "web"}, **instance}, VirtualMachineInstance)
    built = changes.read(codec.encode(SyncRequest(vmi=vmi))).of(BUILT)
    assert (built.grace_period_s, built.quiet_probes) == expected
    assert built.xml == BUILT.xml


TWO = Described(vcpus=2, interfaces=[DescribedInterface(name="default", mac="02:00:00:00:00:01"),
                                     DescribedInterface(name="side", mac="02:00:00:00:00:02", link_down=True)])
DOMAIN = """<domain><devices>
<interface type="ethernet"><mac address="02:00:00:00:00:01"/><alias name="ua-default"/></interface>
<interface type="ethernet"><mac address="02:00:00:00:00:02"/><link state="down"/><alias name="ua-side"/></interface>
</devices></domain>"""


class Host:
    """A libvirt that takes every change, or refuses all with `trouble`."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble
        self.done: list[object] = []

    async def set_vcpus(self, count: int) -> None:
        if self.trouble:
            raise Problem(cause=self.trouble)
        self.done.append(count)

    async def update_device(self, xml: str) -> None:
        self.done.append(xml)

    async def xml(self) -> str:
        return DOMAIN


def change(**spec: object) -> changes.Change:
    vmi = codec.convert({"metadata": {"name": "web"}, "spec": {"domain": spec}}, VirtualMachineInstance)
    return changes.read(codec.encode(SyncRequest(vmi=vmi)))


@pytest.mark.parametrize(("spec", "done", "vcpus", "down"), [
    pytest.param({}, [], 2, [False, True], id="nothing is said"),
    pytest.param({"cpu": {"sockets": 2}}, [], 2, [False, True], id="it has what it should"),
    pytest.param({"cpu": {"sockets": 2, "threads": 2}}, [4], 4, [False, True], id="more CPUs"),
    pytest.param({"devices": {"interfaces": [{"name": "default", "state": "down"}]}}, ['state="down"'], 2, [True, True],
                 id="a cable is unplugged"),
    pytest.param({"devices": {"interfaces": [{"name": "side"}]}}, ['state="up"'], 2, [False, False],
                 id="a cable is plugged in"),
    pytest.param({"devices": {"interfaces": [{"name": "new", "state": "down"}]}}, [], 2, [False, True],
                 id="an interface that the guest does not have"),
])
def test_what_a_running_guest_is_given(spec: dict[str, object], done: list[object], vcpus: int, down: list[bool]
                                       ) -> None:
    host = Host()
    found = asyncio.run(live.apply(change(**spec), TWO, host))  # type: ignore[arg-type]  # names from the case
    assert len(host.done) == len(done)
    assert all(want == has or str(want) in str(has) for want, has in zip(done, host.done, strict=True))
    assert (found.vcpus, [i.link_down for i in found.interfaces]) == (vcpus, down)


def test_cpus_that_the_guest_does_not_take_are_said_with_a_remedy() -> None:
    with pytest.raises(Problem, match=r"has 2 CPUs and cannot have 4: no.*restart the virtual machine"):
        asyncio.run(live.apply(change(cpu={"sockets": 4}), TWO, Host("no")))  # type: ignore[arg-type]  # a stand-in


def test_the_clock_is_set_as_soon_as_the_agent_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_clock, "TRY_AGAIN_S", 0)
    answers = [Problem(cause="busy"), Problem(cause="busy"), {}]
    agent = Agent({"guest-set-time": lambda time: answers.pop(0)})

    async def run() -> None:
        await guest_clock.set_clock(machine(), agent)  # type: ignore[arg-type]  # a stand-in

    asyncio.run(run())
    assert len(agent.asked) == 3


def test_without_an_agent_the_clock_stays_as_it_is() -> None:
    agent = Agent({})

    async def run() -> None:
        # A stand-in: it has what is used here, not the whole type.
        await guest_clock.set_clock(machine(replace(RUNNING, agent=None)), agent)  # type: ignore[arg-type]

    asyncio.run(run())
    assert agent.asked == []


class Talkative(Host):
    """A libvirt whose guest has an agent, or one that never answers."""

    def __init__(self, *, answers: bool) -> None:
        super().__init__()
        self.answers = answers

    async def guest_info(self) -> dict[str, object]:
        if not self.answers:
            raise Problem(cause="the agent is busy")
        return {"hostname": "web"}

    async def guest_interfaces(self) -> dict[str, dict[str, object]]:
        return {"eth0": {"hwaddr": "02:00:00:00:00:01", "addrs": [{"addr": "10.0.2.2"}]}}


@pytest.mark.parametrize(("agent", "answers", "hostname", "unsupported", "interfaces"), [
    pytest.param({"version": "10.0", "supported_commands": [{"name": n, "enabled": True} for n in BASIC]}, True, "web",
                 "", ["eth0"], id="an agent that can all that is needed"),
    pytest.param({"version": "1.0"}, True, "web", "Guest agent version '1.0' is not supported", ["eth0"],
                 id="an old one is used as far as it goes"),
    pytest.param(Problem(cause="busy"), True, "web", "", ["eth0"], id="one that does not describe itself"),
    pytest.param({"version": "10.0"}, False, "", "Guest agent version '10.0' is not supported", None,
                 id="one that says nothing of the guest is connected all the same"),
])
def test_what_an_agent_that_comes_is_asked(agent: object, answers: bool, hostname: str, unsupported: str,
                                           interfaces: list[str] | None) -> None:
    async def run() -> tuple[AgentReport, object]:
        told: asyncio.Future[tuple[AgentReport, object]] = asyncio.get_running_loop().create_future()
        guest = machine(replace(RUNNING, agent=None))
        guest.agent_told = lambda report, found=None: told.set_result((report, found))
        # A stand-in: it has what is used here, not the whole type.
        watching = AgentWatch(guest, Talkative(answers=answers), Agent({"guest-info": agent}))  # type: ignore[arg-type]
        task = asyncio.create_task(watching.run())
        try:
            return await asyncio.wait_for(told, 60)
        finally:
            task.cancel()

    report, found = asyncio.run(run())
    assert report.connected
    assert (report.hostname, report.supported, report.unsupported_because) == (hostname, not unsupported, unsupported)
    names = [i.interface_name for i in found] if isinstance(found, tuple) else None
    assert names == interfaces


def test_how_often_the_agent_is_asked() -> None:
    assert (guest_agent.FIRST_POLL_S, guest_agent.MAX_POLL_S, guest_agent.FREEZE_POLL_S) == (10.0, 120.0, 5.0)


@pytest.mark.parametrize(("answers", "noticed"), [
    pytest.param(["frozen", "thawed"], True, id="somebody inside thawed them"),
    pytest.param([Problem(cause="busy"), "thawed"], True, id="an agent that has no time is asked again"),
    pytest.param(["frozen"] * 5, False, id="they stand still"),
])  # fmt: skip
def test_file_systems_that_thaw_by_themselves_are_noticed(answers: list[object], noticed: bool,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_agent, "FREEZE_POLL_S", 0.0)

    async def run() -> list[str]:
        left, done = list(answers), asyncio.Event()
        told: list[str] = []

        def status() -> object:
            if len(left) == 1:
                done.set()
            return left.pop(0) if len(left) > 1 else left[0]

        guest = machine()
        guest.frozen.set()

        def file_systems(said: str) -> None:
            told.append(said)
            guest.frozen.clear()

        guest.file_systems = file_systems
        agent = Agent({"guest-info": {"version": "5.0"}, "guest-fsfreeze-status": status})
        # A stand-in: it has what is used here, not the whole type.
        task = asyncio.create_task(AgentWatch(guest, Talkative(answers=False), agent).run())  # type: ignore[arg-type]
        async with asyncio.timeout(60):
            await done.wait()
            await asyncio.sleep(0)
        task.cancel()
        return told

    assert asyncio.run(run()) == ([""] if noticed else [])
