"""The domain apart from its disks: CPU, memory, firmware, features, and the devices a guest sees."""

import xml.etree.ElementTree as ET
from typing import ClassVar

import pytest
from machine_samples import UID, vmi

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import JsonObject
from kubevirt.machine.domain import DomainContext, HostCell, HostDevices, Smbios, build_domain
from kubevirt.machine.network.attachment import NicAttachment


def domain(machine: VirtualMachineInstance | None = None, **context: object) -> ET.Element:
    text = build_domain(machine or vmi(), DomainContext(**context))  # type: ignore[arg-type]  # names from the case
    return ET.fromstring(text)  # noqa: S314 - our own output


def attributes(root: ET.Element, path: str) -> dict[str, str] | None:
    found = root.find(path)
    return found.attrib if found is not None else None


class TestVirtualization:
    def test_kvm_where_there_is_kvm(self) -> None:
        assert domain(allow_emulation=True).get("type") == "kvm"

    def test_emulation_where_it_is_allowed(self) -> None:
        root = domain(kvm=False, allow_emulation=True)
        assert root.get("type") == "qemu"
        assert root.findtext("features/tcg/tb-cache") == "64"

    def test_neither(self) -> None:
        with pytest.raises(Refused, match="kvm not present and emulation is not allowed"):
            domain(kvm=False)


class TestCpu:
    @pytest.mark.parametrize(("model", "kvm", "mode"), [
        pytest.param("host-model", True, "host-model", id="as the host"),
        pytest.param("host-model", False, "host-model", id="as far as emulation has it"),
        pytest.param("host-passthrough", True, "host-passthrough", id="the host's own"),
        pytest.param("host-passthrough", False, "maximum", id="there is no host CPU to hand through in emulation"),
        pytest.param("Haswell", True, "custom", id="by name"),
    ])
    def test_mode(self, model: str, kvm: bool, mode: str) -> None:
        root = domain(vmi(domain={"cpu": {"model": model}}), kvm=kvm, allow_emulation=True)
        assert attributes(root, "cpu") == {"mode": mode}

    def test_named_models_come_without_mpx(self) -> None:
        root = domain(vmi(domain={"cpu": {"model": "Haswell"}}))
        assert attributes(root, "cpu/feature[@name='mpx']") == {"name": "mpx", "policy": "disable"}

    def test_sockets_to_fill_later(self) -> None:
        root = domain(vmi(domain={"cpu": {"cores": 2, "sockets": 1, "maxSockets": 2}}))
        assert root.findtext("vcpu") == "4"
        assert attributes(root, "cpu/topology") == {"sockets": "2", "cores": "2", "threads": "1"}
        assert [(v.get("enabled"), v.get("hotpluggable")) for v in root.iterfind("vcpus/vcpu")] == [
            ("yes", "no"), ("yes", "no"), ("no", "yes"), ("no", "yes")]

    def test_as_many_sockets_as_cpus_when_no_topology_is_given(self) -> None:
        root = domain(vmi(domain={"cpu": None, "resources": {"requests": {"cpu": "1500m"}}}))
        assert root.findtext("vcpu") == "2"


