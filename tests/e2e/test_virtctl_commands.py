"""Commands of virtctl that need no guest, as a user runs them: outputs, exit codes, and what they did in the cluster.

Those about a running guest are in test_verbs.py, start to console in the walk-through, flags refused before any request
in the unit tests.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import BIN, Cluster, eventually, run, virtctl_path
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
NAME = "still"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@here"


@pytest.fixture(scope="module")
def stopped(namespace: Cluster) -> Cluster:
    """A namespace with a machine that does not run."""
    machine = vm(NAME, runStrategy="Halted")
    namespace.apply(as_json(machine)).ok()
    return namespace


def secrets(cluster: Cluster) -> list[Any]:
    return cluster.objects("secrets")


def keys_in(secret: Any) -> list[str]:
    return [base64.b64decode(value).decode().strip() for value in (secret.get("data") or {}).values()]


def test_it_is_a_plugin_of_kubectl(stopped: Cluster, tmp_path: Path) -> None:
    (tmp_path / "kubectl-virt").symlink_to(BIN / "kubectl-virt")
    path = f"{tmp_path}:{os.environ['PATH']}"
    told = run("env", f"PATH={path}", f"KUBECONFIG={stopped.kubeconfig}", stopped.kubectl_path, "virt", "version", "-c")
    assert told.ok().out.startswith('Client Version: version.Info{GitVersion:"v1.9')
    usage = run("env", f"PATH={path}", stopped.kubectl_path, "virt").ok().out
    assert 'Use "kubectl virt' in usage


def test_keys_of_a_machine(stopped: Cluster) -> None:
    nobody = stopped.virtctl("credentials", "add-ssh-key", "nobody", "-u", "me", "--value", KEY)
    nobody.fails("error getting virtual machine: ")
    stopped.virtctl("credentials", "add-ssh-key", NAME, "-u", "me").fails(
        "error getting ssh key: one of --file, or --value must be specified"
    )
    assert stopped.virtctl("credentials", "add-ssh-key", NAME, "-u", "me", "--value", KEY).ok().out == ""
    [secret] = secrets(stopped)
    name = secret["metadata"]["name"]
    assert name.startswith(f"{NAME}-ssh-key-")
    assert keys_in(secret) == [KEY]
    assert secret["metadata"]["ownerReferences"][0]["kind"] == "VirtualMachine"
    [credential] = stopped.get("vm", NAME)["spec"]["template"]["spec"]["accessCredentials"]
    assert credential["sshPublicKey"]["source"]["secret"]["secretName"] == name
    again = stopped.virtctl("credentials", "add-ssh-key", NAME, "-u", "me", "--value", KEY).ok()
    assert again.out == f'Secret "{name}" already contains this SSH key.'
    second = stopped.virtctl("credentials", "add-ssh-key", NAME, "-u", "me", "--value", KEY + "2").ok()
    assert second.out == f'Successfully added the key to secret "{name}"'
    assert len(keys_in(secrets(stopped)[0])) == 2
    assert stopped.virtctl("credentials", "remove-ssh-key", NAME, "-u", "me", "--value", KEY).ok().out == ""
    assert keys_in(secrets(stopped)[0]) == []
    gone = stopped.virtctl("credentials", "remove-ssh-key", NAME, "-u", "you", "--value", KEY).ok()
    assert gone.out == "No secrets associated with user you"
    stopped.virtctl("credentials", "set-password", NAME, "-u", "me", "-p", "x").fails(
        "no secrets assigned to UserPassword AccessCredentials"
    )


def test_a_password_of_a_machine(stopped: Cluster) -> None:
    stopped.kubectl("create", "secret", "generic", "passwords").ok()
    credential = {"userPassword": {"source": {"secret": {"secretName": "passwords"}},
                                   "propagationMethod": {"qemuGuestAgent": {}}}}  # fmt: skip
    patch = [{"op": "add", "path": "/spec/template/spec/accessCredentials/-", "value": credential}]
    stopped.kubectl("patch", "vm", NAME, "--type=json", "-p", json.dumps(patch)).ok()
    told = stopped.virtctl("credentials", "set-password", NAME, "-u", "cirros", "-p", "new").ok()
    assert told.out == 'Successfully set password in secret "passwords"'
    secret = stopped.get("secret", "passwords")
    assert base64.b64decode(secret["data"]["cirros"]) == b"new"


def test_a_machine_written_out(stopped: Cluster, tmp_path: Path) -> None:
    expanded = json.loads(stopped.virtctl("expand", "--vm", NAME, "-o", "json").ok().out)
    assert expanded["spec"]["template"]["spec"]["domain"]["memory"]["guest"] == "96Mi"
    file = tmp_path / "vm.json"
    file.write_text(as_json(vm("other")))
    assert "name: other" in stopped.virtctl("expand", "-f", str(file)).ok().out
    stopped.virtctl("expand", "--vm", "nobody").fails(
        f"error expanding VirtualMachine - nobody in namespace - {stopped.namespace}: "
    )
    stopped.virtctl("expand", "-f", "/absent").fails("error reading file open /absent: no such file or directory")


def test_what_a_machine_depends_on(stopped: Cluster, admin: Cluster) -> None:
    """Behind a feature gate, which is opened and closed here."""
    installation = admin.in_namespace("kubevirt")
    path = "/spec/configuration/developerConfiguration"
    before = installation.get("kubevirt", "kubevirt")["spec"].get("configuration", {}).get("developerConfiguration")
    closed = f"error listing object graph of VirtualMachine {NAME}: '{{}}' feature gate is not enabled"
    stopped.virtctl("objectgraph", NAME).fails(closed.format("ObjectGraph"))
    gates = {**(before or {}), "featureGates": [*(before or {}).get("featureGates", []), "ObjectGraph"]}
    installation.kubectl("patch", "kubevirt", "kubevirt", "--type=merge", "-p",
                         json.dumps({"spec": {"configuration": {"developerConfiguration": gates}}})).ok()
    try:
        def graph() -> Any:
            return json.loads(stopped.virtctl("objectgraph", NAME).ok().out)

        found = eventually("the gate to open", graph)
        yaml = stopped.virtctl("objectgraph", NAME, "-o", "yaml", "--exclude-optional").ok().out
    finally:
        change = {"op": "replace", "path": path, "value": before} if before else {"op": "remove", "path": path}
        installation.kubectl("patch", "kubevirt", "kubevirt", "--type=json", "-p", json.dumps([change])).ok()
    assert found["objectReference"]["name"] == NAME
    assert f"name: {NAME}" in yaml


def test_memory_and_disks_that_cannot_be_had(stopped: Cluster, tmp_path: Path) -> None:
    """The server's side of these is yet to come; what a user hears is the server's word, not a crash."""
    image = tmp_path / "disk.img"
    image.write_bytes(b"x")
    for arguments, text in (
        (["memory-dump", "get", NAME, "--claim-name", "c"], 'persistentvolumeclaims "c" not found'),
        (["memory-dump", "get", NAME], "error dumping vm memory, Memory dump requires claim name to be set"),
        (["memory-dump", "remove", NAME],
         f"can't remove memory dump association for vm {NAME}, no association found"),
        (["vmexport", "download", "nothing", "--output", str(tmp_path / "f"), "--readiness-timeout", "1s"],
         "couldn't get VM Export nothing, waiting for it to be created..."),
        (["image-upload", "pvc", "p", "--image-path", str(image), "--no-create", "--wait-secs", "1"],
         "context deadline exceeded"),
        (["image-upload", "pvc", "p", "--image-path", str(image)], "when creating a resource, the size must be"),
        (["template", "process", "nothing", "--local"], "the server could not find the requested resource"),
        (["guestfs", "nothing", "--image", "i"], "The PVC nothing doesn't exist"),
        (["guestfs", "nothing"], "could not get guestfs image info: "),
        (["evacuate-cancel", "vm", NAME],
         f"error retrieving VMI for evacuation cancel for VM {stopped.namespace}/{NAME}: "),
        (["migrate", NAME], "Error migrating VirtualMachine "),
        (["migrate-cancel", NAME], f"Found no migration to cancel for {NAME}"),
        (["addvolume", NAME, "--volume-name", "c"],
         "error adding volume, Volume c is not a DataVolume or PersistentVolumeClaim"),
        (["removevolume", NAME, "--volume-name", "c"], "error removing volume, "),
        (["template", "create", "--vm-name", NAME], "the server could not find the requested resource"),
    ):  # fmt: skip
        result = stopped.virtctl(*arguments).fails(text)
        assert result.code == 1, arguments
        assert "Traceback" not in result.err


def test_exports_are_made_and_deleted(stopped: Cluster) -> None:
    where = f"VirtualMachineExport '{stopped.namespace}/out'"
    made = stopped.virtctl("vmexport", "create", "out", "--vm", NAME, "--ttl", "1h", "--labels", "a=b").ok()
    assert f"{where} created successfully" in made.err + made.out
    export = stopped.get("vmexport", "out")
    assert export["spec"]["source"] == {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": NAME}
    assert export["metadata"]["labels"] == {"a": "b"}
    assert len(base64.b64decode(stopped.get("secret", "secret-out")["data"]["token"])) == 20
    stopped.virtctl("vmexport", "create", "out", "--vm", NAME).fails(f"{where} already exists")
    gone = stopped.virtctl("vmexport", "delete", "out").ok()
    assert f"{where} deleted successfully" in gone.err + gone.out
    eventually("the export to be gone", lambda: stopped.get("vmexport", "out") is None)
    absent = stopped.virtctl("vmexport", "delete", "out").ok()
    assert f"{where} does not exist" in absent.err + absent.out


def test_log_verbosity_and_permitted_devices(stopped: Cluster) -> None:
    shown = stopped.virtctl("adm", "log-verbosity", "--virt-api").ok().out
    assert shown.startswith("virt-api=")
    stopped.virtctl("adm", "log-verbosity").fails("no flag specified - expecting at least one flag")
    listed = stopped.in_namespace("kubevirt").virtctl("permitted-devices").ok().out
    assert listed.startswith("Permitted Devices: \nHost Devices: \n")
    stopped.virtctl("permitted-devices").fails(f'no KubeVirt resource in "{stopped.namespace}" namespace')


def test_manifests_of_offers_and_clones_are_accepted(stopped: Cluster) -> None:
    for arguments in (
        ["vm", "--name=made", "--run-strategy=Halted", "--volume-containerdisk=src:x/y:z"],
        ["instancetype", "--cpu=2", "--memory=1Gi", "--iothreadspolicy=auto"],
        ["preference", "--namespaced", "--cpu-topology=cores", "--machine-type=q35"],
        ["clone", f"--source-name={NAME}", "--target-name=copy", "--label-filter=!secret"],
    ):
        made = stopped.virtctl("create", *arguments).ok()
        stopped.kubectl("apply", "--dry-run=server", "-f", "-", stdin=made.out).ok()


def test_what_a_manifest_becomes(tmp_path: Path) -> None:
    """Without a cluster, as the kubeconfig that does not exist shows."""
    file = tmp_path / "vm.json"
    file.write_text(as_json(vm("drawn")))
    told = run("env", "KUBECONFIG=/absent", virtctl_path(), "render", "-f", str(file), "--output-dir", str(tmp_path))
    assert told.ok().out == ""
    assert '"allowed": true' in (tmp_path / "admission.json").read_text()
    assert "name: compute" in (tmp_path / "pod.yaml").read_text()
    assert "<name>default_drawn</name>" in (tmp_path / "domain.xml").read_text()


def test_a_template_from_a_file(stopped: Cluster, tmp_path: Path) -> None:
    machine = vm("${NAME}", runStrategy="Halted")
    template = {"objects": [machine], "metadata": {"name": "t"}, "parameters": [{"name": "NAME", "value": "made"}]}
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template))
    converted = tmp_path / "converted.yaml"
    converted.write_text(stopped.virtctl("template", "convert", "-f", str(file)).ok().out)
    made = stopped.virtctl("template", "process", "-f", str(converted), "-p", "NAME=web").ok().out
    stopped.kubectl("apply", "--dry-run=server", "-f", "-", stdin=made).ok()
    assert "name: web" in made
