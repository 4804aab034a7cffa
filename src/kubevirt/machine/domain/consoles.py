"""Ways to look at and talk to a guest: serial console, screen, agent channel, USB redirection."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import paths
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el

AGENT_CHANNEL = "org.qemu.guest_agent.0"
METRICS_CHANNEL = "org.github.vhostmd.1"
VGA_MEMORY_KIB = 16384


def has_serial(vmi: VirtualMachineInstance) -> bool:
    return vmi.spec.domain.devices.autoattach_serial_console is not False


def has_graphics(vmi: VirtualMachineInstance) -> bool:
    return vmi.spec.domain.devices.autoattach_graphics_device is not False


def logs_serial(vmi: VirtualMachineInstance, *, by_default: bool) -> bool:
    """Whether what the guest writes to its serial console is kept in a file, and so in the pod's log."""
    given = vmi.spec.domain.devices.log_serial_console
    return has_serial(vmi) and (by_default if given is None else given)


def serial(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    if not has_serial(vmi):
        return []
    uid = vmi.metadata.uid
    port = el("serial", el("source", mode="bind", path=paths.serial_socket(uid)), el("target", port=0), type="unix")
    if logs_serial(vmi, by_default=context.serial_log):
        port.append(el("log", file=paths.serial_log(uid), append="on"))
    return [port, el("console", el("target", type="serial", port=0), type="pty")]


def graphics(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    """The screen: a video card and a VNC server that listens on a socket only the node agent can reach."""
    if not has_graphics(vmi):
        return []
    socket = paths.vnc_socket(vmi.metadata.uid)
    return [
        el("video", _video_model(vmi, context)),
        el("graphics", el("listen", type="socket", socket=socket), type="vnc"),
    ]


def _video_model(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    given = vmi.spec.domain.devices.video
    if given is not None and given.type:
        return el("model", type=given.type, heads=1, vram=VGA_MEMORY_KIB)
    if context.arch != "amd64":
        return el("model", type="virtio", heads=1)
    firmware = vmi.spec.domain.firmware
    efi = firmware is not None and firmware.bootloader is not None and firmware.bootloader.efi is not None
    if efi and context.bochs_display_for_efi:
        return el("model", type="bochs", heads=1)
    return el("model", type="vga", heads=1, vram=VGA_MEMORY_KIB)


def channels(vmi: VirtualMachineInstance) -> list[Element]:
    """The guest agent's channel is always there: an agent may be installed at any time."""
    found = [el("channel", el("target", type="virtio", name=AGENT_CHANNEL), type="unix")]
    if vmi.spec.domain.devices.downward_metrics is not None:
        found.append(el(
            "channel",
            el("source", mode="bind", path=paths.DOWNWARD_METRICS_CHANNEL),
            el("target", type="virtio", name=METRICS_CHANNEL),
            type="unix",
        ))
    return found


def usb_redirection(vmi: VirtualMachineInstance) -> list[Element]:
    if vmi.spec.domain.devices.client_passthrough is None:
        return []
    return [
        el("redirdev", el("source", mode="bind", path=paths.usb_redirection_socket(vmi.metadata.uid, slot)),
           type="unix", bus="usb")
        for slot in range(paths.USB_REDIRECTION_SLOTS)
    ]
