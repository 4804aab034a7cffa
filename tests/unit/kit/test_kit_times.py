"""Times and durations in Kubernetes' notations."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.kit import times
from kubevirt.kit.errors import Refused


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z"])
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        times.parse_time(text)


@pytest.mark.parametrize(
    ("text", "seconds", "micros"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678901Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z", "2026-01-02T01:04:05.000000Z"),
    ],
)
def test_times_are_written_in_utc(text: str, seconds: str, micros: str) -> None:
    moment = times.parse_time(text)
    assert times.format_time(moment) == seconds
    assert times.format_micro_time(moment) == micros


def test_now_has_whole_seconds() -> None:
    moment = times.now()
    assert moment.microsecond == 0
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["", "1", "1d", "h", "1h-5m", "s1", "1 h"])
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        times.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds", "canonical"),
    [
        ("0", 0, "0s"),
        ("168h", 604800, "168h0m0s"),
        ("1h15m30.5s", 4530.5, "1h15m30.5s"),
        ("-1.5h", -5400, "-1h30m0s"),
        ("500ms", 0.5, "500ms"),
        ("1500us", 0.0015, "1.5ms"),
        ("90s", 90, "1m30s"),
    ],
)
def test_durations(text: str, seconds: float, canonical: str) -> None:
    span = times.parse_duration(text)
    assert span == timedelta(seconds=seconds)
    assert times.format_duration(span) == canonical


@given(st.integers(-(10**12), 10**12))
def test_a_duration_reads_back_as_it_was_written(micros: int) -> None:
    span = timedelta(microseconds=micros)
    assert abs(times.parse_duration(times.format_duration(span)) - span) <= timedelta(microseconds=1)
