"""What the machine must offer, checked before anything is changed; each complaint says what to do."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import time

from localkube import cgroups
from localkube.errors import Problem
from localkube.layout import Layout, Settings

KERNEL_NEEDED = (5, 13)  # kube-proxy's nftables mode
SPACE_NEEDED = 3 << 30

PACKAGES = {
    "runc": "runc", "nft": "nftables", "iptables": "iptables", "ip": "iproute2", "conntrack": "conntrack",
    "ethtool": "ethtool", "socat": "socat", "nsenter": "util-linux", "unshare": "util-linux", "mount": "mount",
}  # fmt: skip


def check(layout: Layout) -> None:
    """Raises Problem for the first thing that would keep a cluster from running here."""
    check_root()
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
    if version < KERNEL_NEEDED:
        needed = ".".join(map(str, KERNEL_NEEDED))
        raise Problem(cause=f"this kernel is {release}", remedy=f"boot Linux {needed} or later")
    cgroups.hierarchies()
    place = layout.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < SPACE_NEEDED:
        raise Problem(
            cause=f"a cluster needs {SPACE_NEEDED >> 20} MiB, and {free >> 20} are free on the disk of {layout.root}",
            remedy="free some space, or set LOCALKUBE_DIR to a directory on a larger disk",
        )


def check_root() -> None:
    if os.geteuid() != 0:
        raise Problem(cause="localkube makes namespaces and mounts, and you are not root", remedy="run it with sudo")


def missing_packages() -> list[str]:
    """The Debian packages of the programs that are not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return sorted({package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None})


def install_packages(packages: list[str]) -> None:
    """Install with apt-get; where that is not to be had, say which packages are missing."""
    command = f"apt-get install -y {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise Problem(cause=f"these packages are missing: {' '.join(packages)}", remedy="install them")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for attempt in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(attempt, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0 and attempt is install:
            return
    said = (done.stderr or done.stdout).strip()[-800:]
    raise Problem(cause=f"'{command}' failed: {said}", remedy=f"run '{command}' by hand and see why")


def check_ports(settings: Settings, *, within_s: float = 20) -> None:
    """The ports of a control plane that is about to start must be free, or become so: what was killed may linger."""
    deadline = time.monotonic() + within_s
    for address, port, what in (
        (str(settings.gateway), 6443, "API server"), (str(settings.gateway), 5000, "registry"),
        (settings.loopback, 2379, "etcd"), (settings.loopback, 2380, "etcd"),
        (settings.loopback, 10257, "controller manager"), (settings.loopback, 10259, "scheduler"),
    ):  # fmt: skip
        while (refusal := _refusal(address, port)) is not None:
            if time.monotonic() > deadline:
                raise Problem(
                    cause=f"{address}:{port}, which the {what} needs, is taken{_holder(address, port)}",
                    remedy="stop that program",
                ) from refusal
            time.sleep(0.05)


def _refusal(address: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as taken:
            return taken
    return None


def _holder(address: str, port: int) -> str:
    """Who listens there, as `ss` tells it."""
    said = subprocess.run(
        ["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    places = (f"{address}:{port}", f"0.0.0.0:{port}", f"*:{port}")
    holders = [line for line in said if line.split()[3] in places and "users:" in line]
    return f" by {holders[0].split('users:')[1].strip()}" if holders else ""
