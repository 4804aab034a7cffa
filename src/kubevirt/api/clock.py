"""The guest's clock and timers."""

from typing import ClassVar

from kubevirt.api.base import Api, Marks


class HPETTimer(Api):
    """High precision event timer."""

    present: bool | None = None
    """Whether the timer exists. The default is true."""
    tick_policy: str | None = None
    """What is done about missed ticks: delay, catchup, merge or discard."""


class HypervTimer(Api):
    """Hyper-V reference time counter."""

    present: bool | None = None
    """Whether the timer exists. The default is true."""


class KVMTimer(Api):
    """KVM's paravirtual clock."""

    present: bool | None = None
    """Whether the timer exists. The default is true."""


class PITTimer(Api):
    """Programmable interval timer."""

    present: bool | None = None
    """Whether the timer exists. The default is true."""
    tick_policy: str | None = None
    """What is done about missed ticks: delay, catchup or discard."""


class RTCTimer(Api):
    """Real-time clock."""

    present: bool | None = None
    """Whether the timer exists. The default is true."""
    tick_policy: str | None = None
    """What is done about missed ticks: delay or catchup."""
    track: str | None = None
    """What the clock follows: guest or wall."""


class Timer(Api):
    """The timers the guest has; an unset one is left to the hypervisor."""

    hpet: HPETTimer | None = None
    """High precision event timer."""
    hyperv: HypervTimer | None = None
    """Hyper-V's reference time counter, for Windows."""
    kvm: KVMTimer | None = None
    """KVM's paravirtual clock, for Linux."""
    pit: PITTimer | None = None
    """Programmable interval timer."""
    rtc: RTCTimer | None = None
    """Real-time clock."""


class ClockOffsetUTC(Api):
    """The guest's clock follows UTC."""

    offset_seconds: int | None = None
    """Seconds added to UTC."""


class Clock(Api):
    """The guest's clock: what it starts from, and its timers."""

    schema_marks: ClassVar[Marks] = {'x-kubernetes-preserve-unknown-fields': True}

    timer: Timer | None = None
    """The timers of the machine."""
    timezone: str | None = None
    """Time zone that the clock starts in, such as Europe/Berlin."""
    utc: ClockOffsetUTC | None = None
    """The clock starts in UTC."""
