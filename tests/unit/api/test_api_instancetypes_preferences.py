"""What a preference makes of a machine: each field fills in what is unset, and leaves alone what is said already."""

from __future__ import annotations

from typing import Any

import pytest

from kubevirt.api import codec
from kubevirt.api.instancetypes.expansion import Offers, apply_autoattach_preferences, apply_offers
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.preference_devices import DevicePreferences
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.kit.json import Json, JsonObject, dig


def applied(preference: dict[str, Any], spec: dict[str, Any], annotations: dict[str, str] | None = None) -> JsonObject:
    offers = Offers(preference=codec.convert(preference, VirtualMachinePreferenceSpec))
    made = codec.convert(spec, VirtualMachineInstanceSpec)
    metadata = ObjectMeta(annotations=dict(annotations or {}))
    assert apply_offers(offers, made, metadata) == []
    return {**codec.to_builtins(made), "annotations": dict(metadata.annotations)}


def devices(**liked: Any) -> dict[str, Any]:
    return {"devices": liked}


def of_devices(**given: Any) -> dict[str, Any]:
    return {"domain": {"devices": given}}


def domain(**given: Any) -> dict[str, Any]:
    return {"domain": {"devices": {}, **given}}


DISK = ("domain", "devices", "disks", 0)
POD_NETWORK = [{"name": "n", "pod": {}}]


def with_interface(interface: dict[str, Any], network: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**of_devices(interfaces=[{"name": "n", **interface}]), "networks": [network or POD_NETWORK[0]]}


def at(made: JsonObject, path: tuple[str | int, ...]) -> Json:
    found: Json = made
    for step in path:
        if isinstance(step, int):
            assert isinstance(found, list)
            found = found[step]
        else:
            found = dig(found, step)
    return found


