"""What virt-handler is told by its environment and flags."""

from dataclasses import dataclass
from pathlib import Path

from kubevirt import __version__
from kubevirt.api import names


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Paths are those inside the DaemonSet's pod, where the kubelet's directories are mounted under their own names."""

    node: str
    namespace: str = names.INSTALL_NAMESPACE
    pods_dir: Path = Path("/var/lib/kubelet/pods")
    kubelet_dir: Path = Path("/proc/1/root/var/lib/kubelet")
    """The kubelet's own directory, as its node sees it."""
    device_plugins_dir: Path = Path("/var/lib/kubelet/device-plugins")
    server_certificate: Path = Path("/etc/virt-handler/servercertificates")
    authorities: Path = Path("/etc/virt-handler/ca")
    port: int = 8186
    health_port: int = 8080
    metrics_port: int = 8443
    max_devices: int = 1000
    software: str = f"virt-handler/{__version__}"
