"""When to try again with a guest that stands still because its disk gave an I/O error.

QEMU stops a guest whose write cannot be carried out, so that nothing is lost; a disk that was full or away may have
come back since. Each attempt that brings the guest no further doubles the wait, from 10 s to 3 minutes.
"""

from dataclasses import dataclass

from kubevirt.machine.domain_report import DomainReport, Reason, State

RESUME_FIRST_S = 10.0
RESUME_LAST_S = 180.0


@dataclass
class Standstill:
    """Of one guest. Times are those of one monotonic clock."""

    attempts: int = 0
    _since: float | None = None
    _tried_at: float | None = None

    def look(self, report: DomainReport | None, now: float) -> float | None:
        """In how many seconds to try again; None while the guest does not stand still."""
        if report is None or (report.state, report.reason) != (State.PAUSED, Reason.IO_ERROR):
            self._since = None
            if self._tried_at is not None and now - self._tried_at > RESUME_LAST_S:
                self.attempts, self._tried_at = 0, None  # it has been running since
            return None
        if self._since is None:
            self._since = now
        return self._since + min(RESUME_FIRST_S * (1 << self.attempts), RESUME_LAST_S) - now

    def tried(self, now: float) -> None:
        """The launcher was told to let the guest go on."""
        self.attempts, self._since, self._tried_at = self.attempts + 1, None, now
