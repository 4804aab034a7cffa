"""The cluster as a whole: up, down, status, nodes. Every step asks what is there and does only what is missing."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localkube import addons, binaries, certificates, controlplane, host, images, leftovers, network, node, state
from localkube.commands import run
from localkube.errors import Problem
from localkube.layout import Layout, NodeSettings, Settings, load_settings, save_settings
from localkube.progress import note, step
from localkube.registry import Registry
from localkube.state import ComponentStatus


class Cluster:
    """A cluster by its state directory. All methods but `status` and `kubectl` take the cluster's lock."""

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout or Layout.from_environment()

    def up(self, *, nodes: int = 0) -> None:
        """Make sure that the cluster runs with at least `nodes` nodes (0: as many as it has, or one)."""
        with self._locked():
            host.check(self.layout)
            missing = host.missing_packages()
            if missing:
                with step(f"installing Debian packages: {' '.join(missing)}"):
                    host.install_packages(missing)
            with step("programs"):
                binaries.provide(self.layout)
            settings = load_settings(self.layout) or Settings(slot=network.free_slot())
            while len(settings.nodes) < max(nodes, 1):
                _append_node(settings)
            save_settings(self.layout, settings)
            fresh = self._start_control_plane(settings)
            self._start_nodes(settings)
            if fresh:
                with step("API server ready"):
                    controlplane.wait_until_ready(self.layout, settings)
                with step("cluster DNS, storage classes"):
                    addons.apply(self.layout, settings)
            self._wait_for_nodes(settings)
            if fresh and any(not each.stopped for each in settings.nodes):
                with step("cluster DNS ready"):
                    self.kubectl("--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=240s")
            for each in settings.nodes:
                if each.stopped or not network.is_plugged(self.layout, each):
                    state = "off" if each.stopped else "cut off"
                    note(f"node {each.name} is {state}, as you left it: localkube node start {each.name}")

    def down(self, *, purge: bool = False) -> None:
        """Stop everything and leave nothing of the cluster behind but its state; with `purge` not even that."""
        if not self.layout.root.exists() and not leftovers.exist(self.layout):
            return
        host.check_root()
        with self._locked():
            settings = load_settings(self.layout)
            for each in settings.nodes if settings else []:
                if node.first_process(self.layout, each) is not None:
                    with step(f"node {each.name} off"):
                        node.shut_down(self.layout, each)
            with step("control plane off"):
                controlplane.stop(self.layout)
            with step("links, rules, mounts and control groups removed"):
                leftovers.remove(self.layout)
                node.remove_mount_points(self.layout)
        if purge:
            with step(f"{self.layout.root} removed"):
                shutil.rmtree(self.layout.root, ignore_errors=False)

    def add_node(self, name: str) -> None:
        with self._locked():
            settings = self._settings()
            if any(each.name == name for each in settings.nodes):
                raise Problem(cause=f"there is a node {name!r} already", remedy="choose another name")
            _append_node(settings, name)
            save_settings(self.layout, settings)
            self._start_nodes(settings)
            self._wait_for_nodes(settings)

    def stop_node(self, name: str) -> None:
        """The machine loses its power."""
        with self._locked():
            settings = self._settings()
            each = settings.node(name)
            each.stopped = True
            save_settings(self.layout, settings)
            with step(f"node {name} off"):
                node.stop(self.layout, each)

    def start_node(self, name: str) -> None:
        """The power, or the network, is back."""
        with self._locked():
            settings = self._settings()
            each = settings.node(name)
            each.stopped = False
            save_settings(self.layout, settings)
            self._start_nodes(settings)
            if not network.is_plugged(self.layout, each):
                with step(f"node {name} connected"):
                    network.set_cable(self.layout, each, plugged=True)
            self._wait_for_nodes(settings)

    def partition_node(self, name: str) -> None:
        """The node's network is cut; the node runs on and is not told."""
        with self._locked():
            each = self._settings().node(name)
            node.pid_in(self.layout, each)
            with step(f"node {name} cut off"):
                network.set_cable(self.layout, each, plugged=False)

    def load(self, paths: list[Path], *, under: str = "") -> list[str]:
        """Load image archives; see images.load."""
        settings = self._settings()
        return images.load(self.layout, settings, paths, under=under)

    def status(self) -> list[ComponentStatus]:
        """Every component and whether it does its work."""
        settings = load_settings(self.layout)
        return state.look(self.layout, settings, self._ready_nodes) if settings is not None else []

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as the administrator and return what it prints."""
        return run(self.layout.bin / "kubectl", f"--kubeconfig={self.layout.kubeconfig}", *arguments)

    def log_of(self, component: str) -> Path:
        """The log of "kube-apiserver", or of "node1/kubelet"."""
        where, _, name = component.rpartition("/")
        directory = self.layout.node(where).logs if where else self.layout.control_plane / "logs"
        path = directory / f"{name}.log"
        if not path.exists():
            known = sorted(
                [found.stem for found in (self.layout.control_plane / "logs").glob("*.log")]
                + [f"{found.parent.parent.name}/{found.stem}" for found in self.layout.root.glob("nodes/*/logs/*.log")]
            )
            raise Problem(cause=f"there is no log of {component!r}", remedy=f"there are: {', '.join(known) or 'none'}")
        return path

    def _settings(self) -> Settings:
        settings = load_settings(self.layout)
        if settings is None:
            raise Problem(cause=f"there is no cluster in {self.layout.root}", remedy="'localkube up' makes one")
        return settings

    def _start_control_plane(self, settings: Settings) -> bool:
        """True when it had to be started."""
        wanted = certificates.leaves(settings)
        for each in settings.nodes:
            wanted += certificates.node_leaves(settings, each)
        certificates.ensure(self.layout, wanted)
        network.up(self.layout, settings)
        if controlplane.is_running(self.layout) and controlplane.api_says_ready(self.layout, settings):
            return False
        with step("control plane started"):
            controlplane.stop(self.layout)
            host.check_ports(settings)
            controlplane.start(self.layout, settings)
            with Registry(settings.registry) as registry:
                registry.wait()
                addons.load_own_images(self.layout, settings, registry)
        return True

    def _start_nodes(self, settings: Settings) -> None:
        for each in settings.nodes:
            if not each.stopped and not node.is_running(self.layout, each):
                with step(f"node {each.name} on"):
                    certificates.ensure(self.layout, certificates.node_leaves(settings, each))
                    node.start(self.layout, settings, each)

    def _wait_for_nodes(self, settings: Settings, *, within_s: float = 240) -> None:
        """Until every node that is switched on is Ready and knows its pod range."""
        expected = [each for each in settings.nodes if not each.stopped and network.is_plugged(self.layout, each)]
        if all(self._ready_nodes().get(each.name) for each in expected):
            return
        with step(f"nodes ready: {', '.join(each.name for each in expected)}"):
            deadline = time.monotonic() + within_s
            while True:
                ready = self._ready_nodes()
                missing = [each.name for each in expected if not ready.get(each.name)]
                if not missing:
                    break
                if time.monotonic() > deadline:
                    raise Problem(
                        cause=f"not ready after {within_s:.0f} s: {', '.join(missing)}",
                        remedy=f"see 'localkube logs {missing[0]}/kubelet' and 'localkube kubectl describe node'",
                    )
                time.sleep(0.3)
        for each in expected:
            pods = str(settings.pod_range(each))
            self.kubectl("patch", "node", each.name, "-p", json.dumps({"spec": {"podCIDR": pods, "podCIDRs": [pods]}}))

    def _ready_nodes(self) -> dict[str, bool]:
        query = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
        try:
            text = self.kubectl("get", "nodes", f"--output=jsonpath={query}")
        except Problem:
            return {}
        return {name: state == "True" for name, _, state in (line.partition("=") for line in text.splitlines())}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One `localkube` at a time changes a cluster."""
        self.layout.root.mkdir(parents=True, exist_ok=True)
        with (self.layout.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note("another localkube is at work on this cluster; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _append_node(settings: Settings, name: str = "") -> None:
    index = max((each.index for each in settings.nodes), default=0) + 1
    settings.nodes.append(NodeSettings(name=name or f"node{index}", index=index))
