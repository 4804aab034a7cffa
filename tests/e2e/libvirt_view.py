"""What QEMU must see of a machine, by its spec: the differences between a VMI and a view of `libvirt_judge`, in words.

Made from the API's words and QEMU's own names, and not from the code that writes domains: that is what is judged.
"""

from collections.abc import Iterator

from kubevirt.api.disks import Disk
from kubevirt.api.network import Interface
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject

MIB = 1 << 20
DISKS = {
    ("disk", "virtio"): "virtio-blk-pci-{virtio}", ("disk", "sata"): "ide-hd", ("disk", "scsi"): "scsi-hd",
    ("disk", "usb"): "usb-storage", ("cdrom", "sata"): "ide-cd", ("cdrom", "scsi"): "scsi-cd",
    ("cdrom", "usb"): "usb-storage",
}  # fmt: skip
ON_ERROR = {"stop": ("stop", "stop"), "ignore": ("ignore", "ignore"), "report": ("report", "report"),
            "enospace": ("enospc", "auto")}  # fmt: skip
CACHES = {"none": (True, True), "writethrough": (False, False), "writeback": (True, False)}
"""Whether writes may wait in a cache, and whether the host's page cache is gone round."""
NICS = {"e1000": "e1000", "e1000e": "e1000e", "igb": "igb", "rtl8139": "rtl8139", "ne2k_pci": "ne2k_pci",
        "pcnet": "pcnet"}  # fmt: skip
SCREENS = {"vga": "VGA", "virtio": "virtio-vga", "cirrus": "cirrus-vga", "bochs": "bochs-display", "ramfb": "ramfb"}
SOUNDS = {"ich9": "ich9-intel-hda", "ac97": "AC97"}
PANICS = {"isa": "pvpanic", "pvpanic": "pvpanic-pci"}  # hyperv is a part of the processor
OPTIONAL = {
    "usb-redir", "usb-tablet", "virtio-tablet-pci", "i6300esb", "tpm-tis", "tpm-crb", "qemu-xhci", "isa-serial",
    *SCREENS.values(), *SOUNDS.values(), *PANICS.values(),
}  # fmt: skip
"""Devices that are only there when they are asked for; virtio-rng and the balloon come in variants and are apart."""


class View:
    """A view with hands to take things out of it."""

    def __init__(self, content: JsonObject) -> None:
        self._content = content

    def part(self, *path: str) -> object:
        found: object = self._content
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def rows(self, name: str) -> list[dict[str, object]]:
        found = self.part(name)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    def device(self, alias: str) -> dict[str, object]:
        found = self.part("devices", alias)
        return found if isinstance(found, dict) else {}

    def devices(self) -> list[dict[str, object]]:
        found = self.part("devices")
        return [device for device in found.values() if isinstance(device, dict)] if isinstance(found, dict) else []

    def kinds(self) -> list[str]:
        return [str(device["type"]) for device in self.devices()]

    def drive(self, alias: str) -> dict[str, object]:
        return next((b for b in self.rows("query-block") if f"/{alias}" in f"/{b.get('qdev')}"), {})

    def on_root_bus(self) -> dict[object, str]:
        """Addresses on PCI bus 0 by alias; QEMU knows the other buses only once the firmware has numbered them."""
        bus = self.rows("query-pci")[0].get("devices")
        assert isinstance(bus, list)
        return {d["qdev_id"]: f"0000:00:{d['slot']:02x}.{d['function']}" for d in bus}


def differences(vmi: VirtualMachineInstance, content: JsonObject) -> list[str]:
    """Empty when QEMU's machine is the one that was asked for."""
    view = View(content)
    found = [*_machine(vmi, view), *_processors(vmi, view), *_devices(vmi, view)]
    for disk in vmi.spec.domain.devices.disks:
        found += [f"disk {disk.name}: {text}" for text in _disk(vmi, disk, view)]
    for interface in vmi.spec.domain.devices.interfaces:
        found += [f"interface {interface.name}: {text}" for text in _interface(vmi, interface, view)]
    return found + list(_ports(vmi, view))


def _unlike(what: str, wanted: object, seen: object) -> Iterator[str]:
    if wanted != seen:
        yield f"{what} is {seen!r}, asked for was {wanted!r}"


def _virtio(vmi: VirtualMachineInstance) -> str:
    return "transitional" if vmi.spec.domain.devices.use_virtio_transitional else "non-transitional"


