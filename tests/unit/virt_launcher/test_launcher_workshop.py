"""Container disks: which images are taken, and what is said of the others. With the real qemu-img if there is one."""

import gzip
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem, Refused
from kubevirt.kit.json import Json
from kubevirt.machine.domain import HostDevices
from kubevirt.virt_launcher.orders import Described, DescribedInterface
from kubevirt.virt_launcher.workshop import images
from kubevirt.virt_launcher.workshop.describe import describe
from kubevirt.virt_launcher.workshop.host_devices import host_devices
from kubevirt.virt_launcher.workshop.images import ImageShelf
from kubevirt.virt_launcher.workshop.iso import write_iso
from kubevirt.virt_launcher.workshop.qemu_img import complaint, why_not_created

needs_qemu_img = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img is not installed (Debian package qemu-utils); e2e has it"
)


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    (tmp_path / "disk_0" / "disk").mkdir(parents=True)
    return tmp_path / "disk_0"


@pytest.mark.parametrize(
    ("files", "path", "words"),
    [
        pytest.param([], "", "holds no file", id="an empty image"),
        pytest.param(["disk/a", "disk/b"], "", "holds 2 files", id="two disks"),
        pytest.param(["disk/sub/a"], "", "not an ordinary file", id="a directory"),
        pytest.param(["disk/a"], "/b", "no file /b", id="a path that is not there"),
        pytest.param(["disk/a"], "/../outside", "leads out", id="a path out of the image"),
        pytest.param(["disk/a"], "/link", "leads out", id="a link out of the image"),
    ],
)
def test_no_disk_is_found(mount: Path, files: list[str], path: str, words: str) -> None:
    for name in files:
        (mount / name).parent.mkdir(exist_ok=True)
        (mount / name).touch()
    (mount.parent / "outside").touch()
    (mount / "link").symlink_to("../outside")
    with pytest.raises(Problem, match=words) as told:
        images.find(mount, path)
    assert told.value.remedy


def test_no_directory_for_disks_at_all(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no directory /disk"):
        images.find(tmp_path, "")


@pytest.mark.parametrize("path", ["", "/disk/a", "disk/a"])
def test_the_one_disk_is_found(mount: Path, path: str) -> None:
    (mount / "disk" / "a").touch()
    (mount / "disk" / ".hidden").touch()
    assert images.find(mount, path) == mount / "disk" / "a"


def garbage(file: Path) -> None:
    file.write_bytes(b"not a disk at all")


def broken_qcow2(file: Path) -> None:
    file.write_bytes(b"QFI\xfb\x00\x00\x00\x03" + b"\xff" * 500)


def packed(file: Path) -> None:
    file.write_bytes(gzip.compress(b"\0" * 4096))


def leaning_on_another(file: Path) -> None:
    backed = ["-f", "qcow2", "-b", "/etc/shadow", "-F", "raw"]
    subprocess.run(["qemu-img", "create", "-q", *backed, file, "1M"], check=True)


def of_another_make(file: Path) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", file, "1M"], check=True)


@needs_qemu_img
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (garbage, "not a whole number of sectors"),
        (Path.touch, "0 bytes"),
        (broken_qcow2, "not a readable disk image"),
        (packed, "packed with gzip"),
        (leaning_on_another, "refers to another file"),
        (of_another_make, "has the format vmdk"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_unusable_disks_are_refused_in_plain_words(mount: Path, make: Callable[[Path], None], words: str) -> None:
    make(mount / "disk" / "demo.img")
    shelf = ImageShelf(mount.parent)
    shelf.look_around()
    with pytest.raises(Refused, match=words) as told:
        shelf.image(mount, path="", field="spec.volumes[0].containerDisk", reference="registry/demo:1")
    assert told.value.field == "spec.volumes[0].containerDisk"
    assert "registry/demo:1" in told.value.cause
    assert told.value.remedy


@needs_qemu_img
@pytest.mark.parametrize("format_", ["raw", "qcow2"])
def test_usable_disks_are_taken(mount: Path, format_: str) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", format_, mount / "disk" / "demo.img", "1M"], check=True)
    image = ImageShelf(mount.parent).image(mount, path="", field="", reference="")
    assert (image.format, image.virtual_bytes) == (format_, 1024 * 1024)


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("", "qemu-img gives no reason"),
        ("qemu-img: Could not open '/d/x': Image is not in qcow2 format\n", "Image is not in qcow2 format"),
        ("warning: a\nqemu-img: /d/x: No space left on device\n", "No space left on device"),
    ],
)
def test_complaints_of_qemu_img(stderr: str, expected: str) -> None:
    assert complaint(stderr, path="/d/x") == expected


