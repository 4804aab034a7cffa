"""A VM that brings its disk along as a DataVolume: made, waited for, used, and gone with the VM.

The importer that fills DataVolumes is another project. Here its kind is there, and the test does by hand what the
importer would: it makes the claim and says how far it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
KIND = "datavolumes.cdi.kubevirt.io"


def definition() -> dict[str, Any]:
    """The kind, without rules."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": KIND},
        "spec": {
            "group": "cdi.kubevirt.io",
            "scope": "Namespaced",
            "names": {"plural": "datavolumes", "singular": "datavolume", "kind": "DataVolume", "shortNames": ["dv"]},
            "versions": [{"name": "v1beta1", "served": True, "storage": True, "subresources": {"status": {}},
                          "schema": {"openAPIV3Schema": schema}}],
        },
    }


def machine(name: str) -> dict[str, Any]:
    """A machine with a blank disk of its own."""
    storage = {"resources": {"requests": {"storage": "64Mi"}}, "accessModes": ["ReadWriteOnce"]}
    template = {"metadata": {"name": f"{name}-disk"}, "spec": {"source": {"blank": {}}, "storage": storage}}
    found = vm(name, dataVolumeTemplates=[template])
    spec = found["spec"]["template"]["spec"]
    spec["domain"]["devices"]["disks"] = [{"name": "disk", "disk": {"bus": "virtio"}}]
    spec["volumes"] = [{"name": "disk", "dataVolume": {"name": f"{name}-disk"}}]
    return found


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Iterator[Cluster]:
    """A namespace on a cluster without the importer; the kind is taken away again at the end."""
    if namespace.kubectl("get", "crd", KIND).code == 0:
        pytest.skip("this cluster has an importer of its own, which would fill the DataVolumes of this test")
    yield namespace
    namespace.kubectl("delete", "vm", "--all", "--timeout=240s").ok()
    namespace.kubectl("delete", "crd", KIND, "--ignore-not-found", "--timeout=240s").ok()


def report(cluster: Cluster, name: str, phase: str, *conditions: dict[str, str]) -> None:
    """Say, as the importer, how far a DataVolume is."""
    status = {"status": {"phase": phase, "conditions": list(conditions)}}
    cluster.kubectl("patch", "dv", name, "--type=merge", "--subresource=status", "-p", json.dumps(status)).ok()


def test_without_the_importer_the_vm_says_what_to_do(cluster: Cluster) -> None:
    cluster.apply(as_json(machine("early"))).ok()

    def told() -> Any:
        conditions = cluster.get("vm", "early")["status"]["conditions"]
        return next((c["message"] for c in conditions if c["type"] == "Failure"), None)

    assert "install the Containerized Data Importer" in eventually("the condition Failure", told)
    assert cluster.get("vmi", "early") is None


def test_once_the_importer_is_there_the_disk_is_made_and_waited_for(cluster: Cluster) -> None:
    cluster.apply(json.dumps(definition())).ok()
    made = eventually("the DataVolume", lambda: cluster.get("dv", "early-disk"))
    owner = cluster.get("vm", "early")
    assert [r["uid"] for r in made["metadata"]["ownerReferences"]] == [owner["metadata"]["uid"]]
    assert made["metadata"]["labels"]["kubevirt.io/created-by"] == owner["metadata"]["uid"]
    cluster.wait_status("early", "Provisioning")
    assert "Failure" not in {c["type"] for c in cluster.get("vm", "early")["status"]["conditions"]}
    assert cluster.get("vmi", "early") is None


def test_a_filled_disk_is_used(cluster: Cluster) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "early-disk"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
    }
    cluster.apply(json.dumps(claim)).ok()
    report(cluster, "early-disk", "Succeeded")
    cluster.wait_status("early", "Running")
    cluster.wait_events("early", "VirtualMachine", ("SuccessfulDataVolumeCreate", ""), ("SuccessfulCreate", ""))


def test_a_failed_import_is_told(cluster: Cluster) -> None:
    cluster.apply(as_json(machine("unlucky"))).ok()
    eventually("the DataVolume", lambda: cluster.get("dv", "unlucky-disk"))
    cluster.wait_status("unlucky", "Provisioning")
    report(cluster, "unlucky-disk", "Failed")
    cluster.wait_status("unlucky", "DataVolumeError")
    message = "DataVolume unlucky-disk failed to import disk image"
    cluster.wait_events("unlucky", "VirtualMachine", ("FailedDataVolumeImport", message))
    report(cluster, "unlucky-disk", "ImportInProgress")
    cluster.wait_status("unlucky", "Provisioning")


def test_the_data_volume_goes_with_its_vm(cluster: Cluster) -> None:
    cluster.kubectl("delete", "vm", "early", "--timeout=240s").ok()
    cluster.wait_gone("dv", "early-disk")
