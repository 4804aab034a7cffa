"""A domain as libvirt has completed it: what the VMI's status tells of it. Pure."""

from xml.etree import ElementTree

from kubevirt.virt_launcher.orders import Described, DescribedInterface

_KIB = 1024


def describe(xml: str) -> Described:
    """`xml` is libvirt's own, so it is taken to be well-formed."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - written by our libvirtd
    type_ = root.find("os/type")
    vcpu = root.find("vcpu")
    online = vcpu.get("current") or vcpu.text if vcpu is not None else None
    return Described(
        machine_type=type_.get("machine", "") if type_ is not None else "",
        vcpus=int(online or 0),
        memory_bytes=int(root.findtext("currentMemory") or root.findtext("memory") or 0) * _KIB,
        interfaces=[_interface(element) for element in root.iterfind("devices/interface")],
    )


def _interface(element: ElementTree.Element) -> DescribedInterface:
    alias, mac, driver, link = (element.find(tag) for tag in ("alias", "mac", "driver", "link"))
    return DescribedInterface(
        name=(alias.get("name", "") if alias is not None else "").removeprefix("ua-"),
        mac=mac.get("address", "") if mac is not None else "",
        queues=int(driver.get("queues", "0")) if driver is not None else 0,
        link_down=link is not None and link.get("state") == "down",
    )
