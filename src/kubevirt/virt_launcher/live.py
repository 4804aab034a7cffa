"""Carries out on a running guest what a later order asks for: more CPUs, cables plugged and unplugged.

Loaded by the launchers that are given such an order, which few ever are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.virt_launcher.changes import Change
from kubevirt.virt_launcher.orders import Described

if TYPE_CHECKING:
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost

log = logs.get("live changes")


async def apply(change: Change, described: Described, host: LibvirtHost) -> Described:
    """What is known of the domain afterwards. Raises Problem when the guest does not take a change."""
    if change.vcpus and described.vcpus and change.vcpus != described.vcpus:
        try:
            await host.set_vcpus(change.vcpus)
        except Problem as problem:
            raise Problem(
                field="spec.domain.cpu",
                cause=f"the running guest has {described.vcpus} CPUs and cannot have {change.vcpus}: {problem.cause}",
                remedy="restart the virtual machine; it then starts with them",
            ) from problem
        log.info("the guest has another number of CPUs", before=described.vcpus, now=change.vcpus)
        described = msgspec.structs.replace(described, vcpus=change.vcpus)
    for name, down in change.links_to_turn(described).items():
        await host.update_device(with_link(await host.xml(), name, down=down))
        log.info("a cable was unplugged" if down else "a cable was plugged in", interface=name)
        interfaces = [msgspec.structs.replace(i, link_down=down) if i.name == name else i
                      for i in described.interfaces]
        described = msgspec.structs.replace(described, interfaces=interfaces)
    return described


def with_link(domain: str, name: str, *, down: bool) -> str:
    """The interface out of a domain's XML (libvirt's own), with its cable as it is to be."""
    root = ElementTree.fromstring(domain)  # noqa: S314 - written by our libvirtd
    interface = next(e for e in root.iterfind("devices/interface")
                     if (alias := e.find("alias")) is not None and alias.get("name") == f"ua-{name}")
    link = interface.find("link")
    if link is None:
        link = ElementTree.SubElement(interface, "link")
    link.set("state", "down" if down else "up")
    return ElementTree.tostring(interface, encoding="unicode")
