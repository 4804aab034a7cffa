"""Runs inside a box: asks the libvirt of the launcher's image what it makes of domains, and writes down its answers.

Usage: libvirt_judge.py CASES VERDICTS, two JSON files. A case is {"xml": ..., "spare": ..., "start": ...} (see
`kubevirt.virt_launcher.orders`); a verdict is
{"objection": libvirt's words or "", "view": the machine as QEMU sees it, where it was started}. Machines are started
paused: QEMU has then made every device, and the guest has not run an instruction. What a view means is for
`libvirt_view` to say.
"""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt
import libvirt_qemu  # type: ignore[import-not-found]  # beside libvirt in the image, not for development

from kubevirt.virt_launcher import capability_seed
from kubevirt.virt_launcher.daemon import URI
from kubevirt.virt_launcher.libvirt_files import DAEMON_CONF, QEMU_CONF, STATE_DIR, environment
from kubevirt.virt_launcher.orders import SettleOrder, SpareSlots
from kubevirt.virt_launcher.workshop.build import settle

IMAGE_BYTES = 4 << 20
DISK = ("serial", "bootindex", "logical_block_size", "physical_block_size", "discard_granularity", "share-rw", "werror",
        "rerror", "num-queues", "iothread", "iothread-vq-mapping")  # fmt: skip
NIC = ("parent_bus", "mac", "bootindex", "acpi-index", "host_mtu", "mq")
PROPERTIES = {
    "virtio-blk": DISK, "scsi-hd": DISK, "scsi-cd": DISK, "scsi-block": DISK, "ide-": DISK, "usb-storage": DISK,
    "virtio-net": NIC, "e1000": NIC, "igb": NIC, "rtl8139": NIC, "ne2k": NIC, "pcnet": NIC,
    "virtio-balloon": ("free-page-reporting", "guest-stats-polling-interval"),
    "pcie-root-port": ("hotplug",), "virtio-scsi": ("iothread", "num_queues"), "virtserialport": ("name",),
}  # fmt: skip
"""What is asked about devices, by how their type begins."""
QUERIES = ("query-pci", "query-block", "query-cpus-fast", "query-hotpluggable-cpus", "query-memory-size-summary",
           "query-chardev", "query-tpm", "query-iothreads", "query-vnc", "query-uuid")  # fmt: skip
MACHINE = ("type", "smm", "vmport", "hpet", "acpi", "rtc-time", "boot")
PROCESSOR = ("type", "svm", "aes", "pcid", "mpx")


def connected() -> libvirt.virConnect:
    for _ in range(200):
        try:
            return libvirt.open(URI)
        except libvirt.libvirtError:
            time.sleep(0.05)
    return libvirt.open(URI)