@pytest.mark.parametrize(("path", "said", "cause", "remedy"), [
    pytest.param("/x/disk-data/root/disk.qcow2", "Could not write qcow2 header: No space left on device",
                 "no disk space left for volume root", "another one", id="a full node"),
    pytest.param("/x/empty-disks/scratch.qcow2", "Disk quota exceeded", "no disk space left for volume scratch",
                 "another one", id="a full quota"),
    pytest.param("/x/empty-disks/scratch.qcow2",
                 "/x/empty-disks/scratch.qcow2: The image size is too large for file format 'qcow2'",
                 "volume scratch is larger than a disk image can be", "less capacity", id="more than any disk has"),
    pytest.param("/x/empty-disks/scratch.qcow2", "Permission denied",
                 "the disk of volume scratch could not be made: Permission denied", "log", id="anything else"),
])  # fmt: skip
def test_a_disk_that_cannot_be_made(path: str, said: str, cause: str, remedy: str) -> None:
    told = why_not_created(Path(path), said)
    assert cause in told.cause
    assert remedy in told.remedy


def test_a_domain_is_read_back() -> None:
    xml = """<domain type='qemu'><memory unit='KiB'>262144</memory><currentMemory unit='KiB'>131072</currentMemory>
      <vcpu placement='static' current='2'>4</vcpu><os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>
      <devices><interface type='ethernet'><mac address='52:54:00:aa:00:01'/><driver name='vhost' queues='2'/>
      <alias name='ua-default'/><link state='down'/></interface></devices></domain>"""
    assert describe(xml) == Described(
        machine_type="pc-q35-10.0", vcpus=2, memory_bytes=128 * 1024 * 1024,
        interfaces=[DescribedInterface(name="default", mac="52:54:00:aa:00:01", queues=2, link_down=True)],
    )  # fmt: skip


def test_an_iso_image_holds_its_files_under_their_own_names(tmp_path: Path) -> None:
    pycdlib = pytest.importorskip("pycdlib")
    files = {"meta-data": b"{}", "user-data": b"#!/bin/sh\n", "openstack/latest/x.json": b"", "a long NAME": b"x"}
    target = tmp_path / "cloud-init-data" / "noCloud.iso"
    write_iso(target, label="cidata", files=files)
    iso = pycdlib.PyCdlib()
    iso.open(str(target))
    assert iso.pvd.volume_identifier.rstrip() == b"cidata"
    for kind in ("rr_path", "joliet_path"):
        for name, content in files.items():
            copy = tmp_path / "copy"
            iso.get_file_from_iso(str(copy), **{kind: f"/{name}"})
            assert copy.read_bytes() == content
    iso.close()
    assert [file.name for file in target.parent.iterdir()] == ["noCloud.iso"]


@pytest.mark.parametrize(("devices", "expected"), [
    pytest.param({}, None, id="a machine without"),
    pytest.param({"gpus": [{"name": "g", "deviceName": "nvidia.com/T4"}]},
                 HostDevices(pci={"nvidia.com/T4": ("0000:65:00.0", "0000:66:00.0")}), id="a PCI function"),
    pytest.param({"gpus": [{"name": "g", "deviceName": "nvidia.com/GRID_T4-1Q"}]},
                 HostDevices(mediated={"nvidia.com/GRID_T4-1Q": ("uuid-1",)}), id="a mediated device"),
    pytest.param({"hostDevices": [{"name": "k", "deviceName": "kubevirt.io/keys"}]},
                 HostDevices(usb={"kubevirt.io/keys": ("1:4", "1:5")}), id="USB"),
    pytest.param({"hostDevices": [{"name": "k", "deviceName": "example.com/none"}]}, HostDevices(),
                 id="one that nobody gave: the domain's builder says so"),
])  # fmt: skip
def test_host_devices_out_of_the_environment(devices: dict[str, Json], expected: HostDevices | None) -> None:
    vmi = codec.convert({"metadata": {"name": "a"}, "spec": {"domain": {"devices": devices}}}, VirtualMachineInstance)
    environment = {"PCI_RESOURCE_NVIDIA_COM_T4": "0000:65:00.0,0000:66:00.0", "HOME": "/",
                   "USB_RESOURCE_KUBEVIRT_IO_KEYS": "1:4,1:5", "MDEV_PCI_RESOURCE_NVIDIA_COM_GRID_T4-1Q": "uuid-1"}
    assert host_devices(vmi, environment) == expected
