"""The launchers on this node: one follower for each instance, which finds the launcher's socket and keeps the link
open.

A follower knows three things of its launcher: whether there is a link, the last domain report, and since when that is
so. It decides nothing; every change is told to `on_change`, and `decide.py` makes of it what it will. A link that
breaks is dialled again for as long as the instance is followed: a guest outlives any virt-handler, so finding no
launcher for a while is ordinary.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.tasks import Tasks
from kubevirt.launcher_link.client import LauncherEvent, LauncherLink
from kubevirt.launcher_link.messages import SOCKET_NAME, DomainEvent, GuestEvent
from kubevirt.launcher_link.wire import LinkError, LinkUnavailable
from kubevirt.machine.domain_report import DomainReport

_FIRST_STEPS_S = 0.05
_FIRST_STEPS_LAST_S = 15.0
_LATER_STEPS_S = 0.5
_PING_EVERY_S = 11.0

log = logs.get("launchers")


class LinkState(StrEnum):
    """How far the way to a launcher is."""

    SEARCHING = "searching"  # there has been no link yet
    OPEN = "open"
    LOST = "lost"  # there was one, and it is being dialled again


@dataclass(eq=False)
class Launcher:
    """One launcher as it is seen from here. Read by everyone, changed only by its follower."""

    key: str
    uid: str
    pod_uid: str
    pod_dir: Path
    state: LinkState = LinkState.SEARCHING
    since: float = field(default_factory=time.monotonic)
    """When `state` began, on the monotonic clock."""
    link: LauncherLink | None = None
    report: DomainReport | None = None
    final: bool = False
    """The launcher said that no further report will come."""
    problem: str = ""
    """Why there is no link, in the words of the last attempt."""

    @property
    def socket(self) -> Path:
        return self.volume("sockets") / SOCKET_NAME

    def volume(self, name: str) -> Path:
        """One of the pod's emptyDir volumes as the node sees it."""
        return self.pod_dir / "volumes" / "kubernetes.io~empty-dir" / name

    @property
    def state_for_s(self) -> float:
        return time.monotonic() - self.since

    def open_link(self) -> LauncherLink:
        """The link, when there is one. Raises LinkUnavailable."""
        if self.link is None:
            raise LinkUnavailable(cause=self.problem or "there is no connection to the launcher yet")
        return self.link


class Launchers:
    """All followers. `on_change(key)` is called on the event loop for every change, `on_guest_event` for its events."""

    def __init__(
        self,
        tasks: Tasks,
        pods_dir: Path,
        *,
        software: str,
        on_change: Callable[[str], None],
        on_guest_event: Callable[[str, GuestEvent], None],
    ) -> None:
        self._tasks = tasks
        self._pods_dir = pods_dir
        self._software = software
        self._on_change = on_change
        self._on_guest_event = on_guest_event
        self._followed: dict[str, tuple[Launcher, asyncio.Task[None]]] = {}

    def get(self, key: str) -> Launcher | None:
        """The launcher of the instance `namespace/name`."""
        followed = self._followed.get(key)
        return followed[0] if followed else None

    def is_here(self, pod_uid: str) -> bool:
        """The kubelet of this node has a directory for the pod."""
        return (self._pods_dir / pod_uid).exists()

    def follow(self, key: str, uid: str, pod_uid: str) -> Launcher:
        """Start to follow an instance's launcher, or go on; an instance that came anew under the name is a new one."""
        known = self.get(key)
        if known is not None:
            if (known.uid, known.pod_uid) == (uid, pod_uid):
                return known
            self.forget(key)
        launcher = Launcher(key=key, uid=uid, pod_uid=pod_uid, pod_dir=self._pods_dir / pod_uid)
        self._followed[key] = (launcher, self._tasks.spawn(self._follow(launcher), name=f"launcher of {key}"))
        return launcher

    def forget(self, key: str) -> None:
        """Close the link and follow no longer."""
        if followed := self._followed.pop(key, None):
            followed[1].cancel()

    async def _follow(self, launcher: Launcher) -> None:
        while True:
            try:
                async with LauncherLink.connect(
                    launcher.socket, on_event=lambda event: self._told(launcher, event), software=self._software
                ) as link:
                    self._enter(launcher, LinkState.OPEN, link)
                    launcher.problem = (await _until_closed(link)).cause
            except LinkError as e:
                launcher.problem = e.cause
            if launcher.state is LinkState.OPEN:
                log.info("link to a launcher ended", vmi=launcher.key, cause=launcher.problem)
                self._enter(launcher, LinkState.LOST, None)
            await asyncio.sleep(_FIRST_STEPS_S if launcher.state_for_s < _FIRST_STEPS_LAST_S else _LATER_STEPS_S)

    def _enter(self, launcher: Launcher, state: LinkState, link: LauncherLink | None) -> None:
        launcher.state, launcher.link, launcher.since = state, link, time.monotonic()
        self._on_change(launcher.key)

    def _told(self, launcher: Launcher, event: LauncherEvent) -> None:
        if isinstance(event, DomainEvent):
            launcher.report = event.report
            launcher.final = launcher.final or event.final
            self._on_change(launcher.key)
        else:
            self._on_guest_event(launcher.key, event)


async def _until_closed(link: LauncherLink) -> LinkUnavailable:
    """Wait for the end of a link; one whose other side no longer answers is at its end too."""
    while True:
        done, _ = await asyncio.wait([link.closed], timeout=_PING_EVERY_S)
        if done:
            return link.closed.result()
        try:
            await link.ping()
        except LinkUnavailable as e:
            return e
