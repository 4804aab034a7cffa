"""Disks of the domain: targets, sources, I/O settings and I/O threads."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine_samples import disk, vmi, with_disks

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine.domain import DiskFacts, DomainContext, build_domain
from kubevirt.machine.domain.disks import letters, targets

IMAGE: JsonObject = {"containerDisk": {"image": "x"}}
CLAIM: JsonObject = {"persistentVolumeClaim": {"claimName": "c"}}
EMPTY: JsonObject = {"emptyDisk": {"capacity": "1Gi"}}


def volume(name: str, source: JsonObject) -> JsonObject:
    return {"name": name, **source}


def parsed(machine: VirtualMachineInstance, context: DomainContext | None = None) -> ET.Element:
    return ET.fromstring(build_domain(machine, context or DomainContext()))  # noqa: S314 - our own output


def disks_of(machine: VirtualMachineInstance, context: DomainContext | None = None) -> dict[str, ET.Element]:
    root = parsed(machine, context)
    return {found.find("alias").get("name", "").removeprefix("ua-"): found  # type: ignore[union-attr]  # it is there
            for found in root.iterfind("devices/disk")}


def one(spec: JsonObject, source: JsonObject = EMPTY, facts: DiskFacts | None = None) -> ET.Element:
    context = DomainContext(disks={"d": facts} if facts is not None else {})
    return disks_of(with_disks({"name": "d", **spec}, volumes=[volume("d", source)]), context)["d"]


def attributes(element: ET.Element | None) -> dict[str, str]:
    assert element is not None
    return element.attrib


@given(st.integers(0, 20_000))
def test_letters_count_like_a_spreadsheet(index: int) -> None:
    number = 0
    for letter in letters(index):
        number = number * 26 + ord(letter) - ord("a") + 1
    assert number == index + 1


def test_letters_are_shared_by_buses_with_the_same_prefix() -> None:
    machine = with_disks(
        disk("a"), disk("b", disk={"bus": "sata"}), disk("c", disk={"bus": "scsi"}), disk("d", cdrom={}), disk("e"),
        volumes=[volume(name, EMPTY) for name in "abcde"],
    )
    assert {name: target.name for name, target in targets(machine).items()} == {
        "a": "vda", "b": "sda", "c": "sdb", "d": "sdc", "e": "vdb"}


def test_a_recorded_target_stays_and_is_not_given_away() -> None:
    machine = with_disks(disk("new"), disk("old"), volumes=[volume("new", EMPTY), volume("old", EMPTY)],
                         status={"volumeStatus": [{"name": "old", "target": "vda"}]})
    assert {name: target.name for name, target in targets(machine).items()} == {"new": "vdb", "old": "vda"}


@pytest.mark.parametrize(("source", "facts", "kind", "format_", "path"), [
    pytest.param(IMAGE, DiskFacts(image="/img/disk/a.qcow2", format="qcow2"), "file", "qcow2",
                 "/var/run/kubevirt-ephemeral-disks/disk-data/d/disk.qcow2", id="an overlay over the image"),
    pytest.param(CLAIM, DiskFacts(), "file", "raw", "/var/run/kubevirt-private/vmi-disks/d/disk.img",
                 id="a claim with a file system"),
    pytest.param(CLAIM, DiskFacts(block=True), "block", "raw", "/dev/d", id="a claim that is a device"),
    pytest.param({"dataVolume": {"name": "v"}}, DiskFacts(), "file", "raw",
                 "/var/run/kubevirt-private/vmi-disks/d/disk.img", id="a data volume"),
    pytest.param({"hostDisk": {"path": "/data/x.raw", "type": "Disk"}}, DiskFacts(), "file", "raw",
                 "/var/run/kubevirt-private/vmi-disks/d/x.raw", id="a file of the node"),
    pytest.param({"cloudInitNoCloud": {"userData": "x"}}, DiskFacts(), "file", "raw",
                 "/var/run/kubevirt-ephemeral-disks/cloud-init-data/lab/guest/noCloud.iso", id="cloud-init"),
    pytest.param({"secret": {"secretName": "s"}}, DiskFacts(), "file", "raw",
                 "/var/run/kubevirt-private/secret-disks/d.iso", id="a secret"),
])
def test_sources(source: JsonObject, facts: DiskFacts, kind: str, format_: str, path: str) -> None:
    found = one({"disk": {"bus": "virtio"}}, source, facts)
    assert found.get("type") == kind
    assert attributes(found.find("driver"))["type"] == format_
    assert path in attributes(found.find("source")).values()


def test_an_overlay_names_what_is_below() -> None:
    found = one({"disk": {"bus": "virtio"}}, IMAGE, DiskFacts(image="/img/disk/a.raw", format="raw"))
    below = found.find("backingStore")
    assert below is not None
    assert attributes(below.find("format")) == {"type": "raw"}
    assert attributes(below.find("source")) == {"file": "/img/disk/a.raw"}


def test_a_volume_that_is_no_disk_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        one({"disk": {}}, {"memoryDump": {"claimName": "c"}})
    assert caught.value.field == "spec.volumes[d]"


@pytest.mark.parametrize(("spec", "facts", "expected"), [
    pytest.param({}, DiskFacts(), {"error_policy": "stop", "discard": "unmap"}, id="left open"),
    pytest.param({}, DiskFacts(cache="none", io="native"), {"cache": "none", "io": "native"}, id="as found out"),
    pytest.param({"cache": "writeback"}, DiskFacts(cache="none"), {"cache": "writeback"}, id="as the user wants"),
    pytest.param({"shareable": True}, DiskFacts(cache="writeback"), {"cache": "none"},
                 id="shared disks are not cached"),
    pytest.param({"errorPolicy": "report"}, DiskFacts(), {"error_policy": "report"}, id="error policy"),
])
def test_driver(spec: JsonObject, facts: DiskFacts, expected: dict[str, str]) -> None:
    driver = attributes(one({"disk": {"bus": "virtio"}, **spec}, facts=facts).find("driver"))
    assert expected.items() <= driver.items()


def test_an_allocation_made_in_advance_is_not_given_back() -> None:
    assert "discard" not in attributes(one({"disk": {}}, CLAIM, DiskFacts(preallocated=True)).find("driver"))


def test_a_cdrom_is_read_only_unless_told_otherwise() -> None:
    assert one({"cdrom": {}}).find("readonly") is not None
    assert one({"cdrom": {"readonly": False}}).find("readonly") is None
    assert attributes(one({"cdrom": {"tray": "open"}}).find("target"))["tray"] == "open"


def test_a_cdrom_drive_without_volume_is_empty() -> None:
    found = disks_of(with_disks({"name": "d", "cdrom": {}}, volumes=[]))["d"]
    assert found.find("source") is None


def test_a_scsi_disk_sits_at_its_letter() -> None:
    assert attributes(one({"disk": {"bus": "scsi"}}).find("address")) == {
        "type": "drive", "controller": "0", "bus": "0", "unit": "0"}


@pytest.mark.parametrize(("address", "refused"), [
    pytest.param("0000:81:01.0", False, id="an address"),
    pytest.param("81:01.0", True, id="without a domain"),
    pytest.param("0000:81:01.8", True, id="no such function"),
])
def test_pci_addresses(address: str, refused: bool) -> None:
    spec: JsonObject = {"disk": {"bus": "virtio", "pciAddress": address}}
    if refused:
        with pytest.raises(Refused, match="PCI address"):
            one(spec)
    else:
        assert attributes(one(spec).find("address"))["bus"] == "0x81"


@pytest.mark.parametrize(("given_", "facts", "expected"), [
    pytest.param({"custom": {"logical": 512, "physical": 4096}}, DiskFacts(),
                 {"logical_block_size": "512", "physical_block_size": "4096"}, id="given"),
    pytest.param({"matchVolume": {}}, DiskFacts(logical_block_size=4096, physical_block_size=4096),
                 {"logical_block_size": "4096", "physical_block_size": "4096"}, id="as the volume has it"),
    pytest.param({"matchVolume": {"enabled": False}}, DiskFacts(logical_block_size=4096), None, id="turned off"),
])
def test_block_sizes(given_: Json, facts: DiskFacts, expected: dict[str, str] | None) -> None:
    found = one({"disk": {"bus": "virtio"}, "blockSize": given_}, facts=facts).find("blockio")
    assert (found.attrib if found is not None else None) == expected


def test_a_hotplugged_volume_waits_until_it_is_there() -> None:
    def names(phase: str) -> list[str]:
        machine = with_disks(
            disk("d"), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c", "hotpluggable": True}}],
            status={"volumeStatus": [{"name": "d", "target": "", "phase": phase, "hotplugVolume": {}}]},
        )
        return list(disks_of(machine))

    assert names("AttachedToNode") == []
    assert names("Ready") == ["d"]


@pytest.mark.parametrize(("policy", "disks", "total", "threads"), [
    pytest.param(None, [False, False], None, [None, None], id="nobody asked"),
    pytest.param(None, [True], "1", ["1"], id="one of its own"),
    pytest.param("shared", [False, False], "1", ["1", "1"], id="one for all"),
    pytest.param("shared", [True, False], "2", ["2", "1"], id="one of its own beside the shared one"),
    pytest.param("auto", [False, False, False], "2", ["1", "2", "1"], id="two per CPU, in turn"),
    pytest.param("auto", [True, True, False], "3", ["2", "3", "1"], id="at least one is shared"),
])
def test_io_threads(policy: str | None, disks: list[bool], total: str | None, threads: list[str | None]) -> None:
    names = [f"d{i}" for i in range(len(disks))]
    machine = with_disks(
        *({**disk(name), "dedicatedIOThread": dedicated} for name, dedicated in zip(names, disks, strict=True)),
        volumes=[volume(name, EMPTY) for name in names], domain={"ioThreadsPolicy": policy} if policy else {},
    )
    root = parsed(machine)
    assert root.findtext("iothreads") == total
    found = disks_of(machine)
    assert [attributes(found[name].find("driver")).get("iothread") for name in names] == threads


def test_every_disk_uses_the_whole_pool_of_threads() -> None:
    machine = with_disks(disk("d"), volumes=[volume("d", EMPTY)], domain={
        "ioThreadsPolicy": "supplementalPool", "ioThreads": {"supplementalPoolThreadCount": 2}})
    assert len(disks_of(machine)["d"].findall("driver/iothreads/iothread")) == 2


def test_a_vmi_without_disks_has_none() -> None:
    assert disks_of(vmi()) == {}