def furnish(root: ET.Element) -> None:
    """What the launcher would have prepared: disks, which are empty here, a kernel, and directories for sockets."""
    for disk in root.iter("disk"):
        source, driver = disk.find("source"), disk.find("driver")
        if source is None or source.get("file") is None or driver is None:
            continue
        backing, form = disk.find("backingStore/source"), disk.find("backingStore/format")
        more: list[str] = []
        if backing is not None and form is not None:
            image(backing.get("file", ""), form.get("type", ""))
            more = ["-b", backing.get("file", ""), "-F", form.get("type", "")]
        image(source.get("file", ""), driver.get("type", ""), *more)
    for source in root.iter("source"):
        if source.get("mode") == "bind":
            Path(source.get("path", "")).parent.mkdir(parents=True, exist_ok=True)
    for listen in root.iter("listen"):
        Path(listen.get("socket", "")).parent.mkdir(parents=True, exist_ok=True)
    for element in root.findall("os/kernel") + root.findall("os/initrd"):
        file = Path(element.text or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(hollow_kernel())


def image(path: str, form: str, *more: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    size = [] if more else [str(IMAGE_BYTES)]
    subprocess.run(["qemu-img", "create", "-q", "-f", form, *more, path, *size], check=True)


def hollow_kernel() -> bytes:
    """The header by which QEMU knows a Linux kernel of the boot protocol 2.12, and nothing that could run."""
    data = bytearray(64 << 10)
    data[0x1F1] = 1  # sectors of the part that runs in real mode
    data[0x202:0x208] = b"HdrS\x0c\x02"
    data[0x211] = 1  # loaded high
    data[0x22C:0x230] = (0x7FFFFFFF).to_bytes(4, "little")  # the highest address of an initrd
    data[0x238:0x23C] = (2047).to_bytes(4, "little")  # longest command line
    return bytes(data)


class Qemu:
    """The monitor of a started machine."""

    def __init__(self, domain: libvirt.virDomain) -> None:
        self._domain = domain

    def ask(self, command: str, **arguments: object) -> object:
        """Its answer; None where there is no such thing."""
        request = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(libvirt_qemu.qemuMonitorCommand(self._domain, request, 0)).get("return")

    def properties(self, path: str, names: tuple[str, ...]) -> dict[str, object]:
        return {name: self.ask("qom-get", path=path, property=name) for name in names}

    def view(self) -> dict[str, object]:
        devices = {}
        for place in ("/machine/peripheral", "/machine/peripheral-anon"):
            children = self.ask("qom-list", path=place)
            assert isinstance(children, list)
            for child in children:
                if not child["type"].startswith("child<"):
                    continue
                kind = child["type"].removeprefix("child<").removesuffix(">")
                asked = next((names for start, names in PROPERTIES.items() if kind.startswith(start)), ())
                found = self.properties(f"{place}/{child['name']}", asked)
                devices[child["name"]] = {"type": kind, **found}
        view: dict[str, object] = {name: self.ask(name) for name in QUERIES}
        cpus = view["query-cpus-fast"]
        assert isinstance(cpus, list)
        cpu = self.properties(cpus[0]["qom-path"], PROCESSOR)
        return {**view, "devices": devices, "machine": self.properties("/machine", MACHINE), "cpu": cpu}


def judged(connection: libvirt.virConnect, xml: str, spare: dict[str, int] | None, *, start: bool) -> dict[str, object]:
    """Defined as a launcher does it; then started, or turned into QEMU's command line as a start would."""
    root = ET.fromstring(xml)  # noqa: S314 - our own domain
    view: dict[str, object] = {}
    try:
        domain = connection.defineXML(xml)
        if spare is not None:
            order = SettleOrder(xml=domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), spare=SpareSlots(**spare))
            domain = connection.defineXML(settle(order).xml)
        try:
            if start:
                furnish(root)
                domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
                view = Qemu(domain).view()
                domain.destroy()
            else:
                for devices in root.iter("devices"):  # libvirt would make taps
                    for interface in devices.findall("interface"):
                        devices.remove(interface)
                connection.domainXMLToNative("qemu-argv", ET.tostring(root, encoding="unicode"), 0)
        finally:
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_TPM)
    except libvirt.libvirtError as error:
        return {"objection": str(error.get_error_message()), "view": view}
    return {"objection": "", "view": view}


def main(cases: str, verdicts: str) -> None:
    config = STATE_DIR / "libvirt"
    config.mkdir(parents=True, exist_ok=True)
    (config / "libvirtd.conf").write_text(DAEMON_CONF)
    (config / "qemu.conf").write_text(QEMU_CONF)
    capability_seed.plant(STATE_DIR)
    libvirt.registerErrorHandler(lambda *_: None, None)
    arguments = ["libvirtd", "--timeout", "0", "--config", str(config / "libvirtd.conf")]
    with subprocess.Popen(arguments, env=environment(os.environ)) as daemon:
        try:
            connection = connected()
            found = {name: judged(connection, **case) for name, case in json.loads(Path(cases).read_text()).items()}
            Path(verdicts).write_text(json.dumps(found))
        finally:
            daemon.terminate()


def reap() -> None:
    """Process 1 of the box: QEMU detaches itself and is its child in the end; libvirt waits until it is reaped."""
    if judge := os.fork():
        while True:
            pid, status = os.wait()
            if pid == judge:
                os._exit(os.waitstatus_to_exitcode(status))


reap()
main(sys.argv[1], sys.argv[2])