FILLED = [
    *(pytest.param(devices(**{f"preferredAutoattach{name[0].upper()}{name[1:]}": False}),
                   ("domain", "devices", f"autoattach{name[0].upper()}{name[1:]}"), False,
                   of_devices(**{f"autoattach{name[0].upper()}{name[1:]}": True}), True, id=f"autoattach {name}")
      for name in ("graphicsDevice", "inputDevice", "memBalloon", "podInterface", "serialConsole")),
    pytest.param(devices(preferredBlockMultiQueue=True), ("domain", "devices", "blockMultiQueue"), True,
                 of_devices(blockMultiQueue=False), False, id="queues of disks"),
    pytest.param(devices(preferredNetworkInterfaceMultiQueue=True),
                 ("domain", "devices", "networkInterfaceMultiqueue"), True,
                 of_devices(networkInterfaceMultiqueue=False), False, id="queues of interfaces"),
    pytest.param(devices(preferredUseVirtioTransitional=True), ("domain", "devices", "useVirtioTransitional"), True,
                 of_devices(useVirtioTransitional=False), False, id="transitional virtio"),
    pytest.param(devices(preferredTPM={"persistent": True}), ("domain", "devices", "tpm"), {"persistent": True},
                 of_devices(tpm={"enabled": False}), {"enabled": False}, id="TPM"),
    pytest.param(devices(preferredRng={}), ("domain", "devices", "rng"), {}, of_devices(rng={}), {}, id="entropy"),
    pytest.param(devices(preferredVideoType="virtio"), ("domain", "devices", "video"), {"type": "virtio"},
                 of_devices(video={"type": "vga"}), {"type": "vga"}, id="graphics adapter"),
    pytest.param(devices(preferredPanicDeviceModel="isa"), ("domain", "devices", "panicDevices"), [{"model": "isa"}],
                 of_devices(panicDevices=[{"model": "hyperv"}, {}]), [{"model": "hyperv"}, {"model": "isa"}],
                 id="panic devices"),
    pytest.param({"features": {"preferredApic": {"enabled": True}}}, ("domain", "features", "apic"), {"enabled": True},
                 domain(features={"apic": {"enabled": False}}), {"enabled": False}, id="APIC"),
    pytest.param({"features": {"preferredKvm": {"hidden": True}}}, ("domain", "features", "kvm"), {"hidden": True},
                 domain(features={"kvm": {"hidden": False}}), {"hidden": False}, id="KVM"),
    pytest.param({"features": {"preferredPvspinlock": {"enabled": True}}}, ("domain", "features", "pvspinlock"),
                 {"enabled": True}, domain(features={"pvspinlock": {}}), {}, id="spinlocks"),
    pytest.param({"features": {"preferredSmm": {"enabled": True}}}, ("domain", "features", "smm"), {"enabled": True},
                 domain(features={"smm": {"enabled": False}}), {"enabled": False}, id="SMM"),
    pytest.param({"features": {"preferredHyperv": {"relaxed": {}, "vapic": {"enabled": True}}}},
                 ("domain", "features", "hyperv"), {"relaxed": {}, "vapic": {"enabled": True}},
                 domain(features={"hyperv": {"vapic": {"enabled": False}}}),
                 {"relaxed": {}, "vapic": {"enabled": False}}, id="each enlightenment"),
    pytest.param({"firmware": {"preferredUseBios": True, "preferredUseBiosSerial": True}},
                 ("domain", "firmware", "bootloader"), {"bios": {"useSerial": True}},
                 domain(firmware={"bootloader": {"efi": {}}}), {"efi": {}}, id="BIOS"),
    pytest.param({"firmware": {"preferredUseEfi": True, "preferredUseSecureBoot": True}},
                 ("domain", "firmware", "bootloader"), {"efi": {"secureBoot": True}},
                 domain(firmware={"bootloader": {"bios": {}}}), {"bios": {}}, id="UEFI, as it used to be written"),
    pytest.param({"firmware": {"preferredEfi": {"persistent": True}, "preferredUseSecureBoot": True}},
                 ("domain", "firmware", "bootloader"), {"efi": {"persistent": True}},
                 domain(firmware={"bootloader": {"bios": {}}}), {"bios": {}}, id="UEFI with settings"),
    pytest.param({"machine": {"preferredMachineType": "pc-q35-9.0"}}, ("domain", "machine"), {"type": "pc-q35-9.0"},
                 domain(machine={"type": "q35"}), {"type": "q35"}, id="board"),
    pytest.param({"clock": {"preferredClockOffset": {"timezone": "Europe/Rome"}}}, ("domain", "clock"),
                 {"timezone": "Europe/Rome"}, domain(clock={"utc": {}}), {"utc": {}}, id="clock offset"),
    pytest.param({"clock": {"preferredTimer": {"hpet": {"present": False}}}}, ("domain", "clock", "timer"),
                 {"hpet": {"present": False}}, domain(clock={"timer": {"kvm": {}}}), {"kvm": {}}, id="timers"),
    pytest.param({"preferredSubdomain": "sub"}, ("subdomain",), "sub", {**domain(), "subdomain": "own"}, "own",
                 id="sub-domain"),
    pytest.param({"preferredTerminationGracePeriodSeconds": 7}, ("terminationGracePeriodSeconds",), 7,
                 {**domain(), "terminationGracePeriodSeconds": 0}, 0, id="grace period"),
    pytest.param({"preferredArchitecture": "arm64"}, ("architecture",), "arm64",
                 {**domain(), "architecture": "amd64"}, "amd64", id="architecture"),
    pytest.param({"preferredLaunchSecurity": {"snp": {}}}, ("domain", "launchSecurity"), {"snp": {}},
                 domain(launchSecurity={"tdx": {}}), {"tdx": {}}, id="launch security"),
]


@pytest.mark.parametrize(("preference", "path", "filled", "own", "kept"), FILLED)
def test_what_is_unset_is_filled_and_what_is_said_stays(
    preference: dict[str, Any], path: tuple[str, ...], filled: Json, own: dict[str, Any], kept: Json
) -> None:
    assert at(applied(preference, domain()), path) == filled
    assert at(applied(preference, own), path) == kept


