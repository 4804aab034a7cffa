"""What libvirtd finds when it starts: its settings, the knowledge of this QEMU, links to state that is kept.

One `libvirtd` in session mode, as this user, for one guest: so with few threads and one memory arena, without limits on
what it may not do anyway (control groups, namespaces, security drivers are the pod's matter), and without `virtlogd`,
which `stdio_handler = "file"` spares: QEMU then writes its log files itself.
"""

from collections.abc import Mapping
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.machine import paths
from kubevirt.virt_launcher import capability_seed, kept_state

log = logs.get("libvirtd")

RUNTIME_DIR = Path(paths.LIBVIRT_DIR).parent
STATE_DIR = Path(paths.PRIVATE_DIR)
SETTINGS = STATE_DIR / "libvirt"
SOCKET = Path(paths.LIBVIRT_DIR) / "libvirt-sock"
COMMAND = ("libvirtd", "--timeout", "0", "--config", str(SETTINGS / "libvirtd.conf"))

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


def write() -> None:
    """Everything that has to be there before libvirtd starts. Raises OSError."""
    SETTINGS.mkdir(parents=True, exist_ok=True)
    (SETTINGS / "libvirtd.conf").write_text(DAEMON_CONF)
    (SETTINGS / "qemu.conf").write_text(QEMU_CONF)
    kept = kept_state.link()
    seeded = capability_seed.plant(STATE_DIR)
    capabilities = "from the image" if seeded else "to be asked for"
    log.info("libvirtd starts", capabilities=capabilities, kept=", ".join(kept) or None)
