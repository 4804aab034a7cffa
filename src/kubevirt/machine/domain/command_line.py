"""Arguments for QEMU that libvirt has no element for."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import paths
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el

IGNITION_ANNOTATION = "kubevirt.io/ignitiondata"


def has_ignition(vmi: VirtualMachineInstance) -> bool:
    return "ignition" in vmi.metadata.annotations.get(IGNITION_ANNOTATION, "")


def command_line(vmi: VirtualMachineInstance, context: DomainContext) -> Element | None:
    """`<qemu:commandline>`."""
    arguments: list[str] = []
    if has_ignition(vmi):
        path = paths.ignition_file(vmi.metadata.namespace, vmi.metadata.name)
        arguments += ["-fw_cfg", f"name=opt/com.coreos/config,file={path}"]
    if context.firmware_log and context.arch == "amd64":
        arguments += ["-chardev", f"file,id=firmwarelog,path={paths.FIRMWARE_LOG}",
                      "-device", "isa-debugcon,iobase=0x402,chardev=firmwarelog"]
    if not arguments:
        return None
    return el("qemu:commandline", *(el("qemu:arg", value=argument) for argument in arguments))