@pytest.mark.parametrize(("disk", "path", "expected"), [
    pytest.param({}, ("disk", "bus"), "virtio", id="a disk without target is a hard disk"),
    pytest.param({"disk": {}}, ("disk", "bus"), "virtio", id="bus of disks"),
    pytest.param({"disk": {"bus": "scsi"}}, ("disk", "bus"), "scsi", id="a bus that is said stays"),
    pytest.param({"disk": {}}, ("cache",), "none", id="cache"),
    pytest.param({"disk": {}, "cache": "writeback"}, ("cache",), "writeback", id="a cache mode that is said stays"),
    pytest.param({"disk": {}}, ("io",), "native", id="I/O mode"),
    pytest.param({"disk": {}}, ("blockSize",), {"matchVolume": {}}, id="block sizes"),
    pytest.param({"disk": {}}, ("dedicatedIOThread",), True, id="a thread for each virtio disk"),
    pytest.param({"disk": {"bus": "sata"}}, ("dedicatedIOThread",), None, id="no thread for disks of another bus"),
    pytest.param({"cdrom": {}}, ("cdrom", "bus"), "sata", id="bus of CD-ROMs"),
    pytest.param({"cdrom": {}}, ("cache",), None, id="settings of disks are not for CD-ROMs"),
    pytest.param({"lun": {}}, ("lun", "bus"), "scsi", id="bus of LUNs"),
])
def test_disks(disk: dict[str, Any], path: tuple[str, ...], expected: Json) -> None:
    liked = devices(
        preferredDiskBus="virtio", preferredCdromBus="sata", preferredLunBus="scsi", preferredDiskCache="none",
        preferredDiskIO="native", preferredDiskBlockSize={"matchVolume": {}}, preferredDiskDedicatedIoThread=True)
    assert at(applied(liked, of_devices(disks=[{"name": "d", **disk}])), (*DISK, *path)) == expected


@pytest.mark.parametrize(("spec", "path", "expected"), [
    pytest.param(with_interface({}), ("model",), "e1000e", id="model"),
    pytest.param(with_interface({"model": "virtio"}), ("model",), "virtio", id="a model that is said stays"),
    pytest.param(with_interface({}), ("masquerade",), {}, id="unbound on the pod network"),
    pytest.param(with_interface({"bridge": {}}), ("masquerade",), None, id="bound otherwise"),
    pytest.param(with_interface({"binding": {"name": "p"}}), ("masquerade",), None, id="bound by a plug-in"),
    pytest.param(with_interface({}, {"name": "n", "multus": {"networkName": "x"}}), ("masquerade",), None,
                 id="not on the pod network"),
])
def test_interfaces(spec: dict[str, Any], path: tuple[str, ...], expected: Json) -> None:
    liked = devices(preferredInterfaceModel="e1000e", preferredInterfaceMasquerade={})
    assert at(applied(liked, spec), ("domain", "devices", "interfaces", 0, *path)) == expected


def test_input_devices_sound_and_gpus_are_set_up_only_where_they_are() -> None:
    liked = devices(preferredInputBus="virtio", preferredInputType="tablet", preferredSoundModel="ac97",
                    preferredVirtualGPUOptions={"display": {"enabled": False}})
    bare = applied(liked, domain())
    assert at(bare, ("domain", "devices")) == {}
    made = applied(liked, of_devices(inputs=[{"name": "i"}, {"name": "u", "bus": "usb"}], sound={"name": "s"},
                                     gpus=[{"name": "g", "deviceName": "x"}]))
    assert at(made, ("domain", "devices", "inputs")) == [
        {"name": "i", "bus": "virtio", "type": "tablet"}, {"name": "u", "bus": "usb", "type": "tablet"}]
    assert at(made, ("domain", "devices", "sound")) == {"name": "s", "model": "ac97"}
    assert at(made, ("domain", "devices", "gpus", 0, "virtualGPUOptions")) == {"display": {"enabled": False}}


