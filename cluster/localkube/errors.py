"""The one exception a user of localkube sees: what went wrong, and what to do about it."""

from __future__ import annotations


class Problem(Exception):
    """Something the user can understand and do something about."""

    def __init__(self, *, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}; {self.remedy}" if self.remedy else self.cause
