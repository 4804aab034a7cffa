"""The control plane, on the machine itself: etcd, API server, controller manager, scheduler, registry, provisioner."""

from __future__ import annotations

import os
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from localkube import kubeconfigs, supervision
from localkube.layout import Layout, Settings
from localkube.supervision import Program

PROGRAMS = ("etcd", "registry", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "provisioner")


def group(layout: Layout) -> str:
    return f"/{layout.tag}/control-plane"


def pid_file(layout: Layout) -> Path:
    return layout.control_plane / "run" / "supervise.pid"


def is_running(layout: Layout) -> bool:
    return supervision.running(pid_file(layout)) is not None


def start(layout: Layout, settings: Settings) -> None:
    """Start everything; returns when the processes are started, not when they are ready."""
    place = layout.control_plane
    config = place / "config"
    for directory in (config, place / "logs", place / "etcd", place / "registry"):
        directory.mkdir(parents=True, exist_ok=True)
    (place / "etcd").chmod(0o700)
    for name in ("controller-manager", "scheduler", "provisioner"):
        kubeconfigs.write(layout, settings, config / f"{name}.kubeconfig", certificate=name)
    kubeconfigs.write(layout, settings, layout.kubeconfig, certificate="admin")
    (config / "audit.yaml").write_text(yaml.safe_dump(_audit_policy()))
    (config / "registry.yaml").write_text(yaml.safe_dump(_registry(layout, settings)))
    configuration = config / "supervise.json"
    supervision.write_configuration(
        configuration, programs(layout, settings), logs=place / "logs", run=place / "run" / "programs"
    )
    supervision.start(
        [str(layout.bin / "supervise"), str(configuration)],
        group=group(layout), log=place / "logs" / "supervise.log", pid_file=pid_file(layout),
    )  # fmt: skip


def stop(layout: Layout) -> None:
    supervision.stop(pid_file(layout), group=group(layout), within_s=20)


def api_says_ready(layout: Layout, settings: Settings, path: str = "/readyz") -> bool:
    """Whether the API server answers `path` with 200, asked with the administrator's certificate."""
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    context.load_cert_chain(str(layout.pki / "admin.crt"), str(layout.pki / "admin.key"))
    try:
        with urllib.request.urlopen(settings.server + path, context=context, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until_ready(layout: Layout, settings: Settings, *, within_s: float = 240) -> None:
    """Raises a Problem that quotes the log of the component to blame."""
    deadline = time.monotonic() + within_s
    while not api_says_ready(layout, settings):
        if time.monotonic() > deadline or not is_running(layout):
            logs = layout.control_plane / "logs"
            to_blame = "kube-apiserver" if (logs / "kube-apiserver.log").exists() else "etcd"
            raise supervision.failure(f"the API server was not ready within {within_s:.0f} s", logs / f"{to_blame}.log")
        time.sleep(0.1)


def programs(layout: Layout, settings: Settings) -> list[Program]:
    """The programs in the order of their start; each waits for what it needs."""
    config, etcd = layout.control_plane / "config", f"{settings.loopback}:2379"
    api = f"{settings.gateway}:6443"
    return [
        Program(name="etcd", args=_etcd(layout, settings)),
        Program(
            name="registry",
            args=[str(layout.bin / "registry"), "serve", str(config / "registry.yaml")],
            env=["OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none"],
        ),
        Program(name="kube-apiserver", args=_apiserver(layout, settings), env=_collect_seldom(), wait_for=etcd),
        Program(name="kube-controller-manager", args=_controller_manager(layout, settings), wait_for=api),
        Program(
            name="kube-scheduler",
            args=[
                str(layout.bin / "kube-scheduler"),
                f"--kubeconfig={config / 'scheduler.kubeconfig'}",
                f"--authentication-kubeconfig={config / 'scheduler.kubeconfig'}",
                f"--authorization-kubeconfig={config / 'scheduler.kubeconfig'}",
                f"--bind-address={settings.loopback}",
                "--leader-elect=false",
            ],
            wait_for=api,
        ),
        Program(
            name="provisioner",
            args=[
                str(layout.bin / "provisioner"),
                f"--kubeconfig={config / 'provisioner.kubeconfig'}",
                f"--state={layout.root}",
            ],
            wait_for=api,
        ),
    ]


def _collect_seldom() -> list[str]:
    """Go's own settings that let the API server collect its garbage at five times its living memory.

    Half of its processor time under load is collection otherwise, and on a machine of few processors that is what
    everything else waits for. Beyond a quarter of the machine's memory it collects as often as it must.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return ["GOGC=400", f"GOMEMLIMIT={memory // 4}"]


def _etcd(layout: Layout, settings: Settings) -> list[str]:
    pki, here = layout.pki, settings.loopback
    return [
        str(layout.bin / "etcd"),
        "--name=localkube",
        f"--data-dir={layout.control_plane / 'etcd'}",
        f"--listen-client-urls=https://{here}:2379",
        f"--advertise-client-urls=https://{here}:2379",
        f"--listen-peer-urls=https://{here}:2380",
        f"--initial-advertise-peer-urls=https://{here}:2380",
        f"--initial-cluster=localkube=https://{here}:2380",
        f"--trusted-ca-file={pki / 'etcd-ca.crt'}",
        f"--cert-file={pki / 'etcd.crt'}",
        f"--key-file={pki / 'etcd.key'}",
        "--client-cert-auth",
        f"--peer-trusted-ca-file={pki / 'etcd-ca.crt'}",
        f"--peer-cert-file={pki / 'etcd.crt'}",
        f"--peer-key-file={pki / 'etcd.key'}",
        "--peer-client-cert-auth",
        "--auto-compaction-retention=1h",
        "--quota-backend-bytes=8589934592",
        "--unsafe-no-fsync",
    ]


def _apiserver(layout: Layout, settings: Settings) -> list[str]:
    pki, config = layout.pki, layout.control_plane / "config"
    return [
        str(layout.bin / "kube-apiserver"),
        f"--advertise-address={settings.gateway}",
        f"--bind-address={settings.gateway}",
        "--secure-port=6443",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--etcd-servers=https://{settings.loopback}:2379",
        f"--etcd-cafile={pki / 'etcd-ca.crt'}",
        f"--etcd-certfile={pki / 'etcd-client.crt'}",
        f"--etcd-keyfile={pki / 'etcd-client.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-cluster-ip-range={settings.service_network}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy.key'}",
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={config / 'audit.yaml'}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=200",
        "--audit-log-maxbackup=3",
        "--profiling=false",
    ]


def _controller_manager(layout: Layout, settings: Settings) -> list[str]:
    pki, kubeconfig = layout.pki, layout.control_plane / "config" / "controller-manager.kubeconfig"
    return [
        str(layout.bin / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={settings.loopback}",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'service-accounts.key'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
        f"--service-cluster-ip-range={settings.service_network}",
        "--allocate-node-cidrs=false",
    ]


def _audit_policy() -> dict[str, object]:
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }


def _registry(layout: Layout, settings: Settings) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(layout.control_plane / "registry")},
            "delete": {"enabled": True},
            "cache": {"blobdescriptor": "inmemory"},
        },
        "http": {"addr": settings.registry},
    }
