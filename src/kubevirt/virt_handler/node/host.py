"""Facts about the node's kernel and kubelet that are read from files each time, since they change while virt-handler
runs: the kubelet's CPU manager, realtime scheduling, merging of equal pages (KSM).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kubevirt.api.config import ClusterConfig
from kubevirt.api.selectors import matches
from kubevirt.kit import logs
from kubevirt.kit.errors import Refused

GATE_CPU_MANAGER = "CPUManager"
CPU_MANAGER_STATE = "cpu_manager_state"
KSM_RUN = Path("/sys/kernel/mm/ksm/run")
ANNOTATION_KSM_MANAGED = "kubevirt.io/ksm-handler-managed"
_RT_RUNTIME = Path("/proc/sys/kernel/sched_rt_runtime_us")
_NO_LIMIT = "-1"
_ON, _OFF = "1", "0"

log = logs.get("node")


class _CpuManagerState(msgspec.Struct, rename="camel"):
    policy_name: str = ""


@dataclass(frozen=True, kw_only=True)
class KsmStep:
    """What to write to the kernel's switch (empty: nothing), and whether the switch is then ours."""

    write: str = ""
    managed: bool = False


def has_cpu_manager(config: ClusterConfig, kubelet_dir: Path) -> bool:
    """Guests can be given processors of their own: the gate is on, and this kubelet hands them out."""
    if not config.has_gate(GATE_CPU_MANAGER):
        return False
    try:
        state = msgspec.json.decode((kubelet_dir / CPU_MANAGER_STATE).read_bytes(), type=_CpuManagerState)
    except (OSError, msgspec.DecodeError):
        return False
    return state.policy_name == "static"


def has_realtime(file: Path = _RT_RUNTIME) -> bool:
    """The kernel lets realtime threads run for as long as they want."""
    return _read(file) == _NO_LIMIT


def ksm_enabled(file: Path = KSM_RUN) -> bool | None:
    """Whether equal pages are merged now; None where the kernel cannot."""
    found = _read(file)
    return None if found is None else found == _ON


def ksm_step(config: ClusterConfig, labels: Mapping[str, str], annotations: Mapping[str, str], *,
             enabled: bool | None) -> KsmStep:
    """Turn merging on where the configuration chooses the node, and off again only where we had turned it on."""
    if enabled is None:
        return KsmStep()
    asked = config.raw.ksm_configuration
    selector = asked.node_label_selector if asked is not None else None
    ours = annotations.get(ANNOTATION_KSM_MANAGED) == "true"
    try:
        chosen = selector is not None and matches(selector, labels)
    except Refused as e:
        log.warning("ksmConfiguration.nodeLabelSelector chooses no node", cause=e.cause)
        chosen = False
    if chosen:
        return KsmStep(write="" if enabled else _ON, managed=ours or not enabled)
    return KsmStep(write=_OFF if ours and enabled else "")


def set_ksm(value: str, file: Path = KSM_RUN) -> None:
    try:
        file.write_text(value)
    except OSError as e:
        log.warning("merging of equal pages could not be switched", value=value, cause=e.strerror)
    else:
        log.info("merging of equal pages switched", value=value)


def _read(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except OSError:
        return None
