"""Host devices that guests may have whole, on a stand-in sysfs: what is offered, given away, owned and held fast.

How a plugin speaks with the kubelet is the same for all devices: test_handler_device_plugin. What the launcher makes
of the variables: tests/unit/virt_launcher/test_launcher_workshop and the domain's tests.
"""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import grpc.aio
import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt_devices import PermittedHostDevices
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json
from kubevirt.kit.tasks import Tasks
from kubevirt.virt_handler.devices.keeper import Keeper
from kubevirt.virt_handler.devices.offer import Allocation
from kubevirt.virt_handler.devices.permitted import HostDevices, host_devices
from kubevirt.virt_handler.instances.ownership import own_devices
from kubevirt.virt_handler.instances.pinning import allow_pinning

T4, GRID, KEYS = "nvidia.com/TU104GL_Tesla_T4", "nvidia.com/GRID_T4-1Q", "kubevirt.io/keys"
UUID = "f5ac0a5e-0f5a-4b1e-9c43-1c9e9e4f3a10"
PERMITTED = codec.convert({
    "pciHostDevices": [{"pciVendorSelector": "10DE:1EB8", "resourceName": T4},
                       {"pciVendorSelector": "8086:1572", "resourceName": "intel.com/x710",
                        "externalResourceProvider": True}],
    "mediatedDevices": [{"mdevNameSelector": "GRID T4-1Q", "resourceName": GRID}],
    "usb": [{"resourceName": KEYS, "selectors": [{"vendor": "046d", "product": "C31C"},
                                                 {"vendor": "046d", "product": "c05a"}]}],
}, PermittedHostDevices)


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    return tmp_path / "sys"


