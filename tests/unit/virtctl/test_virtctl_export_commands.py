"""vmexport and template as whole commands, and what every command says when there is no cluster, no right to use it, or
another version in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from virtctl_cluster import SUBRESOURCES, Answer, Cluster

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.__main__ import run_command
from kubevirt.virtctl.commands.version import client_version
from kubevirt.virtctl.export import work

EXPORTS = "export:virtualmachineexports"
HERE = "VirtualMachineExport 'ns/x'"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "POLL_S", 0)


@pytest.mark.parametrize(
    ("flags", "source"),
    [
        ("--vm v", {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "v"}),
        ("--snapshot v", {"apiGroup": "snapshot.kubevirt.io", "kind": "VirtualMachineSnapshot", "name": "v"}),
        ("--pvc v", {"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "v"}),
        ("--vmtemplate v", {"apiGroup": "template.kubevirt.io", "kind": "VirtualMachineTemplate", "name": "v"}),
    ],
)
def test_an_export_is_created(cluster: Cluster, flags: str, source: Json) -> None:
    cluster.answer(f"POST {EXPORTS}", {"metadata": {"name": "x", "uid": "u"}})
    cluster.answer("POST secrets", (409, "exists", "AlreadyExists"))
    done = cluster.run(f"vmexport create x {flags} --ttl 1h --labels a=b,c=d --annotations e=f")
    assert (done.code, done.out + done.err) == (0, f"{HERE} created successfully\n")
    export = json.loads(done.asked[1].removeprefix(f"POST {EXPORTS} "))
    assert export["metadata"] == {"name": "x", "labels": {"a": "b", "c": "d"}, "annotations": {"e": "f"}}
    assert export["spec"]["source"] == source
    assert export["spec"]["tokenSecretRef"] == "secret-x"
    assert export["spec"]["ttlDuration"] in ("1h", "1h0m0s")
    secret = json.loads(done.asked[2].removeprefix("POST secrets "))
    [owner] = secret["metadata"]["ownerReferences"]
    assert (secret["metadata"]["name"], secret["type"]) == ("secret-x", "Opaque")
    assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == ("u", True, False)


def test_exports_that_are_there_and_not_there(cluster: Cluster) -> None:
    assert cluster.run("vmexport delete x").err == f"{HERE} does not exist\n"
    cluster.answer(f"GET {EXPORTS}/x", {})
    cluster.answer(f"DELETE {EXPORTS}/x", {})
    assert cluster.run("vmexport create x --vm v").err == f"{HERE} already exists\n"
    deleted = cluster.run("vmexport delete x")
    assert (deleted.code, deleted.err) == (0, f"{HERE} deleted successfully\n")


def export(status: JsonObject) -> JsonObject:
    return {"metadata": {"name": "x"}, "status": status}


def ready(*volumes: str) -> JsonObject:
    found: list[Json] = [{"name": name, "formats": [{"format": "gzip", "url": "http://x"}]} for name in volumes]
    return export({"phase": "Ready", "links": {"external": {"volumes": found}}, "serviceName": "s",
                   "tokenSecretRef": "t"})  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "seen", "said"),
    [
        ("", (404, "gone"), "couldn't get VM Export x, waiting for it to be created..."),
        ("", export({"phase": "Pending"}), "waiting for VM Export x status to be ready..."),
        ("", export({"phase": "Ready"}), "waiting for VM Export x external links to be available..."),
        ("--service-url h", export({"phase": "Ready"}), "waiting for VM Export x internal links to be available..."),
    ],
)
def test_what_a_download_waits_for(cluster: Cluster, flags: str, seen: Answer, said: str, tmp_path: Path) -> None:
    cluster.answer(f"GET {EXPORTS}/x", seen)
    done = cluster.run(f"vmexport download x --output {tmp_path / 'f'} --readiness-timeout 1ms {flags}")
    assert done.code == 1
    assert set(done.out.splitlines()) == {said}
    assert done.err == "context deadline exceeded\n"


@pytest.mark.parametrize(
    ("flags", "found", "error"),
    [
        ("", ready(), "unable to access the volume info from 'ns/x' VirtualMachineExport"),
        ("", ready("a", "b"), "detected more than one downloadable volume in 'ns/x' VirtualMachineExport: Select the "
         "expected volume using the --volume flag"),
        ("--volume c", ready("a", "b"), "unable to get a valid URL from 'ns/x' VirtualMachineExport"),
        ("--manifest", ready("a"), "unable to access the manifest info from 'ns/x' VirtualMachineExport"),
        ("--format oci", ready("a"), "OCI export format not available for 'ns/x'"),
        ("--port-forward", ready("a"), "no pods found for the service s"),
    ],
)
def test_no_download(cluster: Cluster, flags: str, found: Json, error: str, tmp_path: Path) -> None:
    cluster.answer(f"GET {EXPORTS}/x", found)
    cluster.answer("GET secrets/t", {"data": {"token": "dA=="}})
    cluster.answer("GET services/s", {"spec": {"selector": {"k": "v"}}})
    cluster.answer("GET pods", {"items": []})
    done = cluster.run(f"vmexport download x --output {tmp_path / 'f'} {flags}")
    assert (done.code, done.err) == (1, f"{error}\n")


TEMPLATE_API = "/apis/template.kubevirt.io/v1beta1/namespaces/ns"
PROCESSING = "/apis/subresources.template.kubevirt.io/v1beta1/namespaces/ns/virtualmachinetemplates/t"
MACHINE: JsonObject = {"kind": "VirtualMachine", "metadata": {"name": "${NAME}"}}
TEMPLATE: JsonObject = {
    "metadata": {"name": "t"},
    "spec": {"virtualMachine": MACHINE, "message": "made ${NAME}",
             "parameters": [{"name": "NAME", "value": "web", "description": "its name"}, {"name": "SPARE"}]},
}  # fmt: skip
OPENSHIFT: JsonObject = {"metadata": {"name": "t", "labels": {"k": "v"}, "uid": "u"}, "objects": [MACHINE],
                         "message": "hi", "parameters": [{"name": "NAME"}]}  # fmt: skip
CONVERTED: JsonObject = {
    "apiVersion": "template.kubevirt.io/v1beta1", "kind": "VirtualMachineTemplate",
    "metadata": {"name": "t", "labels": {"k": "v"}},
    "spec": {"virtualMachine": MACHINE, "message": "hi", "parameters": [{"name": "NAME"}]},
}  # fmt: skip


def test_a_template_of_another_platform(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answer("GET /apis/template.openshift.io/v1/namespaces/ns/templates/t", OPENSHIFT)
    assert yaml.safe_load(cluster.run("template convert t").out) == CONVERTED
    shown = cluster.run("template convert --name t -o json").out
    assert shown == json.dumps(CONVERTED, indent=1)
    file = tmp_path / "t.json"
    file.write_text(json.dumps(OPENSHIFT))
    assert yaml.safe_load(cluster.run(f"template convert -f {file}").out) == CONVERTED


def test_a_template_from_a_machine(cluster: Cluster) -> None:
    requests = f"{TEMPLATE_API}/virtualmachinetemplaterequests"
    cluster.answer(f"POST {requests}", {"metadata": {"name": "a-1"}})
    done = cluster.run("template create --vm-name a --vm-namespace other --name t")
    assert done.out == "virtualmachinetemplaterequest.template.kubevirt.io/a-1 created\n"
    posted = json.loads(done.asked[0].removeprefix(f"POST {requests} "))
    assert posted["metadata"] == {"generateName": "a-"}
    assert posted["spec"] == {"virtualMachineRef": {"namespace": "other", "name": "a"}, "templateName": "t"}


def test_a_machine_from_a_template(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answer(f"POST {PROCESSING}/process", {"virtualMachine": {"metadata": {"name": "w"}}, "message": "hello"})
    cluster.answer(f"POST {PROCESSING}/create", {"virtualMachine": {"metadata": {"name": "w"}}})
    cluster.answer(f"GET {TEMPLATE_API}/virtualmachinetemplates/t", TEMPLATE)
    done = cluster.run("template process t -p NAME=w -p OTHER=x -o json")
    assert (done.out, done.err) == ('{\n "metadata": {\n  "name": "w"\n }\n}', "hello\n")
    assert done.asked == [f'POST {PROCESSING}/process {{"parameters":{{"NAME":"w","OTHER":"x"}}}}']
    assert cluster.run("template process t --create").out == "virtualmachine.kubevirt.io/w created\n"
    params = tmp_path / "params"
    params.write_text("# a comment\nNAME=here\n")
    local = cluster.run(f"template process --name t --local --params-file {params}")
    assert yaml.safe_load(local.out)["metadata"] == {"name": "here"}
    assert local.err.splitlines() == [
        "Warning: spec.parameters[1].name: SPARE is defined but never referenced", "made here",
    ]  # fmt: skip
    table = cluster.run("template process t --print-params").out.splitlines()
    assert [line.split() for line in table] == [
        ["NAME", "DESCRIPTION", "GENERATOR", "VALUE"], ["NAME", "its", "name", "web"], ["SPARE"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("convert", "name or file must be provided"),
        ("convert t -f x", "only one of name or file can be provided"),
        ("convert t --name t", "provide name either from positional argument or from flag"),
        ("convert t -o xml", "not supported output format: xml"),
        ("convert t", "error fetching remote Template ns/t: the server could not find it"),
        ("convert -f {two}", "template must contain exactly one object, found 2"),
        ("create", 'required flag(s) "vm-name" not set'),
        ("process", "name or file must be provided"),
        ("process t u", "accepts at most 1 arg(s), received 2"),
        ("process t --create --local", "if any flags in the group [create local] are set none of the others can be; "
         "[create local] were all set"),
        ("process t --create --print-params", "if any flags in the group [create print-params] are set none of the "
         "others can be; [create print-params] were all set"),
        ("process --name t -f x", "if any flags in the group [file name] are set none of the others can be; "
         "[file name] were all set"),
        ("process -f x --local", "if any flags in the group [file local] are set none of the others can be; "
         "[file local] were all set"),
        ("process -f x --create", "if any flags in the group [file create] are set none of the others can be; "
         "[create file] were all set"),
        ("process t -p a=b --params-file x", "if any flags in the group [param params-file] are set none of the "
         "others can be; [param params-file] were all set"),
        ("process t --local -p WHAT=x", "error merging template parameters: parameter WHAT not found in template"),
        ("process t", f"POST {PROCESSING}/process not found"),
    ],
)
def test_no_template(cluster: Cluster, command: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "two").write_text(json.dumps({"objects": [{}, {}]}))
    cluster.answer("GET /apis/template.openshift.io/v1/namespaces/ns/templates/t",
                   (404, "the server could not find it"))  # fmt: skip
    cluster.answer(f"GET {TEMPLATE_API}/virtualmachinetemplates/t", TEMPLATE)
    done = cluster.run(f"template {command.format(two=tmp_path / 'two')}")
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def test_another_version_in_the_cluster(cluster: Cluster) -> None:
    mine = str(client_version()["gitVersion"])
    cluster.answer(f"GET {SUBRESOURCES}/v1/version", {"gitVersion": "v1.8.2"})
    done = cluster.run("start a")
    assert done.err == (
        "You are using a client virtctl version that is different from the KubeVirt version running in the cluster\n"
        f"Client Version: {mine}\nServer Version: v1.8.2\n\nError starting VirtualMachine PUT VM:start not found\n"
    )
    cluster.answer("PUT VM:start", {})
    assert cluster.run("start a").err == "", "who succeeds is told nothing"


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"gitVersion": "main"}, "'main' is not a semantic version"), ((503, "no endpoints"), "no endpoints")],
)
def test_a_check_of_versions_that_fails(cluster: Cluster, answer: Answer, said: str) -> None:
    cluster.answer(f"GET {SUBRESOURCES}/v1/version", answer)
    assert cluster.run("start a").err.splitlines() == [said, "Error starting VirtualMachine PUT VM:start not found"]


CONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: c, cluster: {server: "SERVER"}}]
users: [{name: u, user: {token: old}}]
contexts: [{name: here, context: {cluster: c, user: u, namespace: ns}}]
"""


