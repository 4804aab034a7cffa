"""memory-dump, image-upload and guestfs as whole commands: what is asked in which order, what is printed, and every
refusal. The streams of uploads and downloads are in test_virtctl_transfers.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from virtctl_cluster import SUBRESOURCES, Answer, Cluster

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.commands import guestfs, memory_dump
from kubevirt.virtctl.upload import sending, steps

CDI_CONFIG = "/apis/cdi.kubevirt.io/v1beta1/cdiconfigs/config"
TOKENS = "/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/ns/uploadtokenrequests"
CLASS = "/apis/storage.k8s.io/v1/storageclasses/fast"
SUBMITTED = "Successfully submitted memory dump request of VM a\n"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory_dump, steps, guestfs):
        monkeypatch.setattr(module, "POLL_S", 0)
    monkeypatch.setattr(sending, "LONGEST_PAUSE_S", 0)


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
        ("get a --claim-name c --create-claim", {"status": {"memoryDumpRequest": {}}}, {},
         "please remove current memory dump association before creating a new claim for a new memory dump"),
        ("get a --claim-name c --create-claim", {}, {},
         "PVC ns/c already exists, check if it should be created if not remove create flag"),
        ("get a --claim-name c --create-claim --access-mode ReadOnlyMany", {}, {},
         "cannot dump memory to a readonly pvc, use either ReadWriteOnce or ReadWriteMany if supported"),
        ("get a --claim-name c --create-claim --access-mode x", {}, {},
         "invalid access mode, use either ReadWriteOnce or ReadWriteMany if supported"),
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
        ("dv p", claim(DONE), {},
         "DataVolume already garbage-collected: Assuming PVC ns/p is successfully populated"),
        ("pvc p --wait-secs 0", claim({}), {}, "context deadline exceeded"),
        ("pvc p", claim({}), told("PersistentVolumeClaim", "ProvisioningFailed", "no disk"),
         "Provisioning failed: no disk"),
        ("pvc p", claim({}), told("DataVolume", "ErrClaimNotValid", "no size"), "Claim not valid: no size"),
        ("pvc p --wait-secs 0", claim({}),
         told("PersistentVolumeClaim", "ProvisioningFailed", "the object has been modified"),
         "context deadline exceeded"),
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
        ({"status": {"phase": "WaitForFirstConsumer"}}, "cannot upload to DataVolume in WaitForFirstConsumer phase, "
         "make sure the PVC is Bound, or use force-bind flag"),
        ({"status": {"phase": "PendingPopulation"}}, "cannot upload to DataVolume in PendingPopulation phase, "
         "make sure the PVC is Bound, or use force-bind flag"),
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


INFO = f"{SUBRESOURCES}/v1/guestfs"
POD = "pods/libguestfs-tools-p"


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
        ("--image i", {f"GET {POD}": {"status": {"phase": "Failed", "containerStatuses": [
            {"state": {"terminated": {"message": "no such file: /entrypoint.sh"}}}]}}},
         "Pod is not in running state but got Failed: no such file: /entrypoint.sh"),
        ("--image i", {f"GET {POD}": pod("Pending")},
         "timeout in waiting for the containers to be started in pod libguestfs-tools-p"),
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