class TestDedicatedCpus:
    CPU: ClassVar[JsonObject] = {"cores": 2, "threads": 2, "maxSockets": None, "dedicatedCpuPlacement": True}
    HOST = (HostCell(id=0, cores=((0, 4), (1, 5)), distances={0: 10, 1: 21}),
            HostCell(id=1, cores=((2, 6), (3, 7)), distances={0: 21, 1: 10}))

    def pins(self, root: ET.Element) -> list[str | None]:
        return [pin.get("cpuset") for pin in root.iterfind("cputune/vcpupin")]

    def test_threads_of_a_core_stay_together(self) -> None:
        root = domain(vmi(domain={"cpu": self.CPU}), pod_cpus=(1, 2, 5, 6), host_cells=self.HOST)
        assert self.pins(root) == ["1", "5", "2", "6"]

    def test_fragments_of_cores_come_last(self) -> None:
        root = domain(vmi(domain={"cpu": self.CPU}), pod_cpus=(0, 1, 2, 6), host_cells=self.HOST)
        assert self.pins(root) == ["2", "6", "0", "1"]

    def test_too_few(self) -> None:
        with pytest.raises(Refused, match="not enough exclusive threads provided, could not fit 1 core"):
            domain(vmi(domain={"cpu": self.CPU}), pod_cpus=(0, 1, 2), host_cells=self.HOST)

    def test_the_emulator_gets_a_cpu_of_its_own(self) -> None:
        machine = vmi(domain={"cpu": {**self.CPU, "isolateEmulatorThread": True}})
        root = domain(machine, pod_cpus=(0, 1, 4, 5, 7), host_cells=self.HOST)
        assert attributes(root, "cputune/emulatorpin") == {"cpuset": "7"}
        assert attributes(root, "features/kvm/hint-dedicated") == {"state": "on"}

    def test_numa_cells_of_the_host(self) -> None:
        machine = vmi(domain={
            "cpu": {**self.CPU, "numa": {"guestMappingPassthrough": {}}},
            "memory": {"guest": "6Mi", "hugepages": {"pageSize": "2Mi"}},
        })
        root = domain(machine, pod_cpus=(1, 2, 5, 6), host_cells=self.HOST)
        cells = root.findall("cpu/numa/cell")
        assert [(c.get("cpus"), c.get("memory")) for c in cells] == [("0,1", "4194304"), ("2,3", "2097152")]
        assert [s.get("value") for s in cells[0].iterfind("distances/sibling")] == ["10", "21"]
        assert attributes(root, "numatune/memory") == {"mode": "strict", "nodeset": "0,1"}

    def test_memory_that_does_not_divide_into_pages(self) -> None:
        machine = vmi(domain={
            "cpu": {**self.CPU, "numa": {"guestMappingPassthrough": {}}},
            "memory": {"guest": "5Mi", "hugepages": {"pageSize": "2Mi"}},
        })
        with pytest.raises(Refused, match="can't be divided through the numa page size"):
            domain(machine)


class TestMemory:
    @pytest.mark.parametrize(("given", "expected"), [
        pytest.param({"memory": {"guest": "1Gi"}}, "1073741824", id="of the guest"),
        pytest.param({"memory": None, "resources": {"requests": {"memory": "64M"}}}, "64000000", id="else requested"),
        pytest.param({"memory": None, "resources": {"limits": {"memory": "1Mi"}}}, "1048576", id="else the limit"),
        pytest.param({"memory": {"guest": "1.0000001Ki"}}, "1024", id="rounded down"),
    ])
    def test_amount(self, given: JsonObject, expected: str) -> None:
        root = domain(vmi(domain=given))
        assert root.findtext("memory") == expected
        assert root.find("memoryBacking") is None

    def test_room_for_more(self) -> None:
        root = domain(vmi(domain={"memory": {"guest": "1Gi", "maxGuest": "4Gi"}}))
        assert root.findtext("maxMemory") == str(4 << 30)

    def test_shared_with_a_file_system_server(self) -> None:
        root = domain(vmi({"volumes": [{"name": "fs"}]}, devices={"filesystems": [{"name": "fs", "virtiofs": {}}]}))
        assert attributes(root, "memoryBacking/access") == {"mode": "shared"}
        assert attributes(root, "cpu/numa/cell") == {"id": "0", "cpus": "0-3", "memory": "1048576", "unit": "KiB"}


class TestFirmware:
    def test_bios(self) -> None:
        root = domain()
        assert attributes(root, "os/type") == {"arch": "x86_64", "machine": "q35"}
        assert root.find("os/loader") is None

    @pytest.mark.parametrize(("secure", "code", "variables"), [
        pytest.param(False, "OVMF_CODE.fd", "OVMF_VARS.fd", id="plain"),
        pytest.param(True, "OVMF_CODE.secboot.fd", "OVMF_VARS.secboot.fd", id="secure boot"),
    ])
    def test_efi(self, secure: bool, code: str, variables: str) -> None:
        root = domain(vmi(domain={"firmware": {"bootloader": {"efi": {"secureBoot": secure}}}}))
        assert (root.findtext("os/loader") or "").endswith(f"/{code}")
        assert attributes(root, "os/loader") == {
            "readonly": "yes", "secure": "yes" if secure else "no", "type": "pflash"}
        assert (attributes(root, "os/nvram") or {})["template"].endswith(f"/{variables}")

    def test_direct_kernel_boot(self) -> None:
        root = domain(vmi(domain={"firmware": {"kernelBoot": {
            "kernelArgs": "console=ttyS0",
            "container": {"image": "k", "kernelPath": "/boot/vmlinuz", "initrdPath": "/boot/initrd"}}}}))
        assert root.findtext("os/kernel") == "/var/run/kubevirt-kernel-boot/boot/vmlinuz"
        assert root.findtext("os/cmdline") == "console=ttyS0"

    def test_licence_tables_come_from_secrets(self) -> None:
        firmware: JsonObject = {"firmware": {"acpi": {"slicNameRef": "win"}}}
        root = domain(vmi({"volumes": [{"name": "win", "secret": {"secretName": "s"}}]}, domain=firmware))
        assert root.findtext("os/acpi/table") == "/var/run/kubevirt-private/secret/win/slic.bin"
        with pytest.raises(Refused, match="is not a secret"):
            domain(vmi(domain=firmware))

    def test_what_the_guest_reads_about_itself(self) -> None:
        root = domain(vmi(domain={"chassis": {"asset": "a-1"}}), smbios=Smbios(product="Cloud", sku="7"))
        system = {entry.get("name"): entry.text for entry in root.iterfind("sysinfo/system/entry")}
        assert (system["uuid"], system["product"], system["sku"]) == (
            "5f1fb0d9-0000-4000-8000-000000000001", "Cloud", "7")
        assert root.findtext("sysinfo/chassis/entry[@name='asset']") == "a-1"


