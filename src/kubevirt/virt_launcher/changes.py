"""What a later order changes about a machine that runs already. Pure.

Only the few members of the VMI that can change, and that mean something to a running launcher, are read; its types
stay with the workshop, which is long gone by then.
"""

from dataclasses import dataclass

import msgspec

from kubevirt.launcher_link.wire import decode_body
from kubevirt.machine.guest_probes import are_quiet
from kubevirt.virt_launcher.options import DEFAULT_GRACE_PERIOD_S
from kubevirt.virt_launcher.orders import Built


class _Metadata(msgspec.Struct):
    annotations: dict[str, str] = {}


class _Spec(msgspec.Struct, rename="camel"):
    termination_grace_period_seconds: int | None = None


class _Instance(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Order(msgspec.Struct):
    vmi: _Instance


@dataclass(frozen=True, kw_only=True)
class Change:
    """What the machine is to be like from now on."""

    grace_period_s: int
    quiet_probes: bool

    def of(self, built: Built) -> Built:
        """The machine's description with the change in it; equal to the old one when nothing changes."""
        return msgspec.structs.replace(built, grace_period_s=self.grace_period_s, quiet_probes=self.quiet_probes)


def read(sync: bytes) -> Change:
    """From the body of a `sync`. Raises Problem."""
    vmi = decode_body(_Order, msgspec.Raw(sync)).vmi
    grace = vmi.spec.termination_grace_period_seconds
    return Change(
        grace_period_s=DEFAULT_GRACE_PERIOD_S if grace is None else grace,
        quiet_probes=are_quiet(vmi.metadata.annotations),
    )
