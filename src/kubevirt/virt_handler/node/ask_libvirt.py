"""A child process that asks the image's libvirt what this node can do, and prints the answers as one line of JSON:

    python3 -m kubevirt.virt_handler.node.ask_libvirt kvm|qemu

libvirt works inside this process, without a daemon, in a directory that goes with it; so neither its memory nor its
threads stay in virt-handler. What the answers mean is read by `hypervisor`. It takes half a second.
"""

import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import libvirt
import msgspec

from kubevirt.virt_handler.node.hypervisor import Answers


def ask(domain_type: str, directory: Path) -> Answers:
    """Raises libvirt.libvirtError where libvirt cannot ask QEMU."""
    libvirt.virEventRegisterDefaultImpl()
    libvirt.registerErrorHandler(_swallow, None)  # its default prints to standard error
    connection = libvirt.open(f"qemu:///embed?root={directory}")
    domain = connection.getDomainCapabilities(None, None, None, domain_type)
    return Answers(
        domain=domain,
        host=connection.getCapabilities(),
        features=_all_features(connection, domain, domain_type),
    )


def _all_features(connection: libvirt.virConnect, domain: str, domain_type: str) -> str:
    """The host model with every feature by name, those that its model brings along too; empty where there is none."""
    model = ElementTree.fromstring(domain).find("cpu/mode[@name='host-model'][@supported='yes']")  # noqa: S314 - libvirt's
    if model is None:
        return ""
    cpu = ElementTree.Element("cpu", {"mode": "custom", "match": "exact"})
    cpu.extend(model)
    text = ElementTree.tostring(cpu, encoding="unicode")
    try:
        found: str = connection.baselineHypervisorCPU(
            None, None, None, domain_type, [text], libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES)
    except libvirt.libvirtError:  # not every architecture can; the features that are named then have to do
        return text
    return found


def _swallow(_opaque: object, _error: object) -> None:
    """Every error comes as an exception too."""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)  # libvirt runs QEMU as another user
        try:
            answers = ask(sys.argv[1], directory / "libvirt")
        except libvirt.libvirtError as e:
            sys.exit(e.get_error_message() or "libvirt gives no reason")
        sys.stdout.buffer.write(msgspec.json.encode(answers))


if __name__ == "__main__":
    main()
