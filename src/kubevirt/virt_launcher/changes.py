"""What a later order changes about a machine that runs already. Pure.

Only the few members of the VMI that can change, and that mean something to a running launcher, are read; its types
stay with the workshop, which is long gone by then.
"""


import msgspec

from kubevirt.launcher_link.wire import decode_body
from kubevirt.machine.guest_probes import are_quiet
from kubevirt.virt_launcher.options import DEFAULT_GRACE_PERIOD_S
from kubevirt.virt_launcher.orders import Built, Described


class _Metadata(msgspec.Struct):
    annotations: dict[str, str] = {}


class _Cpu(msgspec.Struct):
    sockets: int = 0
    cores: int = 0
    threads: int = 0


class _Interface(msgspec.Struct):
    name: str = ""
    state: str = ""


class _Devices(msgspec.Struct):
    interfaces: list[_Interface] = []


class _Domain(msgspec.Struct):
    cpu: _Cpu | None = None
    devices: _Devices = msgspec.field(default_factory=_Devices)


class _Spec(msgspec.Struct, rename="camel"):
    termination_grace_period_seconds: int | None = None
    domain: _Domain = msgspec.field(default_factory=_Domain)


class _Instance(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Order(msgspec.Struct):
    vmi: _Instance


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine is to be like from now on."""

    grace_period_s: int
    quiet_probes: bool
    vcpus: int = 0
    """0: whatever it has."""
    links_down: dict[str, bool] = msgspec.field(default_factory=dict)
    """By interface: its cable is unplugged."""

    def of(self, built: Built) -> Built:
        """The machine's description with the change in it; equal to the old one when nothing changes."""
        return msgspec.structs.replace(built, grace_period_s=self.grace_period_s, quiet_probes=self.quiet_probes)

    def links_to_turn(self, described: Described) -> dict[str, bool]:
        """The interfaces of the guest whose cable is to be plugged or unplugged, with how it is to be."""
        known = {interface.name: interface.link_down for interface in described.interfaces}
        return {name: down for name, down in self.links_down.items() if known.get(name, down) is not down}


def read(sync: bytes) -> Change:
    """From the body of a `sync`. Raises Problem."""
    vmi = decode_body(_Order, msgspec.Raw(sync)).vmi
    grace, cpu = vmi.spec.termination_grace_period_seconds, vmi.spec.domain.cpu
    return Change(
        grace_period_s=DEFAULT_GRACE_PERIOD_S if grace is None else grace,
        quiet_probes=are_quiet(vmi.metadata.annotations),
        vcpus=(cpu.sockets or 1) * (cpu.cores or 1) * (cpu.threads or 1) if cpu is not None and cpu.sockets else 0,
        links_down={i.name: i.state == "down" for i in vmi.spec.domain.devices.interfaces if i.state != "absent"},
    )
