"""The small language of parameter flags: `key:value,key:value`.

A value runs to the next comma and may hold colons. Every problem names the flag that it is about.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity
from kubevirt.virtctl.errors import CommandError

T = TypeVar("T")
MAX_UINT32 = 2**32 - 1
NAME_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"


def random_name(prefix: str) -> str:
    """A name that is hardly ever taken, of letters that spell no words."""
    return prefix + "-" + "".join(secrets.choice(NAME_CHARACTERS) for _ in range(5))


class Params:
    """The parameters of one flag; each is taken once, and `finish` refuses what nobody took."""

    def __init__(self, flag: str, text: str) -> None:
        self.flag = flag
        self._left: dict[str, str] = {}
        if not text:
            raise self.problem("params may not be empty")
        for part in text.split(","):
            key, colon, value = part.partition(":")
            if not colon:
                raise self.problem(f"params need to have at least one colon: {part}")
            self._left[key] = value

    def problem(self, text: str) -> CommandError:
        """An error in the flag's own frame."""
        return CommandError(f'failed to parse "--{self.flag}" flag: {text}')

    def text(self, key: str) -> str:
        """The value, empty when absent."""
        return self._left.pop(key, "")

    def needed(self, key: str) -> str:
        """The value. Raises CommandError when it is absent or empty."""
        value = self.text(key)
        if not value:
            raise self.problem(f"{key} must be specified")
        return value

    def number(self, key: str) -> int | None:
        """A whole number of 32 bits, None when absent."""
        return self._read(key, _uint32)

    def quantity(self, key: str) -> str | None:
        """A quantity in its canonical form, None when absent."""
        return self._read(key, lambda text: str(Quantity(text)))

    def entries(self, key: str) -> list[str]:
        """A list with `;` between its entries."""
        text = self.text(key)
        return text.split(";") if text else []

    def finish(self) -> None:
        """Refuse unknown keys."""
        if self._left:
            raise self.problem("unknown param(s): " + ",".join(f"{k}:{v}" for k, v in sorted(self._left.items())))

    def _read(self, key: str, read: Callable[[str], T]) -> T | None:
        text = self.text(key)
        if not text:
            return None
        try:
            return read(text)
        except (ValueError, Refused) as e:
            raise self.problem(f'failed to parse param "{key}": {e}') from e


def _uint32(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > MAX_UINT32:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def split_prefix(flag: str, text: str, *, within: str = "") -> tuple[str, str]:
    """Read `[PREFIX/]NAME`; `within` frames what is wrong with it."""
    flaw = f'failed to parse "--{flag}" flag: {within}'
    *before, name = text.split("/")
    if len(before) > 1:
        raise CommandError(f"{flaw}invalid count {len(before)} of slashes in prefix/name")
    if not name:
        raise CommandError(f"{flaw}name cannot be empty")
    return (before[0] if before else ""), name