def test_no_adapter_is_added_to_a_machine_without_graphics() -> None:
    made = applied(devices(preferredVideoType="virtio"), of_devices(autoattachGraphicsDevice=False))
    assert at(made, ("domain", "devices", "video")) is None


def test_two_switches_are_overwritten() -> None:
    liked = {"features": {"preferredAcpi": {"enabled": False}}, **devices(preferredDisableHotplug=False)}
    own = {"domain": {"devices": {"disableHotplug": True}, "features": {"acpi": {"enabled": True}}}}
    made = applied(liked, own)
    assert at(made, ("domain", "features", "acpi")) == {"enabled": False}
    assert at(made, ("domain", "devices", "disableHotplug")) is False


@pytest.mark.parametrize(("passthrough", "hyperv"), [({}, {"relaxed": {}}), ({"enabled": True}, None)],
                         ids=["not on", "on"])
def test_enlightenments_are_not_added_to_those_passed_through(passthrough: dict[str, Any], hyperv: Json) -> None:
    liked: dict[str, Any] = {"features": {"preferredHyperv": {"relaxed": {}}}}
    made = applied(liked, domain(features={"hypervPassthrough": passthrough}))
    assert at(made, ("domain", "features", "hyperv")) == hyperv


def test_cpu_features_are_added_to_those_that_are_named() -> None:
    liked = {"cpu": {"preferredCPUFeatures": [{"name": "a", "policy": "require"}, {"name": "b"}]}}
    made = applied(liked, domain(cpu={"features": [{"name": "a", "policy": "disable"}]}))
    assert at(made, ("domain", "cpu", "features")) == [{"name": "a", "policy": "disable"}, {"name": "b"}]


def test_annotations_are_added_unless_there() -> None:
    made = applied({"annotations": {"a": "liked", "b": "liked"}}, domain(), {"a": "own"})
    assert made["annotations"] == {"a": "own", "b": "liked"}


def test_only_what_is_attached_unasked_is_settled_beforehand() -> None:
    liked = VirtualMachinePreferenceSpec(
        devices=DevicePreferences(preferred_autoattach_pod_interface=False, preferred_disk_bus="virtio"))
    spec = codec.convert(of_devices(disks=[{"name": "d"}]), VirtualMachineInstanceSpec)
    apply_autoattach_preferences(Offers(preference=liked), spec)
    assert spec.domain.devices.autoattach_pod_interface is False
    assert spec.domain.devices.disks[0].disk is None


def test_the_preference_itself_is_never_changed() -> None:
    liked = codec.convert({"firmware": {"preferredEfi": {}, "preferredUseSecureBoot": True}},
                          VirtualMachinePreferenceSpec)
    before = codec.encode(liked)
    spec = codec.convert(domain(), VirtualMachineInstanceSpec)
    apply_offers(Offers(preference=liked), spec, ObjectMeta())
    assert spec.domain.firmware is not None and spec.domain.firmware.bootloader is not None
    efi = spec.domain.firmware.bootloader.efi
    assert efi is not None
    efi.persistent = True
    assert codec.encode(liked) == before


def test_every_field_of_device_preferences_is_put_to_use() -> None:
    """A field that nothing reads would be a promise to users that is not kept."""
    source = "".join(str(param.values) for param in FILLED)
    tested_elsewhere = {
        "preferredDiskBus", "preferredCdromBus", "preferredLunBus", "preferredDiskCache", "preferredDiskIO",
        "preferredDiskBlockSize", "preferredDiskDedicatedIoThread", "preferredInterfaceModel",
        "preferredInterfaceMasquerade", "preferredInputBus", "preferredInputType", "preferredSoundModel",
        "preferredVirtualGPUOptions", "preferredDisableHotplug",
    }
    names = set(DevicePreferences.__struct_encode_fields__)
    assert {name for name in names if name not in source} == tested_elsewhere
