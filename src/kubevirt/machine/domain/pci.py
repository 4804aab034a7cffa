"""PCI addresses as users write them: domain:bus:slot.function."""

from __future__ import annotations

import re

from kubevirt.kit.errors import Refused
from kubevirt.machine.domain.xml import Element, el

_ADDRESS = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")


def address(text: str, *, field: str, with_type: bool = True) -> Element:
    """`<address>` of a PCI device. Raises Refused for what is not an address."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise Refused(
            field=f"{field}.pciAddress",
            cause=f"{text!r} is not a PCI address",
            remedy="write it as 0000:81:01.0 (domain:bus:slot.function)",
        )
    domain, bus, slot, function = match.groups()
    return el("address", type="pci" if with_type else None, domain=f"0x{domain}", bus=f"0x{bus}", slot=f"0x{slot}",
              function=f"0x{function}")
