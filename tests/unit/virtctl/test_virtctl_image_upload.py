"""`virtctl image-upload` as a whole command: what is asked in which order, what is printed, and every refusal.

The stream of the upload is in test_virtctl_transfers.py, the flags' rules in test_virtctl_upload.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from virtctl_cluster import Answer, Cluster

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.upload import sending, steps

CDI_CONFIG = "/apis/cdi.kubevirt.io/v1beta1/cdiconfigs/config"
TOKENS = "/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/ns/uploadtokenrequests"
CLASS = "/apis/storage.k8s.io/v1/storageclasses/fast"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "POLL_S", 0)
    monkeypatch.setattr(sending, "LONGEST_PAUSE_S", 0)


READY = {"cdi.kubevirt.io/storage.pod.ready": "true", "cdi.kubevirt.io/storage.upload.target": ""}
DONE = {**READY, "cdi.kubevirt.io/storage.pod.phase": "Succeeded"}


def claim(annotations: dict[str, str]) -> JsonObject:
    return {"metadata": {"name": "p", "annotations": dict(annotations)}}


@pytest.fixture
def image(tmp_path: Path) -> str:
    file = tmp_path / "image"
    file.write_bytes(b"x" * 100)
    return f"--image-path {file}"


def serving(cluster: Cluster, before: Answer, *later: Answer) -> None:
    """A cluster that can be uploaded to, whose claim looks like this."""
    cluster.answer("GET pvc/p", before, *(later or (claim(DONE),)))
    cluster.answer("PUT pvc/p", {})
    cluster.answer(f"GET {CDI_CONFIG}", {"spec": {"uploadProxyURLOverride": cluster.server.url}})
    cluster.answer(f"POST {TOKENS}", {"status": {"token": "t"}})
    cluster.answer("HEAD /v1beta1/upload-async", {})
    cluster.answer("POST /v1beta1/upload-async", {})
    cluster.answer("GET events", {"items": []})


def test_an_upload_into_a_claim_that_exists(cluster: Cluster, image: str) -> None:
    serving(cluster, claim({}), claim({}), claim(READY), claim(READY), claim(DONE))
    done = cluster.run(f"image-upload pvc p {image} --datasource")
    assert done.code == 1, "there is no way to make a DataSource"
    assert done.out.splitlines() == [
        "Using existing PVC ns/p", "Waiting for PVC p upload pod to be ready...", "Pod now ready",
        f"Uploading data to {cluster.server.url}",
    ]  # fmt: skip
    marked = next(line for line in done.asked if line.startswith("PUT pvc/p "))
    assert json.loads(marked.removeprefix("PUT pvc/p "))["metadata"]["annotations"] == {
        "cdi.kubevirt.io/storage.upload.target": ""
    }
    asked = next(line for line in done.asked if line.startswith(f"POST {TOKENS} "))
    assert json.loads(asked.partition(" {")[2].join(("{", "")))["spec"] == {"pvcName": "p"}


@pytest.mark.parametrize(("source", "said"), [
    ((404, "none"), "Created a new DataSource ns/p"), ({}, "Updated an existing DataSource ns/p"),
])  # fmt: skip
def test_a_data_source_for_the_upload(cluster: Cluster, image: str, source: Answer, said: str) -> None:
    serving(cluster, claim(READY), claim(READY))
    cluster.answer("GET pvc/p", claim(READY), claim(READY), claim(DONE))
    cluster.answer("GET cdi:datasources/p", source)
    cluster.answer("POST cdi:datasources", {})
    cluster.answer("PATCH cdi:datasources/p", {})
    done = cluster.run(f"image-upload pvc p {image} --datasource --default-instancetype small")
    assert (done.code, done.err) == (0, "")
    assert said in done.out.splitlines()
    [written] = [line for line in done.asked if "cdi:datasources" in line and not line.startswith("GET")]
    assert '"instancetype.kubevirt.io/default-instancetype":"small"' in written


def test_an_upload_into_a_new_data_volume(cluster: Cluster, image: str) -> None:
    serving(cluster, (404, "none"), claim(DONE))
    cluster.answer("POST cdi:datavolumes", {})
    cluster.answer("GET cdi:datavolumes/p", (404, "none"), {"status": {"phase": "UploadScheduled"}},
                   {"status": {"phase": "UploadReady"}})  # fmt: skip
    cluster.answer(f"GET {CLASS}", {})
    done = cluster.run(f"image-upload dv p {image} --size 1Gi --storage-class fast --force-bind --volume-mode block")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:5] == [
        "PVC ns/p not found ", "DataVolume ns/p created", "DV p not found... ",
        "Waiting for PVC p upload pod to be ready...", "Pod now ready",
    ]  # fmt: skip
    posted = json.loads(done.asked[2].removeprefix("POST cdi:datavolumes "))
    assert posted["metadata"]["annotations"] == {"cdi.kubevirt.io/storage.bind.immediate.requested": ""}
    assert posted["spec"] == {
        "source": {"upload": {}}, "contentType": "kubevirt",
        "storage": {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast", "volumeMode": "Block"},
    }  # fmt: skip


def told(kind: str, reason: str, message: str) -> JsonObject:
    return {"items": [{"involvedObject": {"kind": kind, "name": "p"}, "reason": reason, "message": message}]}


@pytest.mark.parametrize(
    ("flags", "before", "events", "error"),
    [
        ("pvc p", (404, "none"), {}, "when creating a resource, the size must be specified"),
        ("pvc p --size 1x", (404, "none"), {}, "validation failed for size=1x: "),
        ("pvc p --size 1Gi --storage-class fast", (404, "none"), {}, f"GET {CLASS} not found"),
        ("pvc p", claim(DONE), {}, "PVC p already successfully imported/cloned/updated"),
        ("pvc p", claim({"cdi.kubevirt.io/storage.populatedFor": "x"}), {}, "PVC p already successfully populated"),
        ("dv p", claim({}), {}, "No DataVolume is associated with the existing PVC ns/p"),
        ("dv p", claim(DONE), {}, "DataVolume already garbage-collected: Assuming PVC ns/p is successfully populated"),
        ("pvc p --wait-secs 0", claim({}), {}, "context deadline exceeded"),
        (
            "pvc p",
            claim({}),
            told("PersistentVolumeClaim", "ProvisioningFailed", "no disk"),
            "Provisioning failed: no disk",
        ),
        ("pvc p", claim({}), told("DataVolume", "ErrClaimNotValid", "no size"), "Claim not valid: no size"),
        (
            "pvc p --wait-secs 0",
            claim({}),
            told("PersistentVolumeClaim", "ProvisioningFailed", "the object has been modified"),
            "context deadline exceeded",
        ),
    ],
)
def test_no_upload(cluster: Cluster, image: str, flags: str, before: Answer, events: Json, error: str) -> None:
    serving(cluster, before, before)
    cluster.answer("GET events", events)
    done = cluster.run(f"image-upload {flags} {image}")
    assert (done.code, done.err.splitlines()[-1][: len(error)]) == (1, error)


@pytest.mark.parametrize(
    ("volume", "error"),
    [
        (
            {"status": {"phase": "WaitForFirstConsumer"}},
            "cannot upload to DataVolume in WaitForFirstConsumer phase, "
            "make sure the PVC is Bound, or use force-bind flag",
        ),
        (
            {"status": {"phase": "PendingPopulation"}},
            "cannot upload to DataVolume in PendingPopulation phase, "
            "make sure the PVC is Bound, or use force-bind flag",
        ),
    ],
)
def test_a_data_volume_that_waits_for_its_user(cluster: Cluster, image: str, volume: Json, error: str) -> None:
    serving(cluster, claim(READY), claim(READY))
    cluster.answer("GET cdi:datavolumes/p", volume)
    assert cluster.run(f"image-upload dv p {image} --no-create").err == f"{error}\n"


def test_a_data_volume_whose_claim_is_no_target(cluster: Cluster, image: str) -> None:
    serving(cluster, claim({}), claim({}))
    cluster.answer("GET cdi:datavolumes/p", {})
    assert cluster.run(f"image-upload dv p {image}").err == "PVC p not available for upload\n"


def test_the_claim_that_a_populator_fills_is_looked_at(cluster: Cluster, image: str) -> None:
    serving(cluster, claim({"cdi.kubevirt.io/storage.populator.pvcPrime": "prime"}))
    cluster.answer("GET cdi:datavolumes/p", {"metadata": {"annotations": {
        "cdi.kubevirt.io/storage.usePopulator": "true"}}, "status": {"phase": "UploadReady"}})  # fmt: skip
    cluster.answer("GET pvc/prime", claim(DONE))
    assert cluster.run(f"image-upload dv p {image}").err == "PVC p already successfully imported/cloned/updated\n"


def test_an_archive_needs_a_claim_for_archives(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "tar").write_bytes(b"x")
    serving(cluster, claim(READY), claim(READY))
    done = cluster.run(f"image-upload pvc p --archive-path {tmp_path / 'tar'}")
    assert done.err == "PVC p doesn't have archive contentType annotation\n"
    assert cluster.run("image-upload pvc p --image-path /absent").err == "open /absent: no such file or directory\n"


def test_nowhere_to_upload_to(cluster: Cluster, image: str) -> None:
    serving(cluster, claim(READY), claim(READY))
    cluster.answer(f"GET {CDI_CONFIG}", {})
    assert cluster.run(f"image-upload pvc p {image}").err == "uploadproxy URL not found\n"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, "authentication failed: unexpected return value 401, "),
        (500, "error uploading image after 4 retries: unexpected return value 500, "),
    ],
)
def test_an_upload_that_fails(cluster: Cluster, image: str, code: int, error: str) -> None:
    serving(cluster, claim(READY), claim(READY))
    cluster.answer("POST /v1beta1/upload-async", (code, "no"))
    done = cluster.run(f"image-upload pvc p {image} --retry 4 --uploadproxy-url {cluster.server.url}")
    assert done.err.startswith(error)
    tokens = sum(line.startswith(f"POST {TOKENS}") for line in done.asked)
    assert tokens == (3 if code == 401 else 1)


def test_processing_that_never_ends(cluster: Cluster, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PROCESSING_S", -1)
    serving(cluster, claim(READY), claim(READY))
    assert cluster.run(f"image-upload pvc p {image}").err == (
        "Timed out waiting for post upload processing to complete, please check upload pod status for progress\n"
    )
