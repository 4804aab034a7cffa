"""Runs inside a box: asks the libvirt of the launcher's image what it makes of domains, and writes down its answers.

Usage: libvirt_judge.py DOMAINS VERDICTS, two JSON files: name -> XML, and name -> libvirt's objection (empty: none).
"""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

from kubevirt.virt_launcher.daemon import DAEMON_CONF, QEMU_CONF, STATE_DIR, URI, environment


def connected() -> libvirt.virConnect:
    for _ in range(200):
        try:
            return libvirt.open(URI)
        except libvirt.libvirtError:
            time.sleep(0.05)
    return libvirt.open(URI)


def without_networks(xml: str) -> str:
    """libvirt would make taps, which nobody here may; so network interfaces are judged as they are defined."""
    root = ET.fromstring(xml)  # noqa: S314 - our own domain
    for devices in root.iter("devices"):
        for interface in devices.findall("interface"):
            devices.remove(interface)
    return ET.tostring(root, encoding="unicode")


def objection(connection: libvirt.virConnect, xml: str) -> str:
    """Defined as a launcher does it, and turned into QEMU's command line as a start would."""
    try:
        connection.defineXML(xml).undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        connection.domainXMLToNative("qemu-argv", without_networks(xml), 0)
    except libvirt.libvirtError as error:
        return str(error.get_error_message())
    return ""


def main(domains: str, verdicts: str) -> None:
    config = STATE_DIR / "libvirt"
    config.mkdir(parents=True, exist_ok=True)
    (config / "libvirtd.conf").write_text(DAEMON_CONF)
    (config / "qemu.conf").write_text(QEMU_CONF)
    libvirt.registerErrorHandler(lambda *_: None, None)
    arguments = ["libvirtd", "--timeout", "0", "--config", str(config / "libvirtd.conf")]
    with subprocess.Popen(arguments, env=environment(os.environ)) as daemon:
        connection = connected()
        found = {name: objection(connection, xml) for name, xml in json.loads(Path(domains).read_text()).items()}
        Path(verdicts).write_text(json.dumps(found))
        daemon.terminate()


main(sys.argv[1], sys.argv[2])
