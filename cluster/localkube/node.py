"""A node: a set of namespaces on this machine with its own process 1, kubelet, containerd and kube-proxy.

Switching it off is killing its process 1: the kernel then ends everything in it, as a power failure would. What must
survive that (images, pods' volumes) lies in the node's data directory, mounted over the usual system paths inside.
"""

from __future__ import annotations

import os
import time
from importlib.resources import files
from pathlib import Path

from localkube import cgroups, leftovers, network, node_config, supervision
from localkube.errors import Problem
from localkube.layout import Layout, NodeLayout, NodeSettings, Settings

PRIVATE = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "cni": "/etc/cni",
    "cni-bin": "/opt/cni",
    "pod-logs": "/var/log/pods",
    "container-logs": "/var/log/containers",
}
PROGRAMS = ("containerd", "kubelet", "kube-proxy")


def group(layout: Layout, node: NodeSettings) -> str:
    """The control group below which the kubelet puts the node's pods."""
    return f"/{layout.tag}/{node.name}"


def system_group(layout: Layout, node: NodeSettings) -> str:
    """The control group of the node's own programs, apart from the pods' so that the kubelet does not count them."""
    return f"/{layout.tag}/{node.name}.system"


def pid_file(place: NodeLayout) -> Path:
    return place.run / "node.pid"


def first_process(layout: Layout, node: NodeSettings) -> int | None:
    """The node's process 1, as this machine numbers it; None when the node is off, or about to be."""
    outer = supervision.running(pid_file(layout.node(node.name)))
    if outer is None:
        return None
    try:
        for child in Path(f"/proc/{outer}/task/{outer}/children").read_text().split():
            # Until `unshare` has done its work, the children are those of the shell that became it.
            apart = Path(f"/proc/{child}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
            if apart and not supervision.is_ending(int(child)):
                return int(child)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None  # gone, or changing programs at this moment, when even root may not look at it
    return None


def is_running(layout: Layout, node: NodeSettings) -> bool:
    """Whether the node was started to the end: a start that was killed half-way leaves one that waits for its cable."""
    if first_process(layout, node) is None or not network.is_present(layout, node):
        return False
    return any((layout.node(node.name).run / "programs").glob("*.pid"))


def start(layout: Layout, settings: Settings, node: NodeSettings) -> None:
    """Switch the node on. What is left of an earlier life is removed first."""
    stop(layout, node)
    place = layout.node(node.name)
    _prepare_directories(layout, place)
    node_config.write(layout, settings, node)
    configuration = place.config / "supervise.json"
    supervision.write_configuration(
        configuration, node_config.programs(layout, settings, node), logs=place.logs, run=place.run / "programs"
    )
    cgroups.create(group(layout, node))
    cable = place.run / "cable"
    cable.unlink(missing_ok=True)
    os.mkfifo(cable)
    init = files("localkube").joinpath("config/node-init.sh")
    outer = supervision.start(
        [
            "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--net", "--uts", "--ipc",
            "/bin/sh", str(init), node.name, str(place.config / "mounts"), str(cable),
            str(layout.bin / "supervise"), str(configuration),
        ],
        group=system_group(layout, node), log=place.logs / "node.log", pid_file=pid_file(place),
    )  # fmt: skip
    inside = _wait_for_first_process(layout, node, place, outer)
    network.connect(layout, settings, node, inside)
    _plug_in(cable, place)
    _tell_the_ways(layout, settings, node, inside)


def stop(layout: Layout, node: NodeSettings) -> None:
    """Power failure: everything of the node ends at once."""
    place = layout.node(node.name)
    cgroups.kill(system_group(layout, node))
    cgroups.kill(group(layout, node))
    pid_file(place).unlink(missing_ok=True)
    network.disconnect(layout, node)
    cgroups.remove(system_group(layout, node))
    cgroups.remove(group(layout, node))


def shut_down(layout: Layout, node: NodeSettings) -> None:
    """Ask kubelet and containerd to end before the power goes."""
    inside = first_process(layout, node)
    if inside is not None:
        supervision.terminate(inside, within_s=10)
    stop(layout, node)


def _prepare_directories(layout: Layout, place: NodeLayout) -> None:
    lines = []
    for name, target in PRIVATE.items():
        source = place.data / name
        source.mkdir(parents=True, exist_ok=True)
        _make_mount_point(layout, Path(target))
        lines.append(f"{source} {target}\n")
    for directory in (place.config, place.logs, place.run, place.volumes):
        directory.mkdir(parents=True, exist_ok=True)
    (place.config / "mounts").write_text("".join(lines))
    for left in (place.run / "programs").glob("*.pid"):
        left.unlink()


def _make_mount_point(layout: Layout, path: Path) -> None:
    """Directories that had to be made on the machine are remembered, and removed by `down`."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir()
        with (layout.root / "made-directories").open("a") as record:
            record.write(f"{directory}\n")


def remove_mount_points(layout: Layout) -> None:
    """Undo `_make_mount_point`, except where somebody has put something in since."""
    record = layout.root / "made-directories"
    if not record.exists():
        return
    for path in map(Path, reversed(record.read_text().splitlines())):
        if path.is_dir() and not any(path.iterdir()) and not leftovers.is_mounted_somewhere(path):
            path.rmdir()
    record.unlink()


def _wait_for_first_process(layout: Layout, node: NodeSettings, place: NodeLayout, outer: int) -> int:
    deadline = time.monotonic() + supervision.PATIENCE_S
    while time.monotonic() < deadline:
        inside = first_process(layout, node)
        if inside is not None:
            return inside
        if supervision.running(pid_file(place)) is None:
            break
        time.sleep(0.02)
    raise supervision.failure(f"node {node.name} did not start (process {outer})", place.logs / "node.log")


def _plug_in(cable: Path, place: NodeLayout) -> None:
    """Let the node's first process go on. It opens the pipe when its mounts are made."""
    deadline = time.monotonic() + supervision.PATIENCE_S
    while time.monotonic() < deadline:
        try:
            end = os.open(cable, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            # Nobody reads yet.
            if supervision.running(pid_file(place)) is None:
                break
            time.sleep(0.01)
            continue
        os.write(end, b"plugged in\n")
        os.close(end)
        return
    raise supervision.failure("the node's mounts could not be made", place.logs / "node.log")


def _tell_the_ways(layout: Layout, settings: Settings, node: NodeSettings, inside: int) -> None:
    for other in settings.nodes:
        if other.name == node.name:
            continue
        network.route_between(settings, inside, other)
        there = first_process(layout, other)
        if there is not None:
            network.route_between(settings, there, node)


def pid_in(layout: Layout, node: NodeSettings) -> int:
    """The node's process 1, or a Problem saying that it is off."""
    inside = first_process(layout, node)
    if inside is None:
        raise Problem(cause=f"node {node.name} is off", remedy=f"localkube node start {node.name}")
    return inside