def _machine(vmi: VirtualMachineInstance, view: View) -> Iterator[str]:
    domain = vmi.spec.domain
    memory, firmware, features = domain.memory, domain.firmware, domain.features
    assert memory is not None and memory.guest is not None and firmware is not None
    whole = -(-memory.guest.bytes // MIB) * MIB
    yield from _unlike("memory", whole, view.part("query-memory-size-summary", "base-memory"))
    yield from _unlike("uuid", firmware.uuid, view.part("query-uuid", "UUID"))
    kind = str(view.part("machine", "type"))
    asked = (domain.machine.type if domain.machine is not None else "") or ""
    if asked.startswith("pc-"):
        yield from _unlike("machine type", f"{asked}-machine", kind)
    elif not kind.startswith("pc-q35-"):
        yield f"machine type is {kind}"
    yield from _unlike("vmport", "off", view.part("machine", "vmport"))
    if features is not None:
        acpi = features.acpi is None or features.acpi.enabled is not False
        yield from _unlike("acpi", "on" if acpi else "off", view.part("machine", "acpi"))
        if features.smm is not None:
            yield from _unlike("smm", "on", view.part("machine", "smm"))
    timer = domain.clock.timer if domain.clock is not None else None
    if timer is not None and timer.hpet is not None:
        yield from _unlike("hpet", timer.hpet.present is not False, view.part("machine", "hpet"))


def _processors(vmi: VirtualMachineInstance, view: View) -> Iterator[str]:
    cpu = vmi.spec.domain.cpu
    assert cpu is not None
    sockets, cores, threads = cpu.sockets or 1, cpu.cores or 1, cpu.threads or 1
    vcpus = [row["props"] for row in view.rows("query-cpus-fast")]
    asked = [{"socket-id": s, "core-id": c, "thread-id": t}
             for s in range(sockets) for c in range(cores) for t in range(threads)]  # fmt: skip
    seen = [{k: v for k, v in props.items() if k != "node-id"} for props in vcpus if isinstance(props, dict)]
    yield from _unlike("processors", asked, sorted(seen, key=lambda p: [p["socket-id"], p["core-id"], p["thread-id"]]))
    most = max(cpu.max_sockets or 0, sockets) * cores * threads
    yield from _unlike("most processors", most, len(view.rows("query-hotpluggable-cpus")))
    model = {"host-passthrough": "max"}.get(cpu.model or "", cpu.model or "host-model")
    if model != "host-model":
        yield from _unlike("processor", f"{model}-x86_64-cpu", view.part("cpu", "type"))
    for feature in cpu.features:
        if feature.policy in ("disable", "require", "force") and (there := view.part("cpu", feature.name)) is not None:
            yield from _unlike(f"processor feature {feature.name}", feature.policy != "disable", there)


def _devices(vmi: VirtualMachineInstance, view: View) -> Iterator[str]:
    """All that is neither a disk nor a network interface: what was asked for is there, and nothing else of the kind."""
    devices = vmi.spec.domain.devices
    wanted: list[str] = []
    if devices.autoattach_graphics_device is not False:
        wanted.append(SCREENS[(devices.video.type if devices.video is not None else "") or "vga"])
    if devices.autoattach_serial_console is not False:
        wanted.append("isa-serial")
    wanted += ["virtio-tablet-pci" if given.bus == "virtio" else "usb-tablet" for given in devices.inputs]
    if devices.client_passthrough is not None:
        wanted += ["usb-redir"] * 4
    if devices.watchdog is not None:
        wanted.append("i6300esb")
    if devices.tpm is not None:
        wanted.append("tpm-crb" if devices.tpm.persistent else "tpm-tis")
    if devices.sound is not None:
        wanted.append(SOUNDS[devices.sound.model or "ich9"])
    wanted += [PANICS[panic.model or ""] for panic in devices.panic_devices if panic.model in PANICS]
    on_usb = any(_target(disk)[1] == "usb" for disk in devices.disks)
    if on_usb or {"usb-tablet", "usb-redir"} & set(wanted):
        wanted.append("qemu-xhci")
    yield from _unlike("devices", sorted(wanted), sorted(kind for kind in view.kinds() if kind in OPTIONAL))
    random = [f"virtio-rng-pci-{_virtio(vmi)}"] if devices.rng is not None else []
    yield from _unlike("random numbers", random, [kind for kind in view.kinds() if kind.startswith("virtio-rng")])
    balloon = [] if devices.autoattach_mem_balloon is False else [f"virtio-balloon-pci-{_virtio(vmi)}"]
    yield from _unlike("balloon", balloon, [kind for kind in view.kinds() if kind.startswith("virtio-balloon")])
    yield from _unlike("agent's channel", "org.qemu.guest_agent.0", view.device("channel0").get("name"))
    yield from _unlike("VNC", devices.autoattach_graphics_device is not False, bool(view.part("query-vnc", "enabled")))
    yield from _unlike("TPMs", 0 if devices.tpm is None else 1, len(view.rows("query-tpm")))


def _target(disk: Disk) -> tuple[str, str]:
    if disk.cdrom is not None:
        return "cdrom", disk.cdrom.bus or "sata"
    return "disk", (disk.disk.bus if disk.disk is not None else "") or "sata"


def _ports(vmi: VirtualMachineInstance, view: View) -> Iterator[str]:
    """Interfaces stand on the first root ports, and further devices find some that are free."""
    if "kubevirt.io/placePCIDevicesOnRootComplex" in vmi.metadata.annotations:
        yield from _unlike("root ports", 0, view.kinds().count("pcie-root-port"))
        return
    interfaces = [i for i in vmi.spec.domain.devices.interfaces if not i.pci_address and not i.model]
    if "pcie-pci-bridge" not in view.kinds():  # which devices of plain PCI need, and which comes first
        for at, interface in enumerate(interfaces, 1):
            bus = str(view.device(f"ua-{interface.name}").get("parent_bus")).rpartition("/")[2]
            yield from _unlike(f"port of {interface.name}", f"pci.{at}", bus)
    ready = sum(device["type"] == "pcie-root-port" and bool(device["hotplug"]) for device in view.devices())
    if ready < len(interfaces) + 3:
        yield f"only {ready} root ports are ready for devices to come"


def _disk(vmi: VirtualMachineInstance, disk: Disk, view: View) -> Iterator[str]:
    alias, (kind, bus) = f"ua-{disk.name}", _target(disk)
    device, drive = view.device(alias), view.drive(alias)
    yield from _unlike("device", DISKS[kind, bus].format(virtio=_virtio(vmi)), device.get("type"))
    yield from _unlike("on errors", ON_ERROR[disk.error_policy or "stop"], (device.get("werror"), device.get("rerror")))
    yield from _unlike("shared", bool(disk.shareable), device.get("share-rw"))
    if disk.serial:
        yield from _unlike("serial", disk.serial, device.get("serial"))
    if disk.boot_order is not None:
        yield from _unlike("boot order", disk.boot_order, device.get("bootindex"))
    if disk.block_size is not None and disk.block_size.custom is not None:
        sizes = disk.block_size.custom
        yield from _unlike("logical block", sizes.logical, device.get("logical_block_size"))
        yield from _unlike("physical block", sizes.physical, device.get("physical_block_size"))
    if bus == "virtio":
        many, cpu = bool(vmi.spec.domain.devices.block_multi_queue), vmi.spec.domain.cpu
        if many and cpu is not None:
            yield from _unlike("queues", (cpu.cores or 1) * (cpu.sockets or 1), device.get("num-queues"))
        if disk.dedicated_io_thread or vmi.spec.domain.io_threads_policy in ("shared", "auto"):
            yield from _unlike("I/O thread", True, bool(device.get("iothread")))
        if vmi.spec.domain.io_threads_policy == "supplementalPool":
            yield from _unlike("I/O threads", 3, len(view.rows("query-iothreads")))
    if disk.disk is not None and disk.disk.pci_address:
        yield from _unlike("address", disk.disk.pci_address, view.on_root_bus().get(alias))
    inserted = drive.get("inserted")
    if not isinstance(inserted, dict):
        yield from _unlike("medium", any(v.name == disk.name for v in vmi.spec.volumes), False)
        return
    metrics = any(v.name == disk.name and v.downward_metrics is not None for v in vmi.spec.volumes)
    plain = disk.disk is not None and bool(disk.disk.readonly)
    yield from _unlike("read-only", kind == "cdrom" or plain or metrics, inserted.get("ro"))
    cache = inserted.get("cache")
    assert isinstance(cache, dict)
    yield from _unlike("cache", CACHES[disk.cache or "none"], (cache["writeback"], cache["direct"]))
    if bus != "usb":
        yield from _unlike("removable", kind == "cdrom", drive.get("removable"))


def _interface(vmi: VirtualMachineInstance, interface: Interface, view: View) -> Iterator[str]:
    alias = f"ua-{interface.name}"
    device = view.device(alias)
    yield from _unlike("device", NICS.get(interface.model or "", f"virtio-net-pci-{_virtio(vmi)}"), device.get("type"))
    if interface.mac_address:
        yield from _unlike("MAC", interface.mac_address, device.get("mac"))
    yield from _unlike("boot order", interface.boot_order or -1, device.get("bootindex"))
    yield from _unlike("ACPI index", interface.acpi_index or 0, device.get("acpi-index"))
    if interface.pci_address:
        yield from _unlike("address", interface.pci_address, view.on_root_bus().get(alias))
    if interface.model in (None, "", "virtio"):
        yield from _unlike("MTU", 1400, device.get("host_mtu"))
        many = bool(vmi.spec.domain.devices.network_interface_multiqueue)
        yield from _unlike("several queues", many, device.get("mq"))
