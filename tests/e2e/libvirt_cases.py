"""Instances of every device family, each about one thing: a small one that is changed."""

from uuid import UUID, uuid5

from kubevirt.kit.json import Json, JsonObject, merge

FAMILY = UUID("0b5d8c6e-1111-4222-8333-944455556666")


def vmi(name: str, change: JsonObject) -> JsonObject:
    base: JsonObject = {
        "metadata": {"name": name.replace(" ", "-"), "namespace": "zoo", "uid": str(uuid5(FAMILY, name))},
        "spec": {"architecture": "amd64", "domain": {"memory": {"guest": "1Gi"}, "devices": {}}},
    }
    merged = merge(base, change)
    assert isinstance(merged, dict)
    return merged


def domain(**members: Json) -> JsonObject:
    return {"spec": {"domain": dict(members)}}


def devices(**members: Json) -> JsonObject:
    return domain(devices=dict(members))


def disk(volume: JsonObject | None = None, **members: Json) -> JsonObject:
    target: JsonObject = {} if {"cdrom", "lun", "disk"} & members.keys() else {"disk": {"bus": "virtio"}}
    source = volume or {"containerDisk": {"image": "demo:1"}}
    disks: list[Json] = [{"name": "d", **target, **members}]
    return {"spec": {"domain": {"devices": {"disks": disks}}, "volumes": [{"name": "d", **source}]}}


def nic(network: JsonObject | None = None, **members: Json) -> JsonObject:
    binding: JsonObject = {} if {"bridge", "masquerade", "passtBinding"} & members.keys() else {"masquerade": {}}
    interfaces: list[Json] = [{"name": "n", **binding, **members}]
    source: JsonObject = network or {"pod": {}}
    networks: list[Json] = [{"name": "n", **source}]
    return {"spec": {"domain": {"devices": {"interfaces": interfaces}}, "networks": networks}}


def _with(*parts: JsonObject) -> JsonObject:
    whole: Json = {}
    for part in parts:
        whole = merge(whole, part)
    assert isinstance(whole, dict)
    return whole


CLAIM: JsonObject = {"persistentVolumeClaim": {"claimName": "c"}}
SMM: JsonObject = {"smm": {"enabled": True}}
BUSES = ["virtio", "sata", "scsi", "usb"] * 7
MANY: list[Json] = [{"name": f"d{i}", "disk": {"bus": bus}} for i, bus in enumerate(BUSES)]
MANY_VOLUMES: list[Json] = [{"name": f"d{i}", "emptyDisk": {"capacity": "1Mi"}} for i in range(28)]
HYPERV: JsonObject = {
    "relaxed": {}, "vapic": {}, "spinlocks": {"spinlocks": 8191}, "vpindex": {}, "runtime": {}, "synic": {},
    "synictimer": {"direct": {}}, "reset": {}, "vendorid": {"vendorid": "KVMKVM"}, "frequencies": {}, "ipi": {},
    "tlbflush": {}, "reenlightenment": {},
}  # fmt: skip
TIMERS: JsonObject = {
    "hpet": {"present": False}, "pit": {"tickPolicy": "delay"}, "rtc": {"tickPolicy": "catchup", "track": "guest"},
    "kvm": {"present": True}, "hyperv": {"present": True},
}  # fmt: skip

KERNEL: JsonObject = {"image": "k", "kernelPath": "/k", "initrdPath": "/i"}

