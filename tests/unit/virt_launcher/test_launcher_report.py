"""What the launcher tells of its guest: interfaces joined, agents understood, the last message short enough."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import AgentReport, DomainReport, GuestOs, Reason, ReportedInterface, State
from kubevirt.virt_launcher import guest_agent
from kubevirt.virt_launcher.machine_state import MachineState
from kubevirt.virt_launcher.options import Options
from kubevirt.virt_launcher.orders import Built, Described, DescribedInterface
from kubevirt.virt_launcher.report import MAX_TERMINATION_BYTES, merge_interfaces, termination_message

PLANNED = ReportedInterface(name="default", ip_addresses=["10.244.0.7"], info_source=["domain"])
DOMAIN = Described(interfaces=[DescribedInterface(name="default", mac="52:54:00:AA:00:01", queues=2)])
GUEST = ReportedInterface(
    mac="52:54:00:aa:00:01", interface_name="eth0", ip_addresses=["10.0.2.2", "fe80::1"], info_source=["guest-agent"]
)
DOCKER = ReportedInterface(
    mac="02:42:00:00:00:01", interface_name="docker0", ip_addresses=["172.17.0.1"], info_source=["guest-agent"]
)


@pytest.mark.parametrize(
    ("described", "guest", "expected"),
    [
        pytest.param(
            Described(), [], [ReportedInterface(name="default", ip_addresses=["10.244.0.7"], info_source=["domain"])],
            id="just started",
        ),
        pytest.param(
            DOMAIN, [],
            [ReportedInterface(name="default", mac="52:54:00:AA:00:01", ip_addresses=["10.244.0.7"], queue_count=2,
                               link_state="up", info_source=["domain"])],
            id="no agent: the address by which the guest is reached",
        ),
        pytest.param(
            DOMAIN, [GUEST, DOCKER],
            [ReportedInterface(name="default", mac="52:54:00:AA:00:01", ip_addresses=["10.0.2.2", "fe80::1"],
                               interface_name="eth0", queue_count=2, link_state="up",
                               info_source=["domain", "guest-agent"]), DOCKER],
            id="an agent knows better, and of more",
        ),
    ],
)  # fmt: skip
def test_interfaces_are_joined_by_mac(
    described: Described, guest: list[ReportedInterface], expected: list[ReportedInterface]
) -> None:
    assert merge_interfaces([PLANNED], described, guest) == expected


INFO = {
    "hostname": "web",
    "timezone.name": "UTC",
    "os.id": "debian",
    "os.pretty-name": "Debian GNU/Linux 13 (trixie)",
    "user.count": 12,
    **{f"user.{i}.name": f"user{i}" for i in range(12)},
    "user.0.login-time": 1_700_000_000_000,
    "fs.count": 1,
    "fs.0.name": "vda1",
    "fs.0.mountpoint": "/",
    "fs.0.fstype": "ext4",
    "fs.0.used-bytes": 10,
    "fs.0.total-bytes": 20,
    "fs.0.disk.count": 1,
    "fs.0.disk.0.serial": "D1",
}


def test_what_an_agent_says() -> None:
    report = guest_agent.agent_report(INFO)
    assert (report.connected, report.hostname, report.timezone) == (True, "web", "UTC")
    assert report.os == GuestOs(id="debian", pretty_name="Debian GNU/Linux 13 (trixie)")
    assert [user.user_name for user in report.users] == [f"user{i}" for i in range(10)]
    assert report.users[0].login_time == 1_700_000_000.0
    assert [disk.serial for disk in report.filesystems[0].disk] == ["D1"]


def test_an_agent_that_knows_nothing() -> None:
    assert guest_agent.agent_report({}) == AgentReport(connected=True)


def test_addresses_of_the_guest_without_its_loopback() -> None:
    found = guest_agent.guest_interfaces(
        {"lo": {"hwaddr": "00:00:00:00:00:00"}, "eth0": {"hwaddr": "52:54:00:aa:00:01", "addrs": [
            {"addr": "10.0.2.2", "prefix": 24}, {"addr": "fe80::1", "prefix": 64}]}, "eth1": {"addrs": None}}
    )  # fmt: skip
    assert found == [GUEST, ReportedInterface(interface_name="eth1", info_source=["guest-agent"])]


def test_asking_becomes_rarer() -> None:
    pauses = [guest_agent.FIRST_POLL_S]
    for _ in range(5):
        pauses.append(guest_agent.next_poll_s(pauses[-1]))
    assert pauses == [10, 20, 40, 80, 120, 120]


@pytest.mark.parametrize("failure", ["", "x" * 10_000, "é" * 10_000], ids=["short", "long", "long, not ASCII"])
def test_the_last_message_fits_the_kubelet_and_is_a_whole_report(failure: str) -> None:
    report = DomainReport(
        namespace="default", name="web", uid="u-1", state=State.SHUTOFF, reason=Reason.FAILED, failure=failure,
        interfaces=[GUEST] * 100, agent=guest_agent.agent_report(INFO),
    )  # fmt: skip
    message = termination_message(report)
    assert len(message) <= MAX_TERMINATION_BYTES
    read = msgspec.json.decode(message, type=DomainReport)
    assert (read.uid, read.state, read.failure[:100]) == ("u-1", State.SHUTOFF, failure[:100])


NEW = MachineState(options=Options(name="web", namespace="default", uid="u-1"))
MADE = replace(
    NEW, built=Built(xml="<domain/>", domain_type="qemu", grace_period_s=7), state=State.RUNNING,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


def test_a_new_machine_says_that_there_is_none() -> None:
    report = NEW.report()
    assert not report.exists
    assert not report.is_alive
    assert (NEW.is_alive, NEW.has_ended) == (False, False)


def test_emulation_is_said_with_its_reason() -> None:
    report = MADE.report()
    assert (report.domain_type, report.is_alive) == ("qemu", True)
    assert "/dev/kvm" in report.emulated_because


@pytest.mark.parametrize("before", [NEW, MADE], ids=["before its start", "running"])
def test_a_failure_is_the_end(before: MachineState) -> None:
    after = before.failed(Problem(cause="the image is corrupt", remedy="build it anew"))
    assert (after.has_ended, after.is_alive) == (True, False)
    assert after.report().failure == "the image is corrupt; build it anew"


def test_only_the_first_press_counts() -> None:
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    told = MADE.report().grace
    assert told is not None
    assert (told.deletion_grace_period_s, told.deletion_timestamp) == (7, None), "known before anybody asks for the end"
    grace = MADE.asked_to_shut_down(first).asked_to_shut_down(second).told_to_end().report().grace
    assert grace is not None
    assert (grace.deletion_timestamp, grace.deletion_grace_period_s) == (first, 7)
    assert grace.marked_for_graceful_shutdown
