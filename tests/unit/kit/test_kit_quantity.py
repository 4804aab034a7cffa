"""Quantities follow the API server's grammar, rounding and canonical notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity

SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-2")
texts = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("", "-", "+")),
    st.integers(0, 10**12),
    st.sampled_from(("", ".", ".5", ".125", ".000000001")),
    st.sampled_from(SUFFIXES),
)


NOT_QUANTITIES = ["", " ", "1x", "Mi", ".", "-", "1 Mi", "0x10", "1e", "1e1.5", "1MiB", "--1", "1_0", "٣"]


@pytest.mark.parametrize("text", NOT_QUANTITIES)
def test_what_is_not_a_quantity_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="quantities must match"):
        Quantity(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("0", "0", id="zero has no unit"),
        pytest.param("0Gi", "0", id="zero has no unit, whatever was given"),
        pytest.param("1024Mi", "1Gi", id="the largest binary unit without remainder"),
        pytest.param("1500Mi", "1500Mi", id="no fraction in binary units"),
        pytest.param("0.5Gi", "512Mi", id="a fraction of a binary unit becomes whole"),
        pytest.param("1Ki", "1Ki", id="1024 is worth a unit"),
        pytest.param("1000Ki", "1000Ki", id="binary stays binary"),
        pytest.param("0.5Ki", "512", id="below 1024 there is no binary unit"),
        pytest.param("1000m", "1", id="thousandths add up"),
        pytest.param("1500m", "1500m", id="no fraction in decimal units"),
        pytest.param("1.5", "1500m", id="a plain fraction becomes thousandths"),
        pytest.param("0.1", "100m", id="a tenth"),
        pytest.param("64M", "64M", id="decimal stays decimal"),
        pytest.param("1000000", "1M", id="plain numbers are decimal"),
        pytest.param("2e3", "2e3", id="exponent stays exponent"),
        pytest.param("1e1", "10", id="exponents are multiples of three"),
        pytest.param("-5Mi", "-5Mi", id="negative"),
        pytest.param("+5", "5", id="a plus sign is dropped"),
        pytest.param("1.5n", "2n", id="rounded up to nano"),
        pytest.param("0.0000000001", "1n", id="never rounded to zero"),
        pytest.param("16E", "9223372036854775807", id="cut to the largest amount"),
        pytest.param("1.5Ki", "1536", id="fraction of Ki that is whole bytes but no whole Ki"),
        pytest.param("100000000000000000000000", "9223372036854775807", id="huge"),
    ],
)
def test_canonical_notation(text: str, canonical: str) -> None:
    assert str(Quantity(text)) == canonical


@pytest.mark.parametrize(
    ("text", "value", "milli"),
    [("1500m", 2, 1500), ("0.1m", 1, 1), ("-1500m", -2, -1500), ("2Ki", 2048, 2048000), ("1e3", 1000, 1000000)],
)
def test_whole_amounts_are_rounded_away_from_zero(text: str, value: int, milli: int) -> None:
    assert (Quantity(text).value, Quantity(text).milli) == (value, milli)


@given(texts)
def test_canonical_notation_means_the_same_amount_and_is_stable(text: str) -> None:
    quantity = Quantity(text)
    again = Quantity(str(quantity))
    assert again == quantity
    assert str(again) == str(quantity)
    assert hash(again) == hash(quantity)


@given(st.integers(-(2**50), 2**50), st.integers(-(2**50), 2**50))
def test_arithmetic_is_that_of_numbers(a: int, b: int) -> None:
    x, y = Quantity.of_bytes(a), Quantity.of_bytes(b)
    assert (x + y).bytes == a + b
    assert (x - y).bytes == a - b
    assert (x * 3).bytes == a * 3
    assert (x < y, x == y) == (a < b, a == b)
    assert Quantity(str(x)) == x


def test_a_sum_keeps_the_notation_of_what_is_added_to() -> None:
    assert str(Quantity("1Gi") + Quantity("1024M")) == "2048576Ki"
    assert str(Quantity(0) + Quantity("512Mi")) == "512Mi"
    assert str(Quantity("512Mi") * 0.5) == "256Mi"


def test_numbers_are_quantities_too() -> None:
    assert str(Quantity(2)) == "2"
    assert str(Quantity(0.25)) == "250m"
    with pytest.raises(Refused):
        Quantity(True)
