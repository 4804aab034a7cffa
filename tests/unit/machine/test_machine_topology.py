"""Which PCI slots stay free, and that everything can stand on the root bus. What QEMU makes of it: tests/e2e."""

import pytest
from msgspec.structs import replace

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json
from kubevirt.machine.domain import topology
from kubevirt.machine.domain.topology import Spare
from kubevirt.machine.domain.xml import parse

LAID_OUT = """
<domain><devices>
  <interface type="ethernet"><target dev="tap0"/><address type="pci" bus="0x01" slot="0x00"/></interface>
  <interface type="ethernet"><target dev="placeholder-0"/><address type="pci" bus="0x02" slot="0x00"/></interface>
  <disk><target bus="virtio"/><address type="pci" bus="0x03" slot="0x00"/></disk>
  <disk><target bus="sata"/><address type="drive" bus="0"/></disk>
  <video><address type="pci" bus="0x00" slot="0x01"/></video>
  <controller type="pci" index="0" model="pcie-root"/>
  <controller type="pci" index="1" model="pcie-root-port"><target/><address type="pci" bus="0x00"/></controller>
  <controller type="pci" index="2" model="pcie-root-port"><target/><address type="pci" bus="0x00"/></controller>
  <controller type="pci" index="3" model="pcie-root-port"><target/><address type="pci" bus="0x00"/></controller>
</devices></domain>
"""


def machine(interfaces: int = 1, memory: str = "1Gi", **annotations: str) -> VirtualMachineInstance:
    cards: list[Json] = [{"name": f"n{i}", "masquerade": {}} for i in range(interfaces)]
    marks: dict[str, Json] = {"kubevirt.io/pci-topology-version": "v3"}
    marks |= {f"kubevirt.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
    domain: dict[str, Json] = {"memory": {"guest": memory}, "devices": {"interfaces": cards}}
    return codec.convert({"metadata": {"annotations": marks}, "spec": {"domain": domain}}, VirtualMachineInstance)


@pytest.mark.parametrize(("vmi", "expected"), [
    pytest.param(machine(), Spare(placeholders=3, total=8, minimum=3), id="four slots for interfaces"),
    pytest.param(machine(6), Spare(placeholders=0, total=8, minimum=3), id="more interfaces than slots"),
    pytest.param(machine(0), Spare(placeholders=0, total=8, minimum=3), id="no interfaces, no slots for them"),
    pytest.param(machine(memory="2Gi"), Spare(placeholders=3, total=8, minimum=3), id="2 GiB are not large"),
    pytest.param(machine(memory="2049Mi"), Spare(placeholders=3, total=16, minimum=6), id="a large machine"),
    pytest.param(machine(pci_interface_slot_count="7"), Spare(placeholders=6, total=8, minimum=3), id="asked for"),
    pytest.param(machine(3, pci_interface_slot_count="2"), Spare(placeholders=0, total=8, minimum=3), id="fewer slots"),
    pytest.param(machine(pci_topology_version="v2"), None, id="another topology"),
    pytest.param(machine(placePCIDevicesOnRootComplex="true"), None, id="everything on the root bus"),
])
def test_what_is_kept_free(vmi: VirtualMachineInstance, expected: Spare | None) -> None:
    assert topology.spare(vmi) == expected


def test_placeholders_leave_their_port() -> None:
    root = parse(LAID_OUT)
    topology.settled(root, Spare(placeholders=1, total=8, minimum=3))
    assert [target.get("dev") for target in root.iterfind("devices/interface/target")] == ["tap0"]
    ports = {port.get("index"): port.find("target") for port in root.iterfind("devices/controller[@type='pci']")}
    assert list(ports) == ["0", "1", "2", "3", "4", "5", "6", "7", "8"], "8 less the 2 in use, less the placeholder's"
    cold = [index for index, target in ports.items() if target is not None and target.get("hotplug") == "off"]
    assert cold == ["3"], "of the disk; the interface's port stays open"


@pytest.mark.parametrize(("kept", "added"), [
    (Spare(placeholders=1, total=8, minimum=3), 5),
    (Spare(placeholders=1, total=2, minimum=3), 2),
    (Spare(placeholders=9, total=8, minimum=3), 0),
    (Spare(placeholders=0, total=99, minimum=3), 28),
])
def test_ports_that_are_added(kept: Spare, added: int) -> None:
    root = parse(LAID_OUT)
    topology.settled(root, replace(kept))
    assert len(root.findall("devices/controller[@model='pcie-root-port']")) == 3 + added


def test_everything_on_the_root_bus() -> None:
    interfaces = "".join(f"<interface n='{i}'/>" for i in range(27))
    root = parse(f"""<domain><devices>
        <rng><address type="pci" bus="0x00" slot="0x03"/></rng>{interfaces}
        <controller type="usb" model="none"/><disk><target bus="sata"/></disk><disk><target bus="virtio"/></disk>
        <memballoon model="none"/></devices></domain>""")
    topology.on_root_bus(root)
    slots = [address.get("slot") for address in root.iterfind("devices/interface/address")]
    assert slots[:3] == ["0x02", "0x04", "0x05"], "slot 3 is taken"
    assert "0x1b" not in slots and "0x1f" not in slots
    assert slots[-1] == "0x1e"
    assert root.find("devices/disk[2]/address") is None, "the bus is full"
