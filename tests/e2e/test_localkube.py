"""localkube itself: a second cluster beside the one in use, from its first `up` to the last trace of it being gone.

It needs no add-on. Its state lies in a directory of its own, and so do its addresses, links and control groups.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localkube import cgroups, controlplane, leftovers, node, own_images, supervision
from localkube.cluster import Cluster
from localkube.errors import Problem
from localkube.layout import Layout, load_settings

JsonObject = dict[str, Any]

pytestmark = pytest.mark.e2e

BUSYBOX = Path(__file__).parents[2] / "build" / "images" / "busybox.tar"


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> None:
    """In place of the add-on's monitor: the last tests of this file look for themselves."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes. What the tests break, they mend."""
    if os.geteuid() != 0:
        pytest.skip("a cluster needs root")
    if not BUSYBOX.exists():
        pytest.skip("needs build/images/busybox.tar: run `make images`")
    with tempfile.TemporaryDirectory(prefix="localkube-", dir="/var/tmp", ignore_cleanup_errors=True) as place:
        found = Cluster(Layout(Path(place)))
        try:
            found.up(nodes=2)
            found.load([BUSYBOX], under="localkube/busybox")
            yield found
        finally:
            found.down(purge=True)


def eventually(what: str, wanted: object, look: Callable[[], object], within_s: float = 240) -> None:
    """Look until the answer is as wanted; the last answer is in the failure."""
    deadline = time.monotonic() + within_s
    seen: object
    while True:
        try:
            seen = look()
        except Problem as problem:
            seen = problem
        if seen == wanted:
            return
        assert time.monotonic() < deadline, f"{what}: {seen!r} after {within_s} s, not {wanted!r}"
        time.sleep(0.3)


def apply(cluster: Cluster, *objects: JsonObject) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, file)
        file.flush()
        cluster.kubectl("apply", "-f", file.name)


def pod(name: str, on: str = "", image: str = "localkube/busybox", **more: Any) -> JsonObject:
    """A pod that serves its own name at port 8080, unless it is told otherwise."""
    command = f"mkdir -p /tmp/www; echo {name} > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"
    container: JsonObject = {"name": "c", "image": image, "command": ["sh", "-c", command]}
    container.update(more.pop("container", {}))
    container.setdefault("readinessProbe", {"tcpSocket": {"port": 8080}, "periodSeconds": 1})
    spec: JsonObject = {"containers": [container], "terminationGracePeriodSeconds": 0, **more}
    if on:
        spec["nodeSelector"] = {"kubernetes.io/hostname": on}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def wait_ready(cluster: Cluster, *names: str) -> None:
    cluster.kubectl("wait", "--for=condition=Ready", "--timeout=240s", *[f"pod/{name}" for name in names])


def inside(cluster: Cluster, name: str, command: str) -> str:
    return cluster.kubectl("exec", name, "--", "sh", "-c", command).strip()


def remove(cluster: Cluster, *names: str) -> None:
    cluster.kubectl("delete", "--ignore-not-found", *names)


def traces(layout: Layout) -> JsonObject:
    """All by which a cluster could be noticed on the machine."""
    words = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout.split()
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    return {
        "processes": cgroups.processes(f"/{layout.tag}"),
        "control groups": cgroups.exists(f"/{layout.tag}"),
        "links": [path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(layout.tag)],
        "mounts": leftovers.mounts(layout),
        "nftables": layout.tag in words,
        "routes": [line for line in routes.splitlines() if layout.tag in line],
    }


def programs(cluster: Cluster) -> dict[Path, str]:
    """Every program that is kept running, by the record of its process; what these start for a moment is left out."""
    found = {path: path.read_text() for path in cluster.layout.root.glob("**/*.pid")}
    assert len(found) >= len(controlplane.PROGRAMS) + 2 * len(node.PROGRAMS), sorted(found)
    return found


NOTHING = {
    "processes": [], "control groups": False, "links": [], "mounts": [], "nftables": False, "routes": [],
}  # fmt: skip


def test_everything_does_its_work_and_a_second_up_is_quick(cluster: Cluster) -> None:
    assert [entry for entry in cluster.status() if not entry.good] == []
    before = programs(cluster)
    cluster.up(nodes=2)
    assert programs(cluster) == before, "something was started anew"
    assert "v1.36.3" in cluster.kubectl("version")


