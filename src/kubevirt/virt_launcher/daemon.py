"""The libvirt daemon of this pod: its files, its start, and its start again should it die.

One `libvirtd` in session mode, as this user, for one guest: so with few threads and one memory arena, without limits on
what it may not do anyway (control groups, namespaces, security drivers are the pod's matter), and without `virtlogd`,
which `stdio_handler = "file"` spares: QEMU then writes its log files itself.
A guest does not notice its daemon's end; the new one finds it again by the files in the run directory.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.machine import paths
from kubevirt.virt_launcher import capability_seed, kept_state
from kubevirt.virt_launcher.children import Child, Children

log = logs.get("libvirtd")

RUNTIME_DIR = Path(paths.LIBVIRT_DIR).parent
STATE_DIR = Path(paths.PRIVATE_DIR)
SOCKET = Path(paths.LIBVIRT_DIR) / "libvirt-sock"
URI = f"qemu+unix:///session?socket={SOCKET}"
RESTART_AFTER_S = (0.1, 0.5, 1.0, 2.0, 5.0)
"""The last one is repeated. A daemon that lived for a minute starts anew at the first."""

DAEMON_CONF = """\
log_outputs = "3:stderr"
# One client with one call at a time, one more while it waits for a guest agent.
min_workers = 2
max_workers = 3
prio_workers = 1
admin_min_workers = 1
admin_max_workers = 1
"""

QEMU_CONF = """\
stdio_handler = "file"
security_driver = "none"
cgroup_controllers = []
namespaces = []
# Without this one libvirt asks a started QEMU for the guest's CPU in 2 calls instead of 930, half of a start's time.
capability_filters = [ "cpu-unavailable-features" ]
"""


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Of libvirtd, and so of QEMU."""
    kept = {key: value for key, value in inherited.items() if key in ("PATH", "LIBVIRT_DEBUG", "LIBVIRT_LOG_FILTERS")}
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        **kept,
        "HOME": str(RUNTIME_DIR),
        "XDG_RUNTIME_DIR": str(RUNTIME_DIR),
        "XDG_CACHE_HOME": str(STATE_DIR),
        "XDG_CONFIG_HOME": str(STATE_DIR),
        "MALLOC_ARENA_MAX": "1",
    }


class LibvirtDaemon:
    """Keeps one libvirtd running."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._child: Child | None = None

    def start(self) -> None:
        """Write its files and start it. Raises OSError."""
        config = STATE_DIR / "libvirt"
        config.mkdir(parents=True, exist_ok=True)
        (config / "libvirtd.conf").write_text(DAEMON_CONF)
        (config / "qemu.conf").write_text(QEMU_CONF)
        kept = kept_state.link()
        seeded = capability_seed.plant(STATE_DIR)
        self._spawn()
        capabilities = "from the image" if seeded else "to be asked for"
        log.info("libvirtd started", pid=self.pid, capabilities=capabilities, kept=", ".join(kept) or None)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def keep(self) -> None:
        """Start another whenever it dies, until cancelled."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while self._child is not None:
            born = loop.time()
            status = await self._child.exited
            if loop.time() - born > 60:
                attempt = 0
            pause = RESTART_AFTER_S[min(attempt, len(RESTART_AFTER_S) - 1)]
            attempt += 1
            log.warning("libvirtd died, the guest goes on; starting another", wait_status=status, pause_s=pause)
            await asyncio.sleep(pause)
            self._spawn()

    def _spawn(self) -> None:
        config = STATE_DIR / "libvirt" / "libvirtd.conf"
        argv = ["libvirtd", "--timeout", "0", "--config", str(config)]
        self._child = self._children.spawn("libvirtd", argv, env=environment(os.environ))