class TestFeatures:
    def test_none(self) -> None:
        root = domain(vmi(domain={"features": None}))
        assert [child.tag for child in root.iterfind("features/*")] == ["vmport"]

    def test_hyperv(self) -> None:
        root = domain(vmi(domain={"features": {"hyperv": {
            "relaxed": {}, "spinlocks": {"spinlocks": 8191}, "synictimer": {"direct": {}}, "vapic": {"enabled": False},
            "tlbflush": {"extended": {}}}}}))
        assert {e.tag: e.get("state") for e in root.iterfind("features/hyperv/*")} == {
            "relaxed": "on", "spinlocks": "on", "stimer": "on", "vapic": "off", "tlbflush": "on"}
        assert attributes(root, "features/hyperv/stimer/direct") == {"state": "on"}
        assert attributes(root, "features/hyperv/tlbflush/extended") == {"state": "on"}

    def test_clock(self) -> None:
        timer: JsonObject = {"hpet": {"present": False}, "rtc": {"track": "guest"}}
        root = domain(vmi(domain={"clock": {"utc": {}, "timer": timer}}))
        assert attributes(root, "clock") == {"offset": "utc", "adjustment": "reset"}
        assert [(t.get("name"), t.get("present")) for t in root.iterfind("clock/timer")] == [
            ("rtc", "yes"), ("hpet", "no")]

    def test_a_guest_that_trusts_its_tsc_gets_a_fixed_frequency(self) -> None:
        machine = vmi(domain={"clock": {"utc": {}}, "cpu": {"features": [{"name": "invtsc"}]}},
                      status={"topologyHints": {"tscFrequency": 2_400_000_000}})
        assert attributes(domain(machine), "clock/timer[@name='tsc']") == {"name": "tsc", "frequency": "2400000000"}


class TestInterfaces:
    def test_on_the_tap_that_was_made_for_it(self) -> None:
        root = domain(nics={"default": NicAttachment(network="default", tap="tap0", mtu=1450, mac="02:00:00:00:00:09")})
        interface = root.find("devices/interface")
        assert interface is not None
        assert interface.get("type") == "ethernet"
        assert attributes(interface, "target") == {"dev": "tap0", "managed": "no"}
        assert attributes(interface, "mtu") == {"size": "1450"}
        assert attributes(interface, "mac") == {"address": "02:00:00:00:00:09"}
        assert attributes(interface, "model") == {"type": "virtio-non-transitional"}
        assert attributes(interface, "rom") == {"enabled": "no"}

    def test_a_boot_rom_for_those_who_boot_from_it(self) -> None:
        root = domain(vmi(devices={"interfaces": [{"name": "default", "masquerade": {}, "bootOrder": 1}]}))
        assert root.find("devices/interface/rom") is None
        assert attributes(root, "devices/interface/boot") == {"order": "1"}

    def test_multiqueue(self) -> None:
        machine = vmi(domain={"cpu": {"cores": 4}}, devices={"networkInterfaceMultiqueue": True})
        assert attributes(domain(machine), "devices/interface/driver") == {"name": "vhost", "queues": "4"}

    def test_absent_and_down(self) -> None:
        root = domain(vmi(devices={"interfaces": [
            {"name": "default", "masquerade": {}, "state": "down"}, {"name": "b", "bridge": {}, "state": "absent"}]}))
        assert len(root.findall("devices/interface")) == 1
        assert attributes(root, "devices/interface/link") == {"state": "down"}