def test_pods_talk_across_nodes_by_address_service_and_name(cluster: Cluster) -> None:
    service: JsonObject = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "far"},
        "spec": {"selector": {"app": "far"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }  # fmt: skip
    apply(cluster, pod("near", on="node1"), pod("far", on="node2"), service)
    wait_ready(cluster, "near", "far")
    address = cluster.kubectl("get", "pod", "far", "-o", "jsonpath={.status.podIP}")
    virtual = cluster.kubectl("get", "service", "far", "-o", "jsonpath={.spec.clusterIP}")
    for place in (f"{address}:8080", virtual, "far", "far.default.svc.cluster.local"):
        asking = functools.partial(inside, cluster, "near", f"wget -T 5 -qO- http://{place}/")
        eventually(f"the other node's pod answers at {place}", "far", asking)

    def resolved() -> bool:
        return "10.96.0.1" in inside(cluster, "far", "nslookup kubernetes.default.svc.cluster.local")

    eventually("a name of a Service is resolved", True, resolved)
    knock = "nc -w 3 kubernetes.default 443 < /dev/null && echo reached"
    eventually("the API server is reached by its name", "reached", lambda: inside(cluster, "near", knock))
    remove(cluster, "pod/near", "pod/far", "service/far")


def test_claims_are_bound_and_shared_volumes_are_seen_by_both_nodes(cluster: Cluster) -> None:
    def claim(name: str, storage_class: str, mode: str) -> JsonObject:
        spec: JsonObject = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
        if storage_class:
            spec["storageClassName"] = storage_class
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}

    mounts = {"volumeMounts": [{"name": "own", "mountPath": "/own"}, {"name": "all", "mountPath": "/all"}]}

    def volumes(own: str) -> list[JsonObject]:
        return [
            {"name": "own", "persistentVolumeClaim": {"claimName": own}},
            {"name": "all", "persistentVolumeClaim": {"claimName": "all"}},
        ]

    apply(
        cluster,
        claim("one", "", "ReadWriteOnce"),
        claim("two", "local", "ReadWriteOnce"),
        claim("all", "shared", "ReadWriteMany"),
        pod("one", on="node1", container=mounts, volumes=volumes("one")),
        pod("two", on="node2", container=mounts, volumes=volumes("two")),
    )
    wait_ready(cluster, "one", "two")
    inside(cluster, "one", "echo mine > /own/note; echo ours > /all/note")
    assert inside(cluster, "two", "cat /all/note; ls /own") == "ours"
    remove(cluster, "pod/one", "pod/two")
    remove(cluster, "pvc/one", "pvc/two", "pvc/all")
    eventually("volumes removed", [], lambda: list(cluster.layout.root.glob("**/pvc-*")))


def test_missing_image_is_reported_soon_and_a_loaded_one_is_found(cluster: Cluster, tmp_path: Path) -> None:
    apply(cluster, pod("early", image="quay.io/nobody/later:1"))
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    eventually(
        "the pull fails", True,
        lambda: cluster.kubectl("get", "pod", "early", "-o", reason) in ("ErrImagePull", "ImagePullBackOff"),
    )  # fmt: skip
    assert cluster.load([BUSYBOX], under="quay.io/nobody/later:1") == ["quay.io/nobody/later:1"]
    wait_ready(cluster, "early")
    remove(cluster, "pod/early")


def test_changed_image_is_used_by_the_next_pod_also_as_a_volume(cluster: Cluster, tmp_path: Path) -> None:
    for text in ("old", "new"):
        (tmp_path / "marker").write_text(text)
        archive = tmp_path / "image.tar"
        own_images.write(archive, name="localkube/marked:1", program=tmp_path / "marker")
        cluster.load([archive])
        volume = {"name": "marked", "image": {"reference": "localkube/marked:1", "pullPolicy": "IfNotPresent"}}
        mounts = {"volumeMounts": [{"name": "marked", "mountPath": "/marked"}]}
        apply(cluster, pod(text, on="node1", container=mounts, volumes=[volume]))
        wait_ready(cluster, text)
        assert inside(cluster, text, "cat /marked/marker") == text
    assert inside(cluster, "old", "cat /marked/marker") == "old"
    remove(cluster, "pod/old", "pod/new")


def test_privileged_pod_with_the_nodes_processes_can_mount_for_others(cluster: Cluster) -> None:
    privileged = {
        "securityContext": {"privileged": True},
        "volumeMounts": [{"name": "d", "mountPath": "/shared", "mountPropagation": "Bidirectional"}],
    }
    reader = {"volumeMounts": [{"name": "d", "mountPath": "/shared", "mountPropagation": "HostToContainer"}]}
    volumes = [{"name": "d", "hostPath": {"path": "/run/shared", "type": "DirectoryOrCreate"}}]
    apply(
        cluster,
        pod("mounter", on="node1", container=privileged, volumes=volumes, hostPID=True),
        pod("reader", on="node1", container=reader, volumes=volumes),
    )
    wait_ready(cluster, "mounter", "reader")
    inside(cluster, "mounter", "mkdir -p /shared/m && mount -t tmpfs tmpfs /shared/m && touch /shared/m/seen")
    assert inside(cluster, "reader", "ls /shared/m") == "seen"
    assert "supervise" in inside(cluster, "mounter", "cat /proc/1/cmdline; readlink /proc/1/ns/net")
    inside(cluster, "mounter", "umount /shared/m")
    remove(cluster, "pod/mounter", "pod/reader")


