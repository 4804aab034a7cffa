"""Disks other than container disks: an empty claim becomes a disk that outlives its guest, a ConfigMap an ISO image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import Cluster, console, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
VM = "keeper"


def manifest() -> dict[str, Any]:
    found = vm(VM)
    spec = found["spec"]["template"]["spec"]
    spec["domain"]["devices"]["disks"] += [
        {"name": "data", "disk": {"bus": "virtio"}},
        {"name": "settings", "serial": "SETTINGS", "disk": {"bus": "virtio"}},
    ]
    spec["volumes"] += [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "settings", "configMap": {"name": "settings"}},
    ]
    return found


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with a machine that has an empty claim and a ConfigMap as disks."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
    }
    namespace.kubectl("create", "configmap", "settings", "--from-literal=colour=green").ok()
    namespace.apply(as_json(manifest())).ok()
    namespace.wait_status(VM, "ErrorPvcNotFound")
    namespace.apply(json.dumps(claim)).ok()
    namespace.wait_status(VM, "Running")
    return namespace


def test_a_disk_is_made_in_an_empty_claim(cluster: Cluster) -> None:
    def told() -> bool:
        volumes = cluster.get("vmi", VM)["status"]["volumeStatus"]
        assert [volume["name"] for volume in volumes] == ["containerdisk", "data", "settings"]
        return bool(volumes[1]["persistentVolumeClaimInfo"]["claimName"] == "data")

    eventually("the status to tell of every volume", told)
    with console(cluster, VM) as guest:
        guest.log_in()
        shown = guest.command("sudo blockdev --getsize64 /dev/vdb || cat /sys/block/vdb/size")
    assert str(60 * 1024 * 1024) in shown or str(60 * 1024 * 2) in shown


def test_a_config_map_can_be_read_as_a_disk(cluster: Cluster) -> None:
    with console(cluster, VM) as guest:
        guest.log_in()
        shown = guest.command("sudo mkdir -p /mnt/s; sudo mount -o ro /dev/vdc /mnt/s; cat /mnt/s/colour")
    assert "green" in shown


def test_data_survive_a_restart(cluster: Cluster) -> None:
    with console(cluster, VM) as guest:
        guest.log_in()
        guest.command("echo remember-me | sudo dd of=/dev/vdb conv=fsync")
    uid = cluster.get("vmi", VM)["metadata"]["uid"]
    cluster.virtctl("restart", VM).ok()
    cluster.wait_phase(VM, "Running", not_uid=uid)
    with console(cluster, VM) as guest:
        guest.log_in()
        assert "remember-me" in guest.command("sudo dd if=/dev/vdb bs=11 count=1")