class TestDevices:
    @pytest.mark.parametrize(("devices", "path", "expected"), [
        pytest.param({}, "memballoon", {"model": "virtio-non-transitional", "freePageReporting": "on"}, id="balloon"),
        pytest.param({"autoattachMemBalloon": False}, "memballoon", {"model": "none"}, id="no balloon"),
        pytest.param({"rng": {}}, "rng", {"model": "virtio-non-transitional"}, id="random numbers"),
        pytest.param({"useVirtioTransitional": True}, "memballoon",
                     {"model": "virtio-transitional", "freePageReporting": "on"}, id="for old drivers"),
        pytest.param({"watchdog": {"name": "w", "i6300esb": {"action": "poweroff"}}}, "watchdog",
                     {"model": "i6300esb", "action": "poweroff"}, id="watchdog"),
        pytest.param({"tpm": {}}, "tpm", {"model": "tpm-tis"}, id="TPM"),
        pytest.param({"tpm": {"persistent": True}}, "tpm", {"model": "tpm-crb"}, id="TPM that keeps its state"),
        pytest.param({"tpm": {"enabled": False}}, "tpm", None, id="TPM turned off"),
        pytest.param({"sound": {"name": "s"}}, "sound", {"model": "ich9"}, id="sound"),
        pytest.param({"panicDevices": [{"model": "pvpanic"}]}, "panic", {"model": "pvpanic"}, id="panic"),
        pytest.param({"inputs": [{"name": "t", "type": "tablet", "bus": "virtio"}]}, "input",
                     {"type": "tablet", "bus": "virtio", "model": "virtio"}, id="tablet"),
        pytest.param({"autoattachVSOCK": True}, "vsock", None, id="vsock without an address"),
        pytest.param({}, "controller[@type='usb']", {"type": "usb", "index": "0", "model": "none"}, id="no USB"),
        pytest.param({"inputs": [{"name": "t", "type": "tablet"}]}, "controller[@type='usb']",
                     {"type": "usb", "index": "0", "model": "qemu-xhci"}, id="USB for a tablet"),
        pytest.param({"disableHotplug": True}, "controller[@type='scsi']", None, id="no SCSI without hot-plug"),
        pytest.param({"autoattachSerialConsole": False}, "serial", None, id="no serial console"),
        pytest.param({"autoattachGraphicsDevice": False}, "video", None, id="no screen"),
        pytest.param({"video": {"type": "virtio"}}, "video/model", {"type": "virtio", "heads": "1", "vram": "16384"},
                     id="another video card"),
    ])
    def test_device(self, devices: JsonObject, path: str, expected: dict[str, str] | None) -> None:
        assert attributes(domain(vmi(devices=devices)), f"devices/{path}") == expected

    @pytest.mark.parametrize(("devices", "by_default", "logged"), [
        pytest.param({}, True, True, id="as the cluster has it"),
        pytest.param({}, False, False, id="turned off in the cluster"),
        pytest.param({"logSerialConsole": False}, True, False, id="turned off here"),
        pytest.param({"logSerialConsole": True}, False, True, id="turned on here"),
    ])
    def test_serial_log(self, devices: JsonObject, by_default: bool, logged: bool) -> None:
        log = domain(vmi(devices=devices), serial_log=by_default).find("devices/serial/log")
        assert (log is not None) == logged
        if log is not None:
            assert log.get("file") == f"/var/run/kubevirt-private/{UID}/virt-serial0-log"

    def test_nothing_is_taken_back_from_guests_with_resources_of_their_own(self) -> None:
        root = domain(vmi(domain={"memory": {"hugepages": {"pageSize": "2Mi"}}}))
        assert "freePageReporting" not in (attributes(root, "devices/memballoon") or {})

    def test_devices_of_protected_guests_go_through_the_iommu(self) -> None:
        root = domain(vmi(domain={"launchSecurity": {"sev": {}}}, devices={"rng": {}}))
        for path in ("interface", "memballoon", "rng", "controller[@type='scsi']"):
            assert attributes(root, f"devices/{path}/driver") == {"iommu": "on"}
        assert root.findtext("launchSecurity/policy") == "0x1"

    def test_ignition(self) -> None:
        root = domain(vmi(metadata={"annotations": {"kubevirt.io/ignitiondata": '{"ignition": {}}'}}))
        namespace = "{http://libvirt.org/schemas/domain/qemu/1.0}"
        values = [arg.get("value") for arg in root.iterfind(f"{namespace}commandline/{namespace}arg")]
        assert values[0] == "-fw_cfg"
        assert str(values[1]).endswith("ignition-data/lab/guest/data.ign")