def test_killed_programs_come_back_by_themselves(cluster: Cluster) -> None:
    runs = cluster.layout.control_plane / "run" / "programs"
    before = {path.stem: int(path.read_text()) for path in runs.glob("*.pid")}
    assert set(before) == set(controlplane.PROGRAMS)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def the_same() -> list[str]:
        """Programs that were not started anew, or do not run: one that ends with another is started more than once."""
        now = {path.stem: int(path.read_text()) for path in runs.glob("*.pid")}
        return [name for name, pid in before.items() if now.get(name, pid) == pid]

    eventually("all are started again", [], the_same)
    eventually("all works again", [], lambda: [entry for entry in cluster.status() if not entry.good])


@pytest.mark.parametrize("victim", ["control plane", "node"])
def test_up_mends_what_lost_its_supervisor(cluster: Cluster, victim: str) -> None:
    settings = load_settings(cluster.layout)
    assert settings is not None
    if victim == "node":
        pid = node.pid_in(cluster.layout, settings.nodes[1])
    else:
        pid = supervision.running(controlplane.pid_file(cluster.layout)) or 0
    os.kill(pid, signal.SIGKILL)
    cluster.up()
    eventually("all works again", [], lambda: [entry for entry in cluster.status() if not entry.good])


def test_node_that_loses_its_power_keeps_its_pods_for_when_it_is_back(cluster: Cluster) -> None:
    apply(cluster, pod("steady", on="node2"))
    wait_ready(cluster, "steady")
    cluster.stop_node("node2")
    assert cgroups.processes(f"/{cluster.layout.tag}/node2") == []
    assert cgroups.processes(f"/{cluster.layout.tag}/node2.system") == []
    cluster.start_node("node2")
    apply(cluster, pod("asking", on="node1"))
    wait_ready(cluster, "asking")

    def answer() -> str:
        address = cluster.kubectl("get", "pod", "steady", "-o", "jsonpath={.status.podIP}")
        return inside(cluster, "asking", f"wget -T 2 -qO- {address}:8080")

    eventually("the pod serves again", "steady", answer)
    remove(cluster, "pod/steady", "pod/asking")


def test_cut_off_node_is_not_reached_until_it_is_connected_again(cluster: Cluster) -> None:
    apply(cluster, pod("remote", on="node2"))
    wait_ready(cluster, "remote")
    cluster.partition_node("node2")
    assert {entry.state for entry in cluster.status() if entry.where == "node2" and entry.name == "node"} == {"cut off"}
    with pytest.raises(Problem):
        cluster.kubectl("--request-timeout=3s", "get", "--raw", "/api/v1/nodes/node2/proxy/healthz")
    cluster.start_node("node2")
    eventually("the pod is reached", "", lambda: inside(cluster, "remote", "true"))
    remove(cluster, "pod/remote")


def test_a_third_node_joins(cluster: Cluster) -> None:
    cluster.add_node("spare")
    apply(cluster, pod("new", on="spare"), pod("old", on="node1"))
    wait_ready(cluster, "new", "old")
    address = cluster.kubectl("get", "pod", "old", "-o", "jsonpath={.status.podIP}")
    asking = f"wget -T 5 -qO- {address}:8080"
    eventually("the other node's pod answers", "old", lambda: inside(cluster, "new", asking))
    with pytest.raises(Problem, match="there is a node 'spare' already"):
        cluster.add_node("spare")
    remove(cluster, "pod/new", "pod/old")


def test_state_survives_down_and_up(cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    cluster.down()
    eventually("no trace is left", NOTHING, lambda: traces(cluster.layout))
    cluster.up()
    assert cluster.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "b"


def test_down_leaves_nothing_also_after_everything_lost_its_parent(cluster: Cluster) -> None:
    settings = load_settings(cluster.layout)
    assert settings is not None
    apply(cluster, pod("last", on="node1"))
    wait_ready(cluster, "last")
    os.kill(supervision.running(controlplane.pid_file(cluster.layout)) or 0, signal.SIGKILL)
    os.kill(node.pid_in(cluster.layout, settings.nodes[0]), signal.SIGKILL)
    for record in (*cluster.layout.root.glob("**/*.pid"), cluster.layout.root / "cluster.json"):
        record.unlink()
    cluster.down()
    eventually("no trace is left", NOTHING, lambda: traces(cluster.layout))
    cluster.down(purge=True)
    assert not cluster.layout.root.exists()
    cluster.layout.root.mkdir()
