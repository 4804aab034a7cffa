"""Errors that a user can act on: what is wrong, where, and what to do about it.

The same text reaches condition, event, log and command line, so it is written once, at the place that knows the cause.
An exception of another library never reaches a user as it is: it is translated into a Problem (`raise ... from e`).
"""


class Problem(Exception):
    """Something a user or operator has to know about.

    cause: what is wrong, as a sentence part without a full stop.
    field: path of the manifest field it is about (``spec.domain.devices.disks[1]``), where there is one.
    remedy: what can be done, as a sentence part, where something can.
    """

    def __init__(self, *, cause: str, field: str = "", remedy: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.field}: {self.cause}" if self.field else self.cause
        return f"{text}; {self.remedy}" if self.remedy else text


class Refused(Problem):
    """Input that is not accepted: the one who sent it has to change it."""