class TestHostDevices:
    GPU: ClassVar[JsonObject] = {"gpus": [{"name": "g", "deviceName": "vendor.example/gpu"}]}

    def test_addresses_are_used_up_in_order(self) -> None:
        devices = HostDevices(pci={"vendor.example/nic": ("0000:01:00.0", "0000:02:00.0")})
        root = domain(vmi(devices={"hostDevices": [{"name": n, "deviceName": "vendor.example/nic"} for n in "ab"]}),
                      host_devices=devices)
        assert [h.get("bus") for h in root.iterfind("devices/hostdev/source/address")] == ["0x01", "0x02"]
        assert attributes(root, "devices/hostdev/alias") == {"name": "ua-hostdevice-a"}

    @pytest.mark.parametrize(("names", "given", "expected"), [
        pytest.param("a", ["1:4"], {"ua-usb-host-a": "1:4"}, id="one"),
        pytest.param("ab", ["1:4", "2:3"], {"ua-usb-host-a": "1:4", "ua-usb-host-b": "2:3"}, id="one each"),
        pytest.param("a", ["1:4", "1:5"], {"ua-usb-host-a": "1:4", "ua-usb-host-a-2": "1:5"}, id="a set"),
        pytest.param("ab", ["1:4", "1:5", "2:3", "2:4"], {"ua-usb-host-a": "1:4", "ua-usb-host-a-2": "1:5",
                                                          "ua-usb-host-b": "2:3", "ua-usb-host-b-2": "2:4"},
                     id="two sets"),
    ])
    def test_usb_devices(self, names: str, given: list[str], expected: dict[str, str]) -> None:
        devices: JsonObject = {"hostDevices": [{"name": n, "deviceName": "vendor.example/keys"} for n in names]}
        root = domain(vmi(devices=devices), host_devices=HostDevices(usb={"vendor.example/keys": tuple(given)}))
        found = {}
        for hostdev in root.iterfind("devices/hostdev[@type='usb']"):
            alias, address = hostdev.find("alias"), hostdev.find("source/address")
            assert alias is not None
            assert address is not None
            found[alias.get("name")] = f"{address.get('bus')}:{address.get('device')}"
        assert found == expected

    def test_too_few_usb_devices(self) -> None:
        devices: JsonObject = {"hostDevices": [{"name": n, "deviceName": "vendor.example/keys"} for n in "ab"]}
        with pytest.raises(Refused, match="no device 'vendor\\.example/keys' was allotted for 'b'"):
            domain(vmi(devices=devices), host_devices=HostDevices(usb={"vendor.example/keys": ("1:4",)}))

    def test_the_first_mediated_gpu_is_the_screen(self) -> None:
        root = domain(vmi(devices=self.GPU), host_devices=HostDevices(mediated={"vendor.example/gpu": ("uuid-1",)}))
        assert attributes(root, "devices/hostdev") == {
            "type": "mdev", "mode": "subsystem", "model": "vfio-pci", "display": "on", "ramfb": "on"}

    def test_too_few(self) -> None:
        with pytest.raises(Refused, match="no device 'vendor\\.example/gpu' was allotted for 'g'"):
            domain(vmi(devices=self.GPU), host_devices=HostDevices())

    def test_unknown_devices_are_not_shown(self) -> None:
        assert domain(vmi(devices=self.GPU)).find("devices/hostdev") is None


@pytest.mark.parametrize(("arch", "video", "usb"), [
    pytest.param("arm64", "virtio", "qemu-xhci", id="arm64"),
    pytest.param("s390x", "virtio", "none", id="s390x"),
])
def test_other_architectures(arch: str, video: str, usb: str) -> None:
    root = domain(arch=arch)
    assert (attributes(root, "devices/video/model") or {})["type"] == video
    assert (attributes(root, "devices/controller[@type='usb']") or {})["model"] == usb
    assert root.find("features/vmport") is None


def test_reboot_policy() -> None:
    assert domain(vmi(domain={"rebootPolicy": "Terminate"})).findtext("on_reboot") == "destroy"
    assert domain().find("on_reboot") is None


def test_the_name_tells_namespace_and_vmi() -> None:
    assert domain().findtext("name") == "lab_guest"
