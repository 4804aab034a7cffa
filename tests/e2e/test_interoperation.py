"""Clients that know nothing of us: discovery, OpenAPI, tables, waiting, selectors, server-side apply; by kubectl."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json

pytestmark = pytest.mark.e2e
NAME = "plain"
SUB = "/apis/subresources.kubevirt.io/v1"


def machine(**labels: str) -> dict[str, Any]:
    """A VM without disks, whose firmware finds nothing to boot: enough for clients that only look."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": NAME, "labels": labels},
        "spec": {
            "runStrategy": "Always",
            "template": {
                "metadata": {"labels": {"test": NAME}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "domain": {
                        "memory": {"guest": "32Mi"},
                        "devices": {"interfaces": [{"name": "default", "masquerade": {}}]},
                    },
                    "networks": [{"name": "default", "pod": {}}],
                },
            },
        },
    }


def apply(cluster: Cluster, manifest: dict[str, Any], *arguments: str) -> Any:
    return cluster.kubectl("apply", "--server-side", "--field-manager=user", *arguments, "-f", "-",
                           stdin=as_json(manifest))  # fmt: skip


@pytest.fixture(scope="module")
def running(namespace: Cluster) -> Cluster:
    """A namespace with the machine in it, applied by a user on the server's side, waited for as a user does."""
    apply(namespace, machine(color="blue")).ok()
    eventually("the instance", lambda: namespace.get("vmi", NAME))
    namespace.kubectl("wait", "--for=condition=Ready", f"vmi/{NAME}", "--timeout=240s").ok()
    namespace.kubectl("wait", "--for=condition=Ready", f"vm/{NAME}", "--timeout=240s").ok()
    namespace.kubectl("wait", "--for=jsonpath={.status.printableStatus}=Running", f"vm/{NAME}", "--timeout=240s").ok()
    namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Running", f"vmi/{NAME}", "--timeout=240s").ok()
    return namespace


def test_discovery(namespace: Cluster) -> None:
    listed = namespace.kubectl("api-resources", "--api-group=kubevirt.io", "--no-headers").ok().out
    assert {line.split()[0] for line in listed.splitlines()} >= {"virtualmachines", "virtualmachineinstances"}
    group = json.loads(namespace.kubectl("get", "--raw", "/apis/subresources.kubevirt.io").ok().out)
    assert group["preferredVersion"]["version"] == "v1"
    assert [each["version"] for each in group["versions"]] == ["v1", "v1alpha3"]
    for version in ("v1", "v1alpha3"):
        path = f"/apis/subresources.kubevirt.io/{version}/version"
        assert json.loads(namespace.kubectl("get", "--raw", path).ok().out)["gitVersion"].startswith("v1.9")


def test_openapi(namespace: Cluster) -> None:
    start = f"{SUB}/namespaces/{{namespace}}/virtualmachines/{{name}}/start"
    own = "/openapi/v3/apis/subresources.kubevirt.io/v1"

    def third() -> bool:
        index = json.loads(namespace.kubectl("get", "--raw", "/openapi/v3").ok().out)["paths"]
        assert own.removeprefix("/openapi/v3/") in index
        return start in json.loads(namespace.kubectl("get", "--raw", own).ok().out)["paths"]

    def second() -> bool:
        return start in json.loads(namespace.kubectl("get", "--raw", "/openapi/v2").ok().out)["paths"]

    # The API server fetches both from time to time, so just after an installation it may not have them yet.
    eventually("version 3 to describe the sub-resources", third)
    eventually("version 2 to describe the sub-resources", second)
    told = namespace.kubectl("explain", "vmi.spec.domain.devices.disks").ok().out
    assert "FIELDS:" in told
    assert "bootOrder" in told


def test_tables(running: Cluster) -> None:
    header, row = running.kubectl("get", "vm", NAME).ok().out.splitlines()
    assert header.split() == ["NAME", "AGE", "STATUS", "READY"]
    assert row.split()[2:] == ["Running", "True"]
    header, row = running.kubectl("get", "vmi", NAME).ok().out.splitlines()
    assert header.split() == ["NAME", "AGE", "PHASE", "IP", "NODENAME", "READY"]
    assert row.split()[2] == "Running"
    assert running.kubectl("get", "vmi", NAME, "-o", "jsonpath={.status.phase}").ok().out == "Running"


def test_selectors(running: Cluster) -> None:
    def names(*arguments: str) -> list[str]:
        return [each["metadata"]["name"] for each in running.objects(*arguments)]

    assert names("vm", "-l", "color=blue") == [NAME]
    assert names("vm", "-l", "color in (red)") == []
    assert names("vmi", "-l", f"test={NAME}") == [NAME]
    assert names("vmi", "--field-selector", f"metadata.name={NAME}") == [NAME]


def test_users_and_controllers_apply_without_conflict(running: Cluster) -> None:
    """What the controllers write into the same object belongs to them; the user's next apply takes nothing from it."""
    before = running.get("vm", NAME)
    apply(running, machine(color="green")).ok()
    apply(running, machine(color="green")).ok()
    after = json.loads(running.kubectl("get", "vm", NAME, "-o", "json", "--show-managed-fields").ok().out)
    assert after["metadata"]["labels"] == {"color": "green"}
    assert after["status"]["printableStatus"] == "Running"
    assert after["metadata"]["finalizers"] == before["metadata"]["finalizers"]
    managers = {entry["manager"] for entry in after["metadata"]["managedFields"]}
    assert "user" in managers
    assert any(each.startswith("virt-") for each in managers)
    other = machine(color="red")
    result = running.kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=as_json(other))
    result.fails("conflict with \"user\"")


def test_a_stream_is_not_for_plain_requests(running: Cluster) -> None:
    path = f"{SUB}/namespaces/{running.namespace}/virtualmachineinstances/{NAME}/console"
    running.kubectl("get", "--raw", path).fails("BadRequest")


def test_sub_resources_by_plain_requests(running: Cluster) -> None:
    """The way every client goes that knows only paths."""
    base = f"{SUB}/namespaces/{running.namespace}"
    for action, condition in (("pause", "True"), ("unpause", "")):
        path = f"{base}/virtualmachineinstances/{NAME}/{action}"
        running.kubectl("replace", "--raw", path, "-f", "-", stdin="{}").ok()

        def paused(wanted: str = condition) -> bool:
            shown = "jsonpath={.status.conditions[?(@.type=='Paused')].status}"
            return running.kubectl("get", "vmi", NAME, "-o", shown).ok().out == wanted

        eventually(f"the instance after {action}", paused)
    running.kubectl("replace", "--raw", f"{base}/virtualmachines/{NAME}/stop", "-f", "-", stdin="{}").ok()
    running.kubectl("wait", "--for=delete", f"vmi/{NAME}", "--timeout=240s").ok()
