"""The status that virt-handler writes: from spec, domain report and node. Phases have a table of their own."""

from datetime import UTC, datetime, timedelta

import pytest
from machine_samples import UID, disk, vmi, with_disks

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition, VirtualMachineInstanceStatus
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine import conditions, migratability
from kubevirt.machine.domain_report import (
    AgentReport,
    BootFiles,
    CredentialsReport,
    DomainReport,
    GuestOs,
    ReportedInterface,
)
from kubevirt.machine.network.attachment import NicAttachment
from kubevirt.machine.status import Observed, status_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NIC = NicAttachment(network="default", tap="tap0", pod_interface="eth0", ip_addresses=["10.244.1.5"])


def running(**more: object) -> DomainReport:
    return DomainReport(**({"namespace": "lab", "name": "guest", "uid": UID, "state": "Running", "reason": "Unknown",
                            "domain_type": "kvm"} | more))  # type: ignore[arg-type]  # names from the case


def after(machine: VirtualMachineInstance | None = None, **seen: object) -> VirtualMachineInstanceStatus:
    observed = {"now": NOW, "node": "node1", "report": running()} | seen
    # The names come from the case, so mypy cannot match them with their types.
    return status_after(machine or vmi(status={"phase": "Scheduled"}), Observed(**observed))  # type: ignore[arg-type]


def condition(status: VirtualMachineInstanceStatus, type_: str) -> VirtualMachineInstanceCondition | None:
    return conditions.find(status.conditions, type_)


def reason(status: VirtualMachineInstanceStatus, type_: str) -> str | None:
    found = condition(status, type_)
    return found.reason if found is not None else None


class TestPhase:
    def test_a_new_phase_is_dated(self) -> None:
        status = after()
        assert status.phase == "Running"
        dated = [(t.phase, t.phase_transition_timestamp) for t in status.phase_transition_timestamps]
        assert dated == [("Running", NOW)]

    def test_what_is_lost_has_failed_and_says_why(self) -> None:
        status = after(report=None, lost="the launcher does not answer")
        assert status.phase == "Failed"
        found = condition(status, "Synchronized")
        assert found is not None
        assert (found.status, found.message) == ("False", "the launcher does not answer")

    def test_a_failure_to_start_is_told_in_full(self) -> None:
        status = after(report=running(state="", failure="cannot read the disk image"))
        assert status.phase == "Failed"
        found = condition(status, "Synchronized")
        assert found is not None
        assert found.message == "cannot read the disk image"


def test_the_same_facts_give_the_same_status() -> None:
    machine = vmi(status={"phase": "Scheduled", "nodeName": "node1"})
    machine.status = after(machine, attachments=[NIC])
    assert after(machine, attachments=[NIC], now=NOW + timedelta(hours=1)) == machine.status


