"""Addresses of hardware: PCI and MAC."""

import re

_PCI = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?P<separator>[:-])([0-9a-fA-F]{2}(?P=separator))+[0-9a-fA-F]{2}")
_MAC_DOTTED = re.compile(r"[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4})*")
RESERVED_MAC = "02:00:00:00:00:00"
"""The address of the bridge within the pod."""


def is_pci_address(text: str) -> bool:
    """Whether a text is a PCI address such as ``0000:81:01.0``."""
    return _PCI.fullmatch(text) is not None


def mac_fault(text: str) -> str | None:
    """What keeps a text from being a MAC address, or None."""
    digits = re.sub(r"[:.-]", "", text)
    if not (_MAC.fullmatch(text) or _MAC_DOTTED.fullmatch(text)) or len(digits) not in (12, 16, 40):
        return f"malformed MAC address ({text})"
    if len(digits) > 12:
        return f"MAC address ({text}) that is too long"
    return None
