"""What a node's programs are told: kubelet, kube-proxy, containerd, CNI. Files only, made anew at every start."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import yaml

from localkube import kubeconfigs
from localkube.layout import Layout, NodeSettings, Settings
from localkube.supervision import Program

PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
_LOOPBACK = re.compile(r"nameserver\s+(127\.|::1)")


def write(layout: Layout, settings: Settings, node: NodeSettings) -> None:
    """Write every configuration file of the node."""
    place = layout.node(node.name)
    place.config.mkdir(parents=True, exist_ok=True)
    kubeconfigs.write(layout, settings, place.config / "kubelet.kubeconfig", certificate=f"{node.name}-kubelet")
    kubeconfigs.write(layout, settings, place.config / "proxy.kubeconfig", certificate=f"{node.name}-proxy")
    (place.config / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(layout, settings, node), sort_keys=False))
    (place.config / "proxy.yaml").write_text(yaml.safe_dump(_proxy(layout, settings, node), sort_keys=False))
    (place.config / "containerd.toml").write_text(_containerd(layout))
    (place.config / "resolv.conf").write_text(name_servers())
    cni = place.data / "cni" / "net.d"
    cni.mkdir(parents=True, exist_ok=True)
    (cni / "10-localkube.conflist").write_text(json.dumps(_cni(settings, node), indent=2) + "\n")


def programs(layout: Layout, settings: Settings, node: NodeSettings) -> list[Program]:
    """The programs of the node, in the order of their start."""
    config, bin_dir = layout.node(node.name).config, layout.bin
    path = f"PATH={bin_dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        Program(
            name="containerd",
            args=[str(bin_dir / "containerd"), "--config", str(config / "containerd.toml")],
            env=[path, *_proxies(settings)],
        ),
        Program(
            name="kubelet",
            args=[
                str(bin_dir / "kubelet"),
                f"--config={config / 'kubelet.yaml'}",
                f"--kubeconfig={config / 'kubelet.kubeconfig'}",
                f"--node-ip={settings.node_address(node)}",
                f"--hostname-override={node.name}",
            ],
            env=[path],
            wait_for=CONTAINERD_SOCKET,
        ),
        Program(
            name="kube-proxy",
            args=[str(bin_dir / "kube-proxy"), f"--config={config / 'proxy.yaml'}"],
            env=[path],
            wait_for=f"{settings.gateway}:6443",
        ),
    ]


def _kubelet(layout: Layout, settings: Settings, node: NodeSettings) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / f"{node.name}-kubelet-serving.crt"),
        "tlsPrivateKeyFile": str(layout.pki / f"{node.name}-kubelet-serving.key"),
        "clusterDNS": [str(settings.dns_address)],
        "clusterDomain": "cluster.local",
        "resolvConf": str(layout.node(node.name).config / "resolv.conf"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.tag}/{node.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "maxPods": 250,
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "serializeImagePulls": False,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "imageGCHighThresholdPercent": 98,
        "imageGCLowThresholdPercent": 95,
    }


def _proxy(layout: Layout, settings: Settings, node: NodeSettings) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(layout.node(node.name).config / "proxy.kubeconfig")},
        "clusterCIDR": str(settings.pod_network),
        "hostnameOverride": node.name,
        "oomScoreAdj": 0,
        # The connection table's size belongs to the whole machine and cannot be set from a node's namespace.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _containerd(layout: Layout) -> str:
    return f"""\
version = 3
# It would make a directory on the machine's own /opt.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{PAUSE_IMAGE}"

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "{layout.certs_d}"

[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE no process may be made less likely to be killed than its parent; runc would fail.
  restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{layout.cni_bin}", "/opt/cni/bin"]
  conf_dir = "/etc/cni/net.d"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
"""


def _cni(settings: Settings, node: NodeSettings) -> dict[str, object]:
    pods = settings.pod_range(node)
    return {
        "cniVersion": "1.0.0",
        "name": "localkube",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "hairpinMode": True,
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    # Leases live as long as the node's power: a node that lost it has no pods.
                    "dataDir": "/run/cni",
                    "ranges": [[{"subnet": str(pods)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def name_servers() -> str:
    """The machine's name servers, without those that answer on its loopback only: no pod can reach them."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        if not path.exists():
            continue
        lines = [line for line in path.read_text().splitlines(keepends=True) if not _LOOPBACK.match(line)]
        if any(line.startswith("nameserver") for line in lines):
            return "".join(lines)
    return ""


def _proxies(settings: Settings) -> list[str]:
    """The HTTP proxies of whoever starts the cluster: real registries may be reachable through them only."""
    found = [f"{name}={value}" for name in ("HTTP_PROXY", "HTTPS_PROXY") if (value := _setting(name))]
    return [*found, f"NO_PROXY={settings.gateway},{_setting('NO_PROXY')}"] if found else []


def _setting(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower(), "")
