"""The cluster that end-to-end tests walk on, and the monitors that run in every one of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import machine
from tests.e2e.harness import BIN, Cluster, eventually, run

EXAMPLES = Path(__file__).parents[2] / "examples"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What judges the whole run comes last."""
    items.sort(key=lambda item: item.path.name == "test_program_rights.py")


def _kubectl_path() -> str:
    given = os.environ.get("KUBECTL")
    found = given or run(str(BIN / "localkube"), "which", "kubectl").out.strip() or shutil.which("kubectl")
    assert found, "no kubectl: run `make cluster-up`, or set KUBECTL"
    return found


def _kubeconfig() -> str:
    given = os.environ.get("KUBECONFIG") or run(str(BIN / "localkube"), "kubeconfig").out.strip()
    assert given, "no cluster: run `make cluster-up install`, or set KUBECONFIG"
    return given


@pytest.fixture(scope="session")
def admin() -> Cluster:
    """The cluster as its administrator, with the add-on installed and Available."""
    cluster = Cluster(_kubectl_path(), _kubeconfig())
    # By the condition's text: --for=condition would wait for a generation that only an operator notes, and the one that
    # installs is gone by the time a test has changed the configuration.
    state = 'jsonpath={.status.conditions[?(@.type=="Available")].status}'
    ready = cluster.kubectl("-n", "kubevirt", "get", "kubevirt", "kubevirt", "-o", state)
    assert ready.out == "True", f"the add-on is not Available; run `make install`\n{ready.out}{ready.err}"
    for program in ("deployment/virt-api", "deployment/virt-controller", "daemonset/virt-handler"):
        cluster.kubectl("-n", "kubevirt", "rollout", "status", program, "--timeout=240s").ok()
    return cluster


@pytest.fixture(scope="module")
def namespace(admin: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A namespace of the test module's own, removed with all in it."""
    name = own_namespace(request)
    admin.kubectl("create", "namespace", name).ok()
    yield admin.in_namespace(name)
    admin.kubectl("delete", "namespace", name, "--timeout=240s").ok()


def own_namespace(request: pytest.FixtureRequest) -> str:
    """The namespace a test module works in: named after its file, unless it says `NAMESPACE`."""
    named = str(getattr(request.module, "NAMESPACE", ""))
    return named or request.node.path.stem.removeprefix("test_").replace("_", "-")


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(admin: Cluster, request: pytest.FixtureRequest) -> Iterator[None]:
    """After every module: no process of a guest in its namespace is left on any node.

    Modules run side by side, so that one of them looks only after its own.
    """
    name = own_namespace(request)
    before = {p.pid for p in machine.guest_processes(name)}
    yield

    def clean() -> bool:
        left = [p for p in machine.guest_processes(name) if p.pid not in before]
        assert not left, f"left running: {left}"
        return True

    eventually("all guest processes to be gone", clean)
