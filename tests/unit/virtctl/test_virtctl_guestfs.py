"""`virtctl guestfs` as a whole command: image, pod, what is printed meanwhile, and every refusal."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtctl_cluster import SUBRESOURCES, Answer, Cluster

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.commands import guestfs

INFO = f"{SUBRESOURCES}/v1/guestfs"
POD = "pods/libguestfs-tools-p"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guestfs, "POLL_S", 0)


def pod(phase: str, **waiting: str) -> JsonObject:
    state: JsonObject = {"waiting": dict(waiting)} if waiting else {}
    return {"status": {"phase": phase, "containerStatuses": [{"name": "libguestfs", "state": state}]}}


@pytest.mark.parametrize(
    ("info", "image", "mode", "place"),
    [
        ({"gsImage": "reg/tools:1"}, "reg/tools:1", "Block", "/dev/vda"),
        ({"registry": "reg", "imagePrefix": "x-", "tag": "v1"}, "reg/x-libguestfs-tools:v1", "Filesystem", "/disk"),
        ({"registry": "reg", "digest": "sha256:0"}, "reg/libguestfs-tools@sha256:0", None, "/disk"),
    ],
)
def test_a_pod_with_the_tools(
    cluster: Cluster, info: Json, image: str, mode: str | None, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.answer(f"GET {INFO}", info)
    cluster.answer("GET pvc/p", {"spec": {"volumeMode": mode} if mode else {}})
    cluster.answer("GET pods", {"items": []})
    cluster.answer("POST pods", {})
    cluster.answer(f"DELETE {POD}", {})
    cluster.answer(f"GET {POD}", pod("Pending", reason="ContainerCreating", message="soon"), pod("Running"))
    cluster.answer(f"GET {POD}/attach", (400, "no terminal here"))
    with Path("/dev/null").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        done = cluster.run("guestfs p")
    assert (done.code, done.out.splitlines()) == (1, [
        f"Use image: {image} ",
        "Waiting for container libguestfs still in pending, reason: ContainerCreating, message: soon ",
        f"The PVC has been mounted at {place} ",
    ])  # fmt: skip
    assert done.err == "If you don't see a command prompt, try pressing enter.\nno terminal here\n"
    attached = next(line for line in done.asked if line.startswith(f"GET {POD}/attach"))
    assert attached.endswith("?container=libguestfs&stdin=true&stdout=true&stderr=true&tty=true")
    assert done.asked[-1].startswith(f"DELETE {POD}"), "whatever happens, the pod goes"


USED: JsonObject = {"items": [{"metadata": {"name": "other"}, "spec": {"volumes": [
    {"persistentVolumeClaim": {"claimName": "p"}}]}, "status": {"phase": "Running"}}]}  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "answers", "error"),
    [
        ("", {}, f"could not get guestfs image info: GET {INFO} not found"),
        ("", {f"GET {INFO}": {}}, "Neither the digest nor the tag for the image has been specified"),
        ("--image i", {"GET pvc/p": (404, "gone")}, "The PVC p doesn't exist"),
        ("--image i", {"GET pods": USED}, "PVC p is used by another pod"),
        ("--image i", {f"GET {POD}": pod("Failed")}, "Pod is not in running state but got Failed"),
        (
            "--image i",
            {
                f"GET {POD}": {
                    "status": {
                        "phase": "Failed",
                        "containerStatuses": [{"state": {"terminated": {"message": "no such file: /entrypoint.sh"}}}],
                    }
                }
            },
            "Pod is not in running state but got Failed: no such file: /entrypoint.sh",
        ),
        (
            "--image i",
            {f"GET {POD}": pod("Pending")},
            "timeout in waiting for the containers to be started in pod libguestfs-tools-p",
        ),
        ("--image i --pull-policy Often", {}, "Invalid pull policy: Often"),
    ],
)
def test_no_pod_with_the_tools(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, flags: str, answers: dict[str, Answer], error: str
) -> None:
    monkeypatch.setattr(guestfs, "START_WITHIN_S", -1)
    cluster.answer("GET pvc/p", {})
    cluster.answer("GET pods", {"items": []})
    cluster.answer("POST pods", {})
    cluster.answer(f"DELETE {POD}", {})
    for line, answer in answers.items():
        cluster.answer(line, answer)
    done = cluster.run(f"guestfs p {flags}")
    assert (done.code, done.err) == (1, f"{error}\n")
    assert any(line.startswith("POST pods") for line in done.asked) == any(
        line.startswith(f"DELETE {POD}") for line in done.asked)  # fmt: skip
