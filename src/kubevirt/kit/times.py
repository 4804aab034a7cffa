"""Points in time and spans of time in Kubernetes' notations.

Points are timezone-aware `datetime` objects in UTC. metav1.Time has whole seconds, so `now()` has none finer;
metav1.MicroTime (leases) always has six decimals, which is why it is formatted here and not by the JSON encoder. Spans
are Go durations.
"""

import re
from datetime import UTC, datetime, timedelta

from kubevirt.kit.errors import Refused


def now() -> datetime:
    """The present, in whole seconds, as metav1.Time has it."""
    return datetime.now(UTC).replace(microsecond=0)


def format_time(moment: datetime) -> str:
    """RFC 3339 in whole seconds and UTC: ``2026-01-02T15:04:05Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(moment: datetime) -> str:
    """RFC 3339 with exactly six decimals, the only form that the API server takes for metav1.MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time of any precision and zone; the result is in UTC. Raises Refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise Refused(cause=f"{text!r} is not a time", remedy="write it as in 2026-01-02T15:04:05Z") from e
    if moment.tzinfo is None:
        raise Refused(cause=f"the time {text!r} names no time zone", remedy="end it with Z, for UTC")
    return moment.astimezone(UTC)


_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")


def parse_duration(text: str) -> timedelta:
    """Read a Go duration such as ``1h15m30.5s``; finer than a microsecond is rounded. Raises Refused."""
    if not _WHOLE.fullmatch(text):
        raise Refused(cause=f"{text!r} is not a duration", remedy="write it as in 168h, 1m30s or 500ms")
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        return timedelta(seconds=-seconds if text.startswith("-") else seconds)
    except OverflowError as e:
        raise Refused(cause=f"the duration {text!r} is too long", remedy="use less than 2540400h") from e


def format_duration(span: timedelta) -> str:
    """A Go duration as Go prints it: ``0s``, ``1.5ms``, ``1h0m0s``."""
    micros = span // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    if micros == 0:
        return "0s"
    if micros < 1000:
        return f"{sign}{micros}µs"
    if micros < 1_000_000:
        return f"{sign}{_decimal(micros, 1000)}ms"
    minutes, rest = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 1_000_000)
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}s"
    return f"{sign}{minutes}m{seconds}s" if minutes else f"{sign}{seconds}s"


def _decimal(value: int, unit: int) -> str:
    """value / unit without trailing zeros, exact (unit is a power of ten)."""
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