def pci(sysfs: Path, address: str, *, kind: str = "10de:1eb8", driver: str = "vfio-pci", group: int | None = 12
        ) -> None:
    device = sysfs / "bus/pci/devices" / address
    device.mkdir(parents=True)
    vendor, _, product = kind.partition(":")
    (device / "vendor").write_text(f"0x{vendor}\n")
    (device / "device").write_text(f"0x{product}\n")
    if driver:
        (device / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
    if group is not None:
        (device / "iommu_group").symlink_to(f"../../../../kernel/iommu_groups/{group}")


def mediated(sysfs: Path, uuid: str, name: str | None, *, group: int = 40) -> None:
    device, kind = sysfs / "bus/mdev/devices" / uuid, sysfs / "types/nvidia-222"
    device.mkdir(parents=True)
    kind.mkdir(parents=True, exist_ok=True)
    if name is not None:
        (kind / "name").write_text(f"{name}\n")
    (device / "mdev_type").symlink_to(kind)
    (device / "iommu_group").symlink_to(f"../../iommu_groups/{group}")


def usb(sysfs: Path, port: str, kind: str, *, bus: int = 1, number: int) -> None:
    device = sysfs / "bus/usb/devices" / port
    device.mkdir(parents=True)
    vendor, _, product = kind.partition(":")
    for name, value in (("idVendor", vendor), ("idProduct", product), ("busnum", bus), ("devnum", number)):
        (device / name).write_text(f"{value}\n")


def offer(resource_name: str, sysfs: Path) -> HostDevices:
    (found,) = [one for one in host_devices(PERMITTED, sysfs=sysfs) if one.resource == resource_name]
    return found


def test_what_is_handed_out_is_what_the_configuration_says_and_nobody_else_does(sysfs: Path) -> None:
    assert [one.resource for one in host_devices(PERMITTED, sysfs=sysfs)] == [T4, GRID, KEYS]
    assert host_devices(ClusterConfig().raw.permitted_host_devices) == []
    assert offer(T4, sysfs).ids() == [], "a node without any bus"


@pytest.mark.parametrize(("device", "there"), [
    pytest.param({}, True, id="bound to the driver that passes it on"),
    pytest.param({"driver": "nvidia"}, False, id="the node uses it itself"),
    pytest.param({"driver": ""}, False, id="no driver"),
    pytest.param({"kind": "10de:1eb9"}, False, id="another product"),
    pytest.param({"group": None}, False, id="no IOMMU"),
])
def test_a_pci_function_counts(device: dict[str, object], there: bool, sysfs: Path) -> None:
    pci(sysfs, "0000:65:00.0", **device)  # type: ignore[arg-type]  # names from the case
    assert offer(T4, sysfs).ids() == (["12"] if there else [])


def test_pci_functions_are_given_with_their_group_and_told_by_address(sysfs: Path) -> None:
    pci(sysfs, "0000:65:00.0", group=12)
    pci(sysfs, "0000:66:00.0", group=13)
    pci(sysfs, "0000:66:00.1", group=13)
    assert offer(T4, sysfs).ids() == ["12", "13"]
    assert offer(T4, sysfs).allocate(["13", "12"]) == Allocation(
        files=["/dev/vfio/vfio", "/dev/vfio/13", "/dev/vfio/12"],
        environment={"PCI_RESOURCE_NVIDIA_COM_TU104GL_TESLA_T4": "0000:66:00.0,0000:66:00.1,0000:65:00.0"})


def test_a_device_that_has_gone_is_not_given(sysfs: Path) -> None:
    with pytest.raises(Problem, match=r"nvidia\.com/TU104GL_Tesla_T4 12 is not usable on this node any more"):
        offer(T4, sysfs).allocate(["12"])


@pytest.mark.parametrize(("name", "selector", "there"), [
    pytest.param("GRID T4-1Q", "GRID T4-1Q", True, id="by the name of its type"),
    pytest.param("GRID T4-1Q", " GRID_T4-1Q", True, id="spaces do not matter"),
    pytest.param(None, "nvidia-222", True, id="a type without a name, by its own"),
    pytest.param("GRID T4-2Q", "GRID T4-1Q", False, id="another type"),
])
def test_a_mediated_device_counts(name: str | None, selector: str, there: bool, sysfs: Path) -> None:
    mediated(sysfs, UUID, name)
    permitted = codec.convert({"mediatedDevices": [{"mdevNameSelector": selector, "resourceName": GRID}]},
                              PermittedHostDevices)
    (found,) = host_devices(permitted, sysfs=sysfs)
    assert found.ids() == (["40"] if there else [])
    if there:
        assert found.allocate(["40"]) == Allocation(files=["/dev/vfio/vfio", "/dev/vfio/40"],
                                                    environment={"MDEV_PCI_RESOURCE_NVIDIA_COM_GRID_T4-1Q": UUID})


def test_usb_devices_are_given_in_whole_sets(sysfs: Path) -> None:
    """A set has one device for each selector; a keyboard without a mouse is none."""
    usb(sysfs, "1-1", "046d:c31c", number=4)
    usb(sysfs, "1-2", "046d:c05a", number=5)
    usb(sysfs, "1-3", "046d:c31c", number=6)
    (sysfs / "bus/usb/devices/1-1:1.0").mkdir()
    found = offer(KEYS, sysfs)
    assert found.ids() == ["1-4_1-5"]
    assert found.allocate(found.ids()) == Allocation(files=["/dev/bus/usb/001/004", "/dev/bus/usb/001/005"],
                                                     environment={"USB_RESOURCE_KUBEVIRT_IO_KEYS": "1:4,1:5"})
    usb(sysfs, "2-1", "046d:c05a", bus=2, number=3)
    assert found.ids() == ["1-4_1-5", "1-6_2-3"]


def test_names_of_sockets_fit_into_the_path_of_a_socket(sysfs: Path) -> None:
    assert offer(T4, sysfs).socket_name == "kubevirt-nvidia.com-TU104GL_Tesla_T4.sock"
    long, other = (HostDevices(kind="pci", resource=f"example.com/{'x' * 200}{end}", selectors=()) for end in "ab")
    assert len(long.socket_name) < 64
    assert long.socket_name != other.socket_name


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A directory with a short path, since the address of a socket has 107 bytes at the most."""
    with TemporaryDirectory() as place:
        yield Path(place)


async def test_plugins_follow_the_configuration(sockets: Path, sysfs: Path) -> None:
    """One comes with a device of the node, and begins anew when other devices are permitted under its name."""
    pci(sysfs, "0000:65:00.0")
    registrations: asyncio.Queue[bytes] = asyncio.Queue()

    async def register(request: bytes, _context: object) -> bytes:
        await registrations.put(request)
        return b""

    kubelet = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(register)
    kubelet.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1beta1.Registration",
                                                                           {"Register": handler}),))
    kubelet.add_insecure_port(f"unix://{sockets}/kubelet.sock")
    await kubelet.start()
    asked_for = [offer(T4, sysfs), offer(KEYS, sysfs)]
    async with Tasks() as tasks, asyncio.timeout(60):
        keeper = Keeper(tasks, sockets, permanent=[], asked_for=lambda: asked_for)
        tasks.spawn(keeper.run(), name="keeper")
        first = await registrations.get()
        assert T4.encode() in first
        asked_for[0] = HostDevices(kind="pci", resource=T4, selectors=(("10de", "1eb8"), ("10de", "1eb9")), sysfs=sysfs)
        keeper.look_again()
        assert await registrations.get() == first
        asked_for.clear()
        keeper.look_again()
        while list(sockets.glob("kubevirt-*.sock")):  # noqa: ASYNC110 - a file cannot be awaited
            await asyncio.sleep(0.01)
        assert registrations.empty(), "the node has no such keyboard"
    await kubelet.stop(grace=0)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes device nodes; run as root")
def test_host_devices_of_a_pod_are_its_users(tmp_path: Path) -> None:
    dev, node = tmp_path / "7/root/dev", tmp_path / "dev"
    devices = {"vfio/vfio": (10, 196), "vfio/12": (234, 0), "bus/usb/001/004": (189, 3)}
    for name, number in devices.items():
        for root in (dev, node):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.mknod(root / name, stat.S_IFCHR | 0o600, os.makedev(*number))
    os.mknod(dev / "vfio/13", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    os.mknod(node / "vfio/13", stat.S_IFCHR | 0o600, os.makedev(234, 1))
    own_devices(7, proc=tmp_path, node=node)
    assert {name: (dev / name).stat().st_uid for name in devices} == dict.fromkeys(devices, 107)
    assert (dev / "vfio/13").stat().st_uid == 0, "another device under that name is not given away"
    assert (node / "vfio/12").stat().st_uid == 0, "the node's own stay as they are"


@pytest.mark.skipif(os.geteuid() != 0, reason="makes device nodes; run as root")
def test_links_in_the_place_of_host_devices_are_not_followed(tmp_path: Path) -> None:
    dev, node = tmp_path / "7/root/dev", tmp_path / "dev"
    (node / "vfio").mkdir(parents=True)
    os.mknod(node / "vfio/12", stat.S_IFCHR | 0o600, os.makedev(234, 0))
    dev.mkdir(parents=True)
    (dev / "vfio").symlink_to(node / "vfio")
    own_devices(7, proc=tmp_path, node=node)
    assert (node / "vfio/12").stat().st_uid == 0


def guest(**devices: Json) -> VirtualMachineInstance:
    return codec.convert({"metadata": {"name": "a"}, "spec": {"domain": {"memory": {"guest": "1Gi"},
                                                                         "devices": devices}}}, VirtualMachineInstance)


@pytest.mark.parametrize(("devices", "raised"), [
    pytest.param({}, [], id="a guest without"),
    pytest.param({"hostDevices": [{"name": "gpu", "deviceName": T4}]}, [7, 8, 9], id="the launcher and all below it"),
    pytest.param({"gpus": [{"name": "gpu", "deviceName": GRID}]}, [7, 8, 9], id="GPUs"),
])
def test_guests_with_devices_may_hold_their_memory_fast(devices: dict[str, Json], raised: list[int], tmp_path: Path
                                                        ) -> None:
    for pid, children in ((7, "8 \n"), (8, "9"), (9, "")):
        task = tmp_path / f"{pid}/task/{pid}"
        task.mkdir(parents=True)
        (task / "children").write_text(children)
    limits: dict[int, int] = {}
    allow_pinning(guest(**devices), 7, proc=tmp_path, limit=limits.__setitem__)
    assert list(limits) == raised
    assert all(limit > 2 * 1024**3 for limit in limits.values()), "its memory, and what a device maps besides"


def test_a_limit_that_cannot_be_raised_stops_nothing(tmp_path: Path) -> None:
    tried = []

    def refuse(pid: int, _limit: int) -> None:
        tried.append(pid)
        raise PermissionError(1, "no")

    allow_pinning(guest(gpus=[{"name": "gpu", "deviceName": GRID}]), 7, proc=tmp_path, limit=refuse)
    assert tried == [7]