def test_which_cluster_and_who(cluster: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Everything comes from the kubeconfig, unless a flag says otherwise."""
    file = tmp_path / "config"
    file.write_text(CONFIG.replace("SERVER", cluster.server.url))
    cluster.answer("PUT VM:start", (401, "Unauthorized"), (403, "no right"), {})
    cluster.answer(f"GET {SUBRESOURCES}", (401, "Unauthorized"))
    base = ["--kubeconfig", str(file)]
    for arguments, error in (
        ([*base, "start", "a"], "log in again, or name others with --token, --user or --context\n"
         "Error starting VirtualMachine Unauthorized\n"),
        ([*base, "start", "a", "--as", "me", "--as-group", "g", "--as-group", "h", "--token", "new"],
         "Error starting VirtualMachine no right\n"),
        ([*base, "--context", "there", "start", "a"],
         'context "there" does not exist; contexts of the kubeconfig: here\n'),
        (["--kubeconfig", "/absent", "start", "a"], "stat /absent: no such file or directory\n"),
    ):  # fmt: skip
        assert run_command(arguments) == 1
        assert capfd.readouterr().err.endswith(error)
    expired, refused = cluster.server.headers[:2]
    assert expired["Authorization"] == "Bearer old"
    assert (refused["Authorization"], refused["Impersonate-User"]) == ("Bearer new", "me")
    assert run_command([*base, "start", "a"]) == 0


def test_no_cluster(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/absent")
    assert run_command(["start", "a", "-s", "http://127.0.0.1:1"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    told = [line for line in err.splitlines() if line]
    assert set(told) == {told[0]}, "one sentence; and what ends it"
    assert told[0].startswith("no answer from the API server http://127.0.0.1:1: ")
    assert "check that the server runs" in told[0]
