"""The words for a launcher pod that the API server did not take."""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.virt_controller.actions import Event, FailureWords, SyncProblem

POD_SECURITY = "violates PodSecurity"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRefused(FailureWords):
    """Condition and event are worded alike. `vmi` is its namespace and name."""

    vmi: str

    def problem(self, cause: str) -> SyncProblem:
        """A quota may be raised and a namespace labelled, and nothing tells: so it is tried again and again."""
        return SyncProblem(reason=self.reason, message=self.words(cause))

    def told(self, cause: str) -> Event | None:
        return Event(type="Warning", reason=self.reason, message=self.words(cause))

    def words(self, cause: str) -> str:
        """A namespace's Pod Security level refuses every machine, so that is what its owner has to know."""
        if POD_SECURITY in cause:
            return (f"failed to render launch manifest: failed to create pod for vmi {self.vmi}, "
                    f"it needs a privileged namespace to run: {cause}")
        return f"Error creating pod: {cause}"
