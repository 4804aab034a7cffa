"""`virtctl memory-dump` as a whole command: what is asked in which order, what is printed, and every refusal."""

from __future__ import annotations

import json

import pytest
from virtctl_cluster import Cluster

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.commands import memory_dump

CDI_CONFIG = "/apis/cdi.kubevirt.io/v1beta1/cdiconfigs/config"
SUBMITTED = "Successfully submitted memory dump request of VM a\n"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_dump, "POLL_S", 0)


def guest(memory: str) -> JsonObject:
    return {"spec": {"domain": {"resources": {"requests": {"memory": memory}}}}}


def test_a_dump_into_a_claim(cluster: Cluster) -> None:
    cluster.answer("PUT VM:memorydump", {})
    done = cluster.run("memory-dump get a --claim-name c")
    assert (done.code, done.out) == (0, SUBMITTED)
    assert done.asked == ['PUT VM:memorydump {"claimName":"c","phase":""}']
    cluster.answer("PUT VM:removememorydump", {})
    done = cluster.run("memory-dump remove a")
    assert done.out == "Successfully submitted remove memory dump association of VM a\n"
    assert done.asked == ["PUT VM:removememorydump"]


@pytest.mark.parametrize(
    ("flags", "config", "size", "told", "mode", "class_"),
    [
        # (128 Mi + 100 Mi) x 1.055 = 240.54 Mi
        ("", None, "241Mi", "Using default 5.5%% filesystem overhead for pvc size\n", "ReadWriteOnce", None),
        ("--access-mode ReadWriteMany", {"status": {"filesystemOverhead": {"global": "0"}}}, "228Mi", "",
         "ReadWriteMany", None),
        ("--storage-class fast", {"status": {"filesystemOverhead": {"global": "0", "storageClass": {"fast": "0.5"}}}},
         "342Mi", "", "ReadWriteOnce", "fast"),
    ],
)  # fmt: skip
def test_a_dump_into_a_new_claim(
    cluster: Cluster, flags: str, config: Json, size: str, told: str, mode: str, class_: str | None
) -> None:
    cluster.answer("GET vm/a", {"status": {}})
    cluster.answer("GET vmi/a", guest("128Mi"))
    if config is not None:
        cluster.answer(f"GET {CDI_CONFIG}", config)
    cluster.answer("POST pvc", {})
    cluster.answer("PUT VM:memorydump", {})
    done = cluster.run(f"memory-dump get a --claim-name c --create-claim {flags}")
    assert (done.code, done.out) == (0, f"{told}PVC ns/c created\n{SUBMITTED}")
    order = [line.partition(" {")[0] for line in done.asked]
    assert order == ["GET vm/a", "GET pvc/c", "GET vmi/a", f"GET {CDI_CONFIG}", "POST pvc", "PUT VM:memorydump"]
    claim = json.loads(done.asked[4].removeprefix("POST pvc "))
    assert claim["metadata"] == {"name": "c", "labels": {"cdi.kubevirt.io/applyStorageProfile": "true"}}
    assert claim["spec"]["resources"]["requests"]["storage"] == size
    assert (claim["spec"]["accessModes"], claim["spec"].get("storageClassName")) == ([mode], class_)


@pytest.mark.parametrize(
    ("command", "vm", "claim", "error"),
    [
        ("get a --claim-name c", {}, {}, "error dumping vm memory, busy"),
        ("get a", {}, {}, "error dumping vm memory, busy"),
        ("remove a", {}, {}, "error removing memory dump association, busy"),
        (
            "get a --claim-name c --create-claim",
            {"status": {"memoryDumpRequest": {}}},
            {},
            "please remove current memory dump association before creating a new claim for a new memory dump",
        ),
        (
            "get a --claim-name c --create-claim",
            {},
            {},
            "PVC ns/c already exists, check if it should be created if not remove create flag",
        ),
        (
            "get a --claim-name c --create-claim --access-mode ReadOnlyMany",
            {},
            {},
            "cannot dump memory to a readonly pvc, use either ReadWriteOnce or ReadWriteMany if supported",
        ),
        (
            "get a --claim-name c --create-claim --access-mode x",
            {},
            {},
            "invalid access mode, use either ReadWriteOnce or ReadWriteMany if supported",
        ),
        ("get a --create-claim", {}, {}, "missing claim name"),
        ("download a", {}, {}, "missing outputFile to download the memory dump"),
        ("keep a", {}, {}, "invalid action type keep"),
    ],
)
def test_no_dump(cluster: Cluster, command: str, vm: Json, claim: Json, error: str) -> None:
    cluster.answer("GET vm/a", vm)
    cluster.answer("GET pvc/c", claim)
    for verb in ("memorydump", "removememorydump"):
        cluster.answer(f"PUT VM:{verb}", (409, "busy"))
    done = cluster.run(f"memory-dump {command}")
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def dump(phase: str) -> JsonObject:
    return {"status": {"memoryDumpRequest": {"claimName": "c", "phase": phase, "message": "disk full"}}}


def test_a_download_waits_for_the_dump(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.answer("GET vm/a", dump("InProgress"), dump("Failed"))
    done = cluster.run("memory-dump download a --output f")
    assert (done.code, done.err) == (1, "the memory dump failed: disk full\n")
    assert done.out == "Waiting for memorydump c to complete, current phase: InProgress...\n"
    monkeypatch.setattr(memory_dump, "COMPLETE_WITHIN_S", -1)
    cluster.answer("GET vm/a", dump("InProgress"))
    assert cluster.run("memory-dump download a --output f").err == "context deadline exceeded\n"


def test_a_complete_dump_is_exported(cluster: Cluster) -> None:
    cluster.answer("GET vm/a", dump("Completed"))
    done = cluster.run("memory-dump download a --output f")
    assert done.out.startswith("Memory dump completed successfully\n")
    made = json.loads(done.asked[2].removeprefix("POST export:virtualmachineexports "))
    assert made["metadata"]["name"] == "export-a-c"
    assert made["spec"]["source"] == {"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "c"}