CASES: dict[str, JsonObject] = {
    "nothing asked for": {},
    "disk virtio": disk(),
    "disk sata": disk(disk={"bus": "sata"}),
    "disk scsi": disk(disk={"bus": "scsi"}),
    "disk usb": disk(disk={"bus": "usb"}),
    "disk of a claim": disk(CLAIM),
    "disk of a data volume": disk({"dataVolume": {"name": "c"}}),
    "disk of an ephemeral claim": disk({"ephemeral": CLAIM}),
    "block disk of a claim": disk(CLAIM),
    "block disk of a data volume": disk({"dataVolume": {"name": "c"}}),
    "block disk of an ephemeral claim": disk({"ephemeral": CLAIM}),
    "disk of the host": disk({"hostDisk": {"path": "/data/disk.img", "type": "DiskOrCreate", "capacity": "1Gi"}}),
    "empty disk": disk({"emptyDisk": {"capacity": "1Gi"}}),
    "config map": disk({"configMap": {"name": "a"}}),
    "secret": disk({"secret": {"secretName": "a"}}),
    "downward api": disk({"downwardAPI": {"fields": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}}),
    "service account": disk({"serviceAccount": {"serviceAccountName": "a"}}),
    "sysprep": disk({"sysprep": {"configMap": {"name": "a"}}}, cdrom={"bus": "sata"}),
    "cloud-init": disk({"cloudInitNoCloud": {"userData": "#!/bin/sh"}}),
    "config drive": disk({"cloudInitConfigDrive": {"userData": "#!/bin/sh"}}),
    "downward metrics disk": disk({"downwardMetrics": {}}),
    "cdrom sata": disk(cdrom={"bus": "sata"}),
    "cdrom scsi writable open": disk(cdrom={"bus": "scsi", "readonly": False, "tray": "open"}),
    "cdrom usb": disk(cdrom={"bus": "usb"}),
    "cdrom empty": {**devices(disks=[{"name": "d", "cdrom": {"bus": "sata"}}])},
    "lun scsi": disk(CLAIM, lun={"bus": "scsi"}),
    "lun virtio": disk(CLAIM, lun={"bus": "virtio"}),
    "lun with reservation": disk(CLAIM, lun={"bus": "scsi", "reservation": True}),
    "disk read-only": disk(disk={"bus": "virtio", "readonly": True}),
    "disk serial and boot order": disk(serial="a.b-C_1", bootOrder=1),
    "disk shareable": disk(CLAIM, shareable=True),
    "disk cache none": disk(cache="none"),
    "disk cache writethrough": disk(cache="writethrough"),
    "disk cache writeback": disk(cache="writeback"),
    "disk io threads": disk(io="threads"),
    "disk io native": disk(io="native", cache="none"),
    "disk io native alone": disk(io="native"),
    "disk io native with writeback": disk(io="native", cache="writeback"),
    "disk error policy ignore": disk(errorPolicy="ignore"),
    "disk error policy report": disk(errorPolicy="report"),
    "disk error policy enospace": disk(errorPolicy="enospace"),
    "disk block size": disk(blockSize={"custom": {"logical": 4096, "physical": 4096, "discardGranularity": 8192}}),
    "disk block size scsi": disk(disk={"bus": "scsi"}, blockSize={"custom": {"logical": 512, "physical": 4096}}),
    "disk pci address": disk(disk={"bus": "virtio", "pciAddress": "0000:00:0b.0"}),
    "disk pci address on the root bus": disk(disk={"bus": "virtio", "pciAddress": "0000:00:0a.0"}),
    "disk dedicated thread": disk(dedicatedIOThread=True),
    "disk scsi dedicated thread": disk(disk={"bus": "scsi"}, dedicatedIOThread=True),
    "disk serial usb": disk(disk={"bus": "usb"}, serial="a1"),
    "disks of every bus": {"spec": {"domain": {"devices": {"disks": MANY}}, "volumes": MANY_VOLUMES}},
    "block multiqueue": {"spec": {"domain": {"cpu": {"cores": 4}, "devices": {"blockMultiQueue": True}}}},
    "hotplug off": devices(disableHotplug=True),
    "nic masquerade": nic(),
    "nic bridge": nic(bridge={}),
    "nic e1000": nic(model="e1000"),
    "nic e1000e": nic(model="e1000e"),
    "nic igb": nic(model="igb"),
    "nic rtl8139": nic(model="rtl8139"),
    "nic ne2k_pci": nic(model="ne2k_pci"),
    "nic pcnet": nic(model="pcnet"),
    "nic mac boot acpi": nic(macAddress="02:00:00:00:00:01", bootOrder=1, acpiIndex=7),
    "nic pci address": nic(pciAddress="0000:00:0b.0"),
    "nic pci address that no port has": nic(pciAddress="0000:81:01.0"),
    "nic link down": nic(state="down"),
    "nic multus": nic({"multus": {"networkName": "a"}}, bridge={}),
    "nic passt": nic(passtBinding={}),
    "nic passt ports": nic(passtBinding={}, ports=[{"port": 80}, {"port": 53, "protocol": "UDP"}]),
    "nic multiqueue": {"spec": {"domain": {"cpu": {"cores": 4}, "devices": {"networkInterfaceMultiqueue": True}}}},
    "no nic": devices(autoattachPodInterface=False),
    "transitional devices": {**devices(useVirtioTransitional=True, rng={})},
    "rng": devices(rng={}),
    "no balloon": devices(autoattachMemBalloon=False),
    "no serial console": devices(autoattachSerialConsole=False),
    "no serial log": devices(logSerialConsole=False),
    "no graphics": devices(autoattachGraphicsDevice=False),
    "video vga": devices(video={"type": "vga"}),
    "video virtio": devices(video={"type": "virtio"}),
    "video cirrus": devices(video={"type": "cirrus"}),
    "video bochs": devices(video={"type": "bochs"}),
    "video ramfb": devices(video={"type": "ramfb"}),
    "tablet usb": devices(inputs=[{"name": "t", "type": "tablet", "bus": "usb"}]),
    "tablet virtio": devices(inputs=[{"name": "t", "type": "tablet", "bus": "virtio"}]),
    "usb redirection": devices(clientPassthrough={}),
    "sound ich9": devices(sound={"name": "s"}),
    "sound ac97": devices(sound={"name": "s", "model": "ac97"}),
    "watchdog reset": devices(watchdog={"name": "w", "i6300esb": {"action": "reset"}}),
    "watchdog shutdown": devices(watchdog={"name": "w", "i6300esb": {"action": "shutdown"}}),
    "watchdog poweroff": devices(watchdog={"name": "w", "i6300esb": {"action": "poweroff"}}),
    "tpm": devices(tpm={}),
    "tpm persistent": devices(tpm={"persistent": True}),
    "vsock": {**devices(autoattachVSOCK=True), "status": {"VSOCKCID": 7}},
    "panic hyperv": devices(panicDevices=[{"model": "hyperv"}]),
    "panic isa": devices(panicDevices=[{"model": "isa"}]),
    "panic pvpanic": devices(panicDevices=[{"model": "pvpanic"}]),
    "downward metrics channel": devices(downwardMetrics={}),
    "file system": {
        "spec": {
            "domain": {"devices": {"filesystems": [{"name": "f", "virtiofs": {}}]}},
            "volumes": [{"name": "f", "configMap": {"name": "a"}}],
        }
    },
    "cpu passthrough": domain(cpu={"model": "host-passthrough"}),
    "cpu model": domain(cpu={"model": "Haswell"}),
    "cpu model amd": domain(cpu={"model": "EPYC"}),
    "cpu features": domain(
        cpu={"features": [{"name": "pcid", "policy": "optional"}, {"name": "svm", "policy": "disable"}]}
    ),
    "cpu feature forbidden": domain(cpu={"features": [{"name": "vmx", "policy": "forbid"}]}),
    "cpu feature forced": domain(cpu={"features": [{"name": "aes", "policy": "force"}]}),
    "cpu topology": domain(cpu={"sockets": 2, "cores": 2, "threads": 2}),
    "cpu max sockets": domain(cpu={"sockets": 1, "cores": 3, "maxSockets": 5}),
    "cpu dedicated": domain(cpu={"cores": 1, "dedicatedCpuPlacement": True, "isolateEmulatorThread": True}),
    "cpu numa": domain(
        cpu={"cores": 2, "dedicatedCpuPlacement": True, "numa": {"guestMappingPassthrough": {}}},
        memory={"guest": "1Gi", "hugepages": {"pageSize": "2Mi"}},
    ),
    "cpu realtime": domain(
        cpu={"cores": 2, "dedicatedCpuPlacement": True, "numa": {"guestMappingPassthrough": {}}, "realtime": {}},
        memory={"guest": "1Gi", "hugepages": {"pageSize": "2Mi"}},
    ),
    "memory huge pages": domain(memory={"guest": "1Gi", "hugepages": {"pageSize": "2Mi"}}),
    "memory up to": domain(memory={"guest": "1Gi", "maxGuest": "4Gi"}),
    "memory odd": domain(memory={"guest": "64M"}),
    "paravirtual spinlocks": domain(features={"pvspinlock": {}}),
    "features": domain(features={"apic": {}, "smm": {}, "kvm": {"hidden": True}}),
    "no acpi": domain(features={"acpi": {"enabled": False}}),
    "hyper-v": domain(features={"hyperv": HYPERV}),
    "hyper-v passthrough": domain(features={"hypervPassthrough": {"enabled": True}}),
    "hyper-v evmcs": domain(features={"hyperv": {"evmcs": {}}}),
    "clock utc": domain(clock={"utc": {}, "timer": TIMERS}),
    "clock utc offset": domain(clock={"utc": {"offsetSeconds": 3600}, "timer": {}}),
    "clock time zone": domain(clock={"timezone": "Europe/Berlin", "timer": {}}),
    "clock timers only": domain(clock={"timer": TIMERS}),
    "firmware bios serial": domain(firmware={"bootloader": {"bios": {"useSerial": True}}}),
    "firmware efi": domain(firmware={"bootloader": {"efi": {"secureBoot": False}}}),
    "firmware efi secure": domain(firmware={"bootloader": {"efi": {}}}, features=SMM),
    "firmware efi persistent": domain(firmware={"bootloader": {"efi": {"secureBoot": False, "persistent": True}}}),
    "firmware serial": domain(firmware={"serial": "s-1", "uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"}),
    "firmware kernel": domain(firmware={"kernelBoot": {"kernelArgs": "a=b", "container": KERNEL}}),
    "chassis": domain(chassis={"manufacturer": "m", "version": "v", "serial": "s", "asset": "a", "sku": "k"}),
    "machine by version": domain(machine={"type": "pc-q35-10.0"}),
    "reboot ends the guest": domain(rebootPolicy="Terminate"),
    "reboot restarts the guest": domain(rebootPolicy="Reboot"),
    "starts paused": {"spec": {"startStrategy": "Paused"}},
    "all on the root bus": _with(
        disk(), nic(), devices(rng={}),
        {"metadata": {"annotations": {"kubevirt.io/placePCIDevicesOnRootComplex": "true"}}},
    ),
    "interface slots asked for": _with(
        nic(), {"metadata": {"annotations": {"kubevirt.io/pci-interface-slot-count": "7"}}}
    ),
    "large memory": domain(memory={"guest": "3Gi"}),
    "no pci hole": {"metadata": {"annotations": {"kubevirt.io/disablePCIHole64": "true"}}},
    "sev": domain(launchSecurity={"sev": {}}, firmware={"bootloader": {"efi": {"secureBoot": False}}}),
    "sev-es": domain(
        launchSecurity={"sev": {"policy": {"encryptedState": True}}},
        firmware={"bootloader": {"efi": {"secureBoot": False}}},
    ),
    "sev-snp": domain(launchSecurity={"snp": {}}, firmware={"bootloader": {"efi": {"secureBoot": False}}}),
    "tdx": domain(launchSecurity={"tdx": {}}, firmware={"bootloader": {"efi": {"secureBoot": False}}}),
}


CASES["io threads shared"] = _with(disk(), domain(ioThreadsPolicy="shared"))
CASES["io threads auto"] = _with(disk(), domain(ioThreadsPolicy="auto", cpu={"cores": 2}))
CASES["io threads pool"] = _with(
    disk(), domain(ioThreadsPolicy="supplementalPool", ioThreads={"supplementalPoolThreadCount": 3})
)
CASES["block multiqueue"] = _with(CASES["block multiqueue"], disk())
CASES["disk scsi dedicated thread with a policy"] = _with(
    CASES["disk scsi dedicated thread"], domain(ioThreadsPolicy="auto")
)
