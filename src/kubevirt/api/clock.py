"""The guest's clock and timers."""

from typing import ClassVar

from kubevirt.api.base import Api, Marks


class HPETTimer(Api):
    """High precision event timer."""

    present: bool | None = None
    tick_policy: str | None = None


class HypervTimer(Api):
    """Hyper-V reference time counter."""

    present: bool | None = None


class KVMTimer(Api):
    """KVM's paravirtual clock."""

    present: bool | None = None


class PITTimer(Api):
    """Programmable interval timer."""

    present: bool | None = None
    tick_policy: str | None = None


class RTCTimer(Api):
    """Real-time clock."""

    present: bool | None = None
    tick_policy: str | None = None
    track: str | None = None


class Timer(Api):
    """The timers the guest has; an unset one is left to the hypervisor."""

    hpet: HPETTimer | None = None
    hyperv: HypervTimer | None = None
    kvm: KVMTimer | None = None
    pit: PITTimer | None = None
    rtc: RTCTimer | None = None


class ClockOffsetUTC(Api):
    """The guest's clock follows UTC."""

    offset_seconds: int | None = None


class Clock(Api):
    """The guest's clock: what it starts from, and its timers."""

    schema_marks: ClassVar[Marks] = {'x-kubernetes-preserve-unknown-fields': True}

    timer: Timer | None = None
    timezone: str | None = None
    utc: ClockOffsetUTC | None = None
