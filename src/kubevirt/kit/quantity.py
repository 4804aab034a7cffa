"""Quantities: Kubernetes' numbers with units (``64M``, ``1.5Gi``, ``100m``, ``2e3``).

Same grammar, rounding, limits and canonical output as the API server's, because quantities that we default or compute
are compared with, and shown beside, those that the API server wrote. A quantity is a whole number of nano-units, so
arithmetic and comparison are exact. Its notation (decimal, binary, exponent) is remembered for the output.
"""

import re
from functools import lru_cache, total_ordering
from typing import Final

from kubevirt.kit.errors import Refused

_NANO: Final = 10**9
_LIMIT: Final = (2**63 - 1) * _NANO  # larger amounts are cut to this, as the API server does

_GRAMMAR = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d{1,18})", re.ASCII)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")

_LONGEST: Final = 256
"""Characters of a quantity; all that can be told apart have far fewer."""
GRAMMAR_HINT: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@total_ordering
class Quantity:
    """An immutable amount. `str()` gives the canonical notation; equal amounts are equal whatever their notation."""

    __slots__ = ("_nano", "_notation", "_text")
    _nano: int
    _notation: str
    _text: str | None

    def __init__(self, amount: "str | int | float | Quantity" = 0) -> None:
        """Read ``amount``. Raises Refused when it is not a quantity."""
        if isinstance(amount, Quantity):
            nano, notation = amount._nano, amount._notation
        elif isinstance(amount, str):
            nano, notation = _parse(amount)
        elif isinstance(amount, bool) or not isinstance(amount, int | float):
            raise Refused(cause=f"{amount!r} is not a quantity", remedy="write a number with a unit, as in 512Mi")
        else:
            nano, notation = _parse(str(amount))
        _fill(self, nano, notation)

    @classmethod
    def of_bytes(cls, count: int) -> "Quantity":
        """A number of bytes, shown in binary units."""
        return _make(count * _NANO, "binary")

    @classmethod
    def of_milli(cls, count: int) -> "Quantity":
        """A number of thousandths, as CPU shares are counted."""
        return _make(count * (_NANO // 1000), "decimal")

    @property
    def value(self) -> int:
        """The amount in whole units, rounded away from zero."""
        return _divide_up(self._nano, _NANO)

    @property
    def bytes(self) -> int:
        """The amount as bytes: `value`, by the name that says the unit."""
        return self.value

    @property
    def milli(self) -> int:
        """The amount in thousandths, rounded away from zero."""
        return _divide_up(self._nano, _NANO // 1000)

    @property
    def is_whole(self) -> bool:
        """Whether the amount has no fraction."""
        return self._nano % _NANO == 0

    def __float__(self) -> float:
        return self._nano / _NANO

    def __bool__(self) -> bool:
        return self._nano != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self._nano == other._nano

    def __lt__(self, other: "Quantity") -> bool:
        return self._nano < other._nano

    def __hash__(self) -> int:
        return hash(self._nano)

    def __add__(self, other: "Quantity") -> "Quantity":
        return _make(self._nano + other._nano, self._notation if self._nano else other._notation)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return _make(self._nano - other._nano, self._notation if self._nano else other._notation)

    def __mul__(self, factor: int | float) -> "Quantity":
        if isinstance(factor, int):
            return _make(self._nano * factor, self._notation)
        numerator, denominator = factor.as_integer_ratio()
        return _make(_divide_up(self._nano * numerator, denominator), self._notation)

    __rmul__ = __mul__

    def __neg__(self) -> "Quantity":
        return _make(-self._nano, self._notation)

    def __str__(self) -> str:
        if self._text is None:
            self._text = _format(self._nano, self._notation)
        return self._text

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __copy__(self) -> "Quantity":
        return self

    def __deepcopy__(self, memo: object) -> "Quantity":
        return self

    def __reduce__(self) -> tuple[type["Quantity"], tuple[str]]:
        return Quantity, (str(self),)


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity:
    """`Quantity(text)` for decoders: the same few amounts come by thousands of times. Raises Refused."""
    return Quantity(text)


def _fill(quantity: Quantity, nano: int, notation: str) -> None:
    quantity._nano = nano
    quantity._notation = notation
    quantity._text = None


def _make(nano: int, notation: str) -> Quantity:
    quantity = Quantity.__new__(Quantity)
    _fill(quantity, nano, notation)
    return quantity


def _divide_up(numerator: int, denominator: int) -> int:
    """Division rounded away from zero."""
    return -(-numerator // denominator) if numerator >= 0 else numerator // denominator


def _parse(text: str) -> tuple[int, str]:
    if len(text) > _LONGEST:
        raise Refused(cause=f"{len(text)} characters are too many for a quantity", remedy="write a unit, as in 2Ti")
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise Refused(cause=GRAMMAR_HINT, remedy="write a number with a unit, as in 512Mi or 500m")
    sign, number, suffix = match.groups()
    if suffix.endswith("i"):
        notation, exponent, factor = "binary", 0, 1024 ** _BINARY.index(suffix)
    elif suffix in _DECIMAL:
        notation, exponent, factor = "decimal", _DECIMAL[suffix], 1
    else:
        notation, exponent, factor = "exponent", int(suffix[1:]), 1
    whole, _, fraction = number.partition(".")
    digits = int((whole + fraction) or "0") * factor
    scale = exponent + 9 - len(fraction)  # of nano-units
    if digits == 0 or scale < -len(str(digits)):
        nano = 1 if digits else 0  # what is not zero never becomes zero
    elif scale >= 0:
        nano = _LIMIT if scale > 60 else digits * 10**scale
    else:
        nano = _divide_up(digits, 10**-scale)
    nano = min(nano, _LIMIT)
    return (-nano if sign == "-" else nano), notation


def _format(nano: int, notation: str) -> str:
    if nano == 0:
        return "0"
    whole, rest = divmod(abs(nano), _NANO)
    sign = "-" if nano < 0 else ""
    if notation == "binary" and rest == 0 and whole >= 1024:
        power = 0
        while power < 6 and whole % 1024 == 0:
            whole, power = whole // 1024, power + 1
        return f"{sign}{whole}{_BINARY[power]}"
    number, exponent = abs(nano), -9
    while exponent < 18 and number % 1000 == 0:
        number, exponent = number // 1000, exponent + 3
    if notation == "exponent":
        return f"{sign}{number}e{exponent}" if exponent else f"{sign}{number}"
    return f"{sign}{number}{_DECIMAL_SUFFIX[exponent]}"
