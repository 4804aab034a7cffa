"""How often kernels of guests gave up, by what they said of it.

Launchers tell a panic as an event, whose text is libvirt's: the kind of the kernel, then its numbers.
"""

import re
from collections import Counter

from kubevirt.launcher_link.messages import GuestEvent

PANICKED = "GuestPanicked"
UNKNOWN = "unknown"
_KIND = re.compile(r"^([a-z][a-z0-9-]*): ")
_FIRST_NUMBER = re.compile(r"\barg1='(0x[0-9a-fA-F]+)'")


class Panics:
    """Counts since virt-handler began. The keys of `counted`: namespace, name, kind of kernel, code of the panic."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str, str, str]] = Counter()

    def told(self, namespace: str, name: str, event: GuestEvent) -> None:
        """An event of a guest; those that are no panics do not count."""
        if event.reason == PANICKED:
            self.counted[namespace, name, *kind_and_code(event.message)] += 1

    def forget(self, namespace: str, name: str) -> None:
        for key in [key for key in self.counted if key[:2] == (namespace, name)]:
            del self.counted[key]


def kind_and_code(details: str) -> tuple[str, str]:
    """Such as `hyper-v` and `0x3b`, the first of Windows' numbers; `unknown` for what was not said."""
    kind, number = _KIND.match(details), _FIRST_NUMBER.search(details)
    return kind.group(1) if kind else UNKNOWN, f"{int(number.group(1), 16):#x}" if number else UNKNOWN