def test_conditions_of_others_stay() -> None:
    machine = vmi(status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    assert condition(after(machine), "Ready") is not None


class TestConditions:
    @pytest.mark.parametrize(("state", "why", "expected"), [
        pytest.param("Running", "Unknown", None, id="running"),
        pytest.param("Paused", "User", "PausedByUser", id="by a user"),
        pytest.param("Paused", "IOError", "PausedIOError", id="by a disk"),
        pytest.param("Paused", "StartingUp", None, id="only for a moment"),
    ])
    def test_paused(self, state: str, why: str, expected: str | None) -> None:
        assert reason(after(report=running(state=state, reason=why)), "Paused") == expected

    @pytest.mark.parametrize(("why", "reason_", "message"), [
        pytest.param("User", "PausedByUser", "VMI was paused by user", id="by a user"),
        pytest.param("IOError", "PausedIOError", "VMI was paused, low-level IO error detected", id="by a disk"),
        pytest.param("Migration", "PausedByMigrationMonitor", "VMI was paused by the migration monitor",
                     id="by a migration"),
    ])
    def test_the_words_for_a_pause(self, why: str, reason_: str, message: str) -> None:
        found = condition(after(report=running(state="Paused", reason=why)), "Paused")
        assert found is not None
        assert (found.status, found.reason, found.message) == ("True", reason_, message)

    def test_the_reason_for_being_out_of_step(self) -> None:
        found = condition(after(vmi(status={"phase": "Running"}), sync_problem="no tap"), "Synchronized")
        assert found is not None
        assert (found.status, found.reason, found.message) == (
            "False", "Synchronizing with the Domain failed.", "no tap")

    def test_credentials_that_arrived(self) -> None:
        found = condition(after(report=running(credentials=CredentialsReport(succeeded=True))),
                          "AccessCredentialsSynchronized")
        assert found is not None
        assert (found.status, found.message) == ("True", "")

    def test_emulation_says_where_why_and_what_to_do(self) -> None:
        status = after(report=running(domain_type="qemu", emulated_because="no /dev/kvm"),
                       kvm_unusable="the processor has no vmx flag")
        found = condition(status, "SoftwareEmulation")
        assert found is not None
        assert (found.status, found.reason) == ("True", "KVMNotAvailable")
        assert "node1" in found.message
        assert "the processor has no vmx flag" in found.message

    def test_no_emulation_no_condition(self) -> None:
        assert condition(after(), "SoftwareEmulation") is None

    def test_agent(self) -> None:
        agent = AgentReport(connected=True, os=GuestOs(name="Debian"), supported=False, unsupported_because="too old")
        status = after(report=running(agent=agent, credentials=CredentialsReport(message="no such user")))
        assert condition(status, "AgentConnected") is not None
        assert reason(status, "AgentVersionNotSupported") == "too old"
        credentials = condition(status, "AccessCredentialsSynchronized")
        assert credentials is not None
        assert (credentials.status, credentials.message) == ("False", "no such user")
        assert status.guest_os_info is not None
        assert status.guest_os_info.name == "Debian"

    def test_an_agent_that_left(self) -> None:
        machine = vmi(status={"phase": "Running", "conditions": [{"type": "AgentConnected", "status": "True"}]})
        assert condition(after(machine), "AgentConnected") is None

    def test_a_problem_that_is_gone_leaves_no_condition(self) -> None:
        machine = vmi(status={"phase": "Running"})
        machine.status = after(machine, sync_problem="no tap")
        assert condition(machine.status, "Synchronized") is not None
        assert condition(after(machine), "Synchronized") is None

    def test_half_a_guest_is_told_as_such(self) -> None:
        machine = vmi(status={"phase": "Running"})
        status = after(machine, report=running(state="Paused", reason="PostcopyFailed"))
        assert status.phase == "Failed"
        found = condition(status, "Synchronized")
        assert found is not None
        assert found.message == "VMI is irrecoverable due to failed post-copy migration"

    def test_time_moves_with_the_status_only(self) -> None:
        machine = vmi(status={"phase": "Running"})
        machine.status = after(machine, sync_problem="first")
        status = after(machine, sync_problem="second", now=NOW + timedelta(hours=1))
        found = condition(status, "Synchronized")
        assert found is not None
        assert (found.message, found.last_transition_time) == ("second", NOW)


class TestInterfaces:
    DOMAIN = ReportedInterface(name="default", mac="02:00:00:00:00:01", info_source=["domain"], link_state="up",
                               queue_count=1)
    GUEST = ReportedInterface(name="default", mac="02:00:00:00:00:01", info_source=["domain", "guest-agent"],
                              ip_addresses=["10.0.2.2"], interface_name="ens1")

    def test_masquerade_shows_the_pods_address_whatever_the_guest_says(self) -> None:
        found = after(report=running(interfaces=[self.GUEST]), attachments=[NIC]).interfaces[0]
        assert (found.ip_address, found.ip_addresses) == ("10.244.1.5", ["10.244.1.5"])
        assert (found.interface_name, found.pod_interface_name) == ("ens1", "eth0")
        assert found.info_source == "domain, guest-agent"

    def test_bridge_shows_the_guests_own_once_it_is_known(self) -> None:
        machine = vmi(devices={"interfaces": [{"name": "default", "bridge": {}}]}, status={"phase": "Running"})
        assert after(machine, report=running(interfaces=[self.DOMAIN]), attachments=[NIC]).interfaces[0].ip_address \
            == "10.244.1.5"
        assert after(machine, report=running(interfaces=[self.GUEST]), attachments=[NIC]).interfaces[0].ip_address \
            == "10.0.2.2"

    def test_an_interface_that_multus_made_says_so(self) -> None:
        networks: list[Json] = [{"name": "default", "multus": {"networkName": "red"}}]
        machine = vmi({"networks": networks}, status={"phase": "Running"})
        plugged = NicAttachment(network="default", tap="tap0", pod_interface="pod123", ip_addresses=[])
        found = after(machine, report=running(interfaces=[self.DOMAIN]), attachments=[plugged]).interfaces[0]
        assert (found.info_source, found.pod_interface_name) == ("domain, multus-status", "pod123")

    def test_addresses_stay_when_the_pod_was_not_looked_at(self) -> None:
        machine = vmi(status={"phase": "Running"})
        machine.status = after(machine, attachments=[NIC])
        assert after(machine).interfaces[0].ip_address == "10.244.1.5"

    def test_what_only_the_guest_knows_comes_last_without_loopback(self) -> None:
        others = [ReportedInterface(interface_name="lo", ip_addresses=["127.0.0.1"]),
                  ReportedInterface(interface_name="docker0", ip_addresses=["172.17.0.1"])]
        found = after(report=running(interfaces=[*others, self.DOMAIN])).interfaces
        assert [(i.name, i.interface_name) for i in found] == [("default", ""), ("", "docker0")]
        assert found[1].info_source == "guest-agent"


class TestKernelBoot:
    @pytest.mark.parametrize(("files", "told"), [
        pytest.param(None, None, id="a machine that boots from its disks"),
        pytest.param(BootFiles(kernel=7, initrd=9), {"kernelInfo": {"checksum": 7}, "initrdInfo": {"checksum": 9}},
                     id="kernel and initrd"),
        pytest.param(BootFiles(kernel=7), {"kernelInfo": {"checksum": 7}}, id="a kernel alone"),
    ])
    def test_what_it_boots(self, files: BootFiles | None, told: JsonObject | None) -> None:
        assert codec.to_builtins(after(report=running(boot_files=files))).get("kernelBootStatus") == told


class TestGuest:
    def test_every_word_of_its_agent_on_the_operating_system(self) -> None:
        told = {"id": "debian", "name": "Debian", "pretty_name": "Debian 13", "version": "13 (trixie)",
                "version_id": "13", "kernel_release": "6.12.1", "kernel_version": "#1 SMP", "machine": "x86_64"}
        status = after(report=running(agent=AgentReport(connected=True, os=GuestOs(**told))))
        assert codec.to_builtins(status)["guestOSInfo"] == {
            "id": "debian", "name": "Debian", "prettyName": "Debian 13", "version": "13 (trixie)", "versionId": "13",
            "kernelRelease": "6.12.1", "kernelVersion": "#1 SMP", "machine": "x86_64"}

    @pytest.mark.parametrize("freeze", ["frozen", "thawed", ""])
    def test_whether_its_file_systems_stand_still(self, freeze: str) -> None:
        agent = AgentReport(connected=True, fs_freeze_status=freeze)
        assert after(report=running(agent=agent)).fs_freeze_status == freeze

    def test_every_field_of_an_interface(self) -> None:
        told = ReportedInterface(name="default", mac="02:00:00:00:00:01", info_source=["domain", "guest-agent"],
                                 interface_name="ens1", queue_count=2, link_state="up", ip_addresses=["10.0.2.2"])
        status = after(report=running(interfaces=[told]), attachments=[NIC])
        assert codec.to_builtins(status)["interfaces"] == [{
            "name": "default", "mac": "02:00:00:00:00:01", "ipAddress": "10.244.1.5", "ipAddresses": ["10.244.1.5"],
            "interfaceName": "ens1", "podInterfaceName": "eth0", "queueCount": 2, "linkState": "up",
            "infoSource": "domain, guest-agent"}]


class TestMachine:
    def test_what_the_domain_turned_out_to_be(self) -> None:
        machine = vmi(status={"phase": "Running", "nodeName": "node1", "memory": {"guestAtBoot": "1Gi"}})
        status = after(machine, report=running(machine_type="pc-q35-10.0", memory_bytes=2 << 30, vcpus=2))
        assert codec.to_builtins(status)["memory"] == {"guestAtBoot": "1Gi", "guestCurrent": "2Gi"}
        assert status.machine is not None
        assert status.machine.type == "pc-q35-10.0"
        assert status.current_cpu_topology is not None
        assert status.current_cpu_topology.sockets == 2
        assert status.selinux_context == "none"


class TestMigratability:
    @pytest.mark.parametrize(("machine", "why"), [
        pytest.param(vmi(), None, id="masquerade"),
        pytest.param(vmi(devices={"interfaces": [{"name": "default", "bridge": {}}]}), "InterfaceNotLiveMigratable",
                     id="a bridge takes the pod's address with it"),
        pytest.param(vmi(devices={"interfaces": [{"name": "default", "bridge": {}}]}, metadata={"annotations": {
            "kubevirt.io/allow-pod-bridge-network-live-migration": ""}}), None, id="a bridge, and that is fine"),
        pytest.param(vmi(devices={"hostDevices": [{"name": "h", "deviceName": "x"}]}), "HostDeviceNotLiveMigratable",
                     id="devices of the host"),
        pytest.param(vmi(domain={"launchSecurity": {"sev": {}}}), "SEVNotLiveMigratable", id="encrypted memory"),
        pytest.param(with_disks(disk("d"), volumes=[{"name": "d", "hostDisk": {"path": "/x", "type": "Disk"}}]),
                     "DisksNotLiveMigratable", id="a file of the node"),
    ])
    def test_first_obstacle(self, machine: VirtualMachineInstance, why: str | None) -> None:
        live, _ = migratability.conditions(machine)
        assert (live.status, live.reason) == (("True", "") if why is None else ("False", why))

    def test_a_claim_of_one_node_only_hinders_until_volumes_migrate_too(self) -> None:
        info: JsonObject = {"accessModes": ["ReadWriteOnce"], "claimName": "c"}
        machine = with_disks(
            disk("d"), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}],
            status={"volumeStatus": [{"name": "d", "target": "", "persistentVolumeClaimInfo": info}]})
        live, storage = migratability.conditions(machine)
        assert live.message.startswith("cannot migrate VMI: PVC c is not shared")
        assert storage.status == "True"

    @pytest.mark.parametrize(("volume", "method"), [
        pytest.param({"persistentVolumeClaim": {"claimName": "c"}}, "LiveMigration", id="claims are there already"),
        pytest.param({"containerDisk": {"image": "x"}}, "BlockMigration", id="overlays must be copied"),
        pytest.param({"emptyDisk": {"capacity": "1Gi"}}, "BlockMigration", id="so must empty disks"),
        pytest.param({"hostDisk": {"path": "/x", "type": "Disk"}}, "BlockMigration", id="and files of the node"),
        pytest.param({"hostDisk": {"path": "/x", "type": "Disk", "shared": True}}, "LiveMigration",
                     id="unless the other node has them too"),
    ])
    def test_method(self, volume: dict[str, Json], method: str) -> None:
        assert migratability.migration_method(with_disks(disk("d"), volumes=[{"name": "d", **volume}])) == method

    @pytest.mark.parametrize("read_only", [
        pytest.param({"disk": {"readonly": True}}, id="a disk"),
        pytest.param({"lun": {"readonly": True}}, id="a LUN"),
        pytest.param({"cdrom": {}}, id="a CD-ROM"),
    ])
    def test_what_nobody_writes_to_need_not_be_copied(self, read_only: JsonObject) -> None:
        machine = with_disks({"name": "d", **read_only}, volumes=[{"name": "d", "containerDisk": {"image": "x"}}])
        assert migratability.migration_method(machine) == "LiveMigration"
