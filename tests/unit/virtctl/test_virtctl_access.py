"""Commands that let people in: expose, ssh and scp, credentials, and those of the cluster's administrator; whole
commands with what they ask, print and refuse."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from virtctl_cluster import Answer, Cluster, Said

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.commands import ssh as secure_shell

PORTS: JsonObject = {
    "networks": [{"name": "n", "pod": {}}],
    "domain": {"devices": {"interfaces": [{"name": "n", "ports": [{"port": 80}]}]}},
}
VM: JsonObject = {"metadata": {"name": "a", "uid": "u"}, "spec": {"template": {"spec": PORTS}}}
VMI: JsonObject = {"metadata": {"name": "a", "uid": "u"}, "spec": PORTS}
SET: JsonObject = {"metadata": {"name": "a", "uid": "u"},
                   "spec": {"selector": {"matchLabels": {"k": "v"}}, "template": {"spec": PORTS}}}  # fmt: skip
PORT = [{"name": "port-1", "port": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("command", "path", "found", "kind", "said", "spec"),
    [
        ("expose vm a --name s", "vm/a", VM, "VirtualMachine", "vm a",
         {"type": "ClusterIP", "ports": PORT, "selector": {"vmi.kubevirt.io/id": "a"}}),
        ("expose VMIs a --name s", "vmi/a", VMI, "VirtualMachineInstance", "vmis a",
         {"type": "ClusterIP", "ports": PORT, "selector": {"vmi.kubevirt.io/id": "a"}}),
        ("expose vmirs a --name s --port 22 --target-port ssh --protocol udp --port-name p --type loadbalancer "
         "--cluster-ip None --external-ip 1.2.3.4 --ip-family ipv6 --ip-family-policy singlestack",
         "virtualmachineinstancereplicasets/a", SET, "VirtualMachineInstanceReplicaSet", "vmirs a",
         {"type": "LoadBalancer", "ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack", "clusterIP": "None",
          "externalIPs": ["1.2.3.4"], "selector": {"k": "v"},
          "ports": [{"port": 22, "protocol": "UDP", "targetPort": "ssh", "name": "p"}]}),
    ],
)  # fmt: skip
def test_services(cluster: Cluster, command: str, path: str, found: Json, kind: str, said: str, spec: Json) -> None:
    cluster.answer(f"GET {path}", found)
    cluster.answer("POST services", {})
    done = cluster.run(command)
    assert (done.code, done.out) == (0, f"Service s successfully created for {said}\n")
    posted = json.loads(done.asked[1].removeprefix("POST services "))
    assert posted["spec"] == spec
    [owner] = posted["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "kubevirt.io/v1", "kind": kind, "name": "a", "uid": "u", "controller": True,
                     "blockOwnerDeletion": False}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "found", "posted", "error"),
    [
        ("expose vm a --name s --port 1", (404, "gone"), {}, "error fetching VirtualMachine: gone"),
        ("expose vmi a --name s --port 1", (404, "gone"), {}, "error fetching VirtualMachineInstance: gone"),
        ("expose vmirs a --name s --port 1", (404, "gone"), {},
         "error fetching VirtualMachineInstanceReplicaSet: gone"),
        ("expose vm a --name s --port 1", VM, (409, "taken"), "service creation failed: taken"),
        ("expose vm a --name s", {"metadata": {}, "spec": {}}, {},
         "couldn't find port via --port flag or introspection"),
        ("expose vmirs a --name s --port 1", {"metadata": {}, "spec": {}}, {},
         "cannot expose VirtualMachineInstanceReplicaSet without any selector labels"),
        ("expose vmirs a --name s --port 1", {"spec": {"selector": {"matchExpressions": [{"key": "k"}]}}}, {},
         "cannot expose VirtualMachineInstanceReplicaSet with match expressions"),
        ("expose vm a", {}, {}, 'required flag(s) "name" not set'),
        ("expose vm --name s", {}, {}, "accepts 2 arg(s), received 1"),
    ],
)  # fmt: skip
def test_no_service(cluster: Cluster, command: str, found: Json, posted: Json, error: str) -> None:
    for path in ("vm/a", "vmi/a", "virtualmachineinstancereplicasets/a"):
        cluster.answer(f"GET {path}", found)
    cluster.answer("POST services", posted)
    done = cluster.run(command)
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


PROXY = "ProxyCommand={0} --server={1} port-forward --stdio=true {2} {3}"


@pytest.mark.parametrize(
    ("command", "target", "port", "words"),
    [
        ("ssh vm/a", "vm/a/ns", 22, ["ssh", "-o", "PROXY", "me@vm.a.ns"]),
        ("ssh you@vmi/a/other -p 2222 -i key -c 'ls -l'", "vmi/a/other", 2222,
         ["ssh", "-o", "PROXY", "-i", "key", "you@vmi.a.other", "ls -l"]),
        ("ssh vm/a -l '' -t '-o A=b' -t -v", "vm/a/ns", 22, ["ssh", "-o", "PROXY", "-o A=b", "-v", "vm.a.ns"]),
        ("ssh vm/a --known-hosts=x -l you", "vm/a/ns", 22, ["ssh", "-o", "PROXY", "you@vm.a.ns"]),
        ("scp x vm/a:/tmp", "vm/a/ns", 22, ["scp", "-o", "PROXY", "x", "me@vm.a.ns:/tmp"]),
        ("scp you@vm/a:y . -r --preserve", "vm/a/ns", 22, ["scp", "-o", "PROXY", "-r", "-p", "you@vm.a.ns:y", "."]),
    ],
)  # fmt: skip
def test_the_clients_of_this_machine(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, command: str, target: str, port: int, words: list[str]
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(secure_shell, "_execute", ran.append)
    monkeypatch.setattr("sys.argv", ["virtctl"])
    monkeypatch.setenv("USER", "me")
    done = cluster.run(command)
    assert (done.code, done.asked) == (0, [])
    proxy = PROXY.format("virtctl", cluster.server.url, target, port)
    assert ran == [[proxy if word == "PROXY" else word for word in words]]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("ssh @vm/a", "expected username before '@'"),
        ("ssh me@", "expected target after '@'"),
        ("ssh a", "target must contain type and name separated by '/'"),
        ("ssh", "accepts 1 arg(s), received 0"),
        ("scp a", "accepts 2 arg(s), received 1"),
        ("scp vm/a:x vm/b:y", 'copying from a remote location to another remote location is not supported: "vm/a:x" to '
         '"vm/b:y"'),
        ("scp x y", 'none of the two provided locations seems to be a remote location: "x" to "y"'),
    ],
)
def test_no_secure_shell(cluster: Cluster, command: str, error: str) -> None:
    done = cluster.run(command)
    assert (done.code, done.err) == (1, f"{error}\n")


def test_the_end_of_a_client(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\nexit 7\n")
    (tmp_path / "ssh").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (cluster.run("ssh vm/a").code, cluster.run("ssh vm/a").err) == (1, "exit status 7\n")
    assert cluster.run("scp x vm/a:").err == 'exec: "scp": executable file not found in $PATH\n'


KEY = "ssh-ed25519 AAAA me@here"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def machine(*secrets: str, password: str = "") -> JsonObject:
    found: list[Json] = [
        {"sshPublicKey": {"source": {"secret": {"secretName": name}},
                          "propagationMethod": {"qemuGuestAgent": {"users": ["me"]}}}} for name in secrets
    ]  # fmt: skip
    if password:
        found.append({"userPassword": {"source": {"secret": {"secretName": password}},
                                       "propagationMethod": {"qemuGuestAgent": {}}}})  # fmt: skip
    spec: JsonObject = {"accessCredentials": found}
    return {"metadata": {"name": "a", "uid": "u"}, "spec": {"template": {"spec": spec}}}


OWNED: JsonObject = {"metadata": {"name": "s", "ownerReferences": [{"uid": "u"}]}, "data": {"k": encoded(KEY)}}
FOREIGN: JsonObject = {"metadata": {"name": "s"}, "data": {}}
ADD = f"credentials add-ssh-key a -u me --value '{KEY}'"
REMOVE = f"credentials remove-ssh-key a -u me --value '{KEY}'"
PASSWORD = "credentials set-password a -u me -p pw"
APPEND = '[{"op":"add","path":"/spec/template/spec/accessCredentials/-",'


def run(cluster: Cluster, command: str, vm: Answer, secret: Answer = None, **answers: Answer) -> Said:
    cluster.answer("GET vm/a", vm)
    if secret is not None:
        cluster.answer("GET secrets/s", secret)
    for name, answer in answers.items():
        method, _, path = name.partition("_")
        cluster.answer(f"{method} {path.replace('_', '/')}", answer)
    return cluster.run(command)


def test_a_key_in_a_new_secret(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(KEY + "\n")
    command = f"credentials add-ssh-key a -u me -f {file}"
    done = run(cluster, command, machine(), POST_secrets={"metadata": {"name": "made"}}, PATCH_vm_a={})
    assert (done.code, done.out) == (0, "")
    lines = [line.partition(" {")[0] for line in done.asked[:3]]
    assert lines == ["GET vm/a", "GET vmi/a", "POST secrets"]
    posted = json.loads(done.asked[2].removeprefix("POST secrets "))
    assert posted["metadata"]["generateName"] == "a-ssh-key-"
    [(entry, value)] = posted["data"].items()
    assert entry.startswith("ssh-key-")
    assert len(entry) == len("ssh-key-") + 6
    assert base64.b64decode(value).decode() == KEY
    assert done.asked[3].startswith(f"PATCH vm/a {APPEND}")
    assert '"secretName":"made"' in done.asked[3]


def test_a_key_for_a_machine_without_a_list(cluster: Cluster) -> None:
    cluster.answer("PATCH vm/a", (422, "the path does not exist"), {})
    done = run(cluster, ADD, machine(), POST_secrets={"metadata": {"name": "made"}})
    assert done.code == 0
    operations = json.loads(done.asked[4].removeprefix("PATCH vm/a "))
    assert [(each["op"], each["path"].removeprefix("/spec/template/spec/")) for each in operations] == [
        ("test", "accessCredentials"), ("add", "accessCredentials"), ("add", "accessCredentials/-"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "vm", "secret", "out", "asked"),
    [
        pytest.param(ADD, machine("s"), OWNED, 'Secret "s" already contains this SSH key.', [], id="there already"),
        pytest.param(ADD + "2", machine("s"), OWNED, 'Successfully added the key to secret "s"',
                     ["PATCH secrets/s "], id="into its own secret"),
        pytest.param(ADD + " --force", machine("s"), FOREIGN, 'Successfully added the key to secret "s"',
                     ["PATCH secrets/s "], id="into a secret that is not its own"),
        pytest.param(ADD + " --update-secret --secret s", machine("s", "t"), OWNED,
                     'Secret "s" already contains this SSH key.', [], id="into one of several"),
        pytest.param(REMOVE, machine("s"), OWNED, "", ["PUT secrets/s "], id="taken out"),
        pytest.param(REMOVE + " --secret s", machine("s", "t"), OWNED, "", ["PUT secrets/s "], id="out of one"),
        pytest.param(REMOVE, machine("s"), (404, "gone"), "", [], id="the secret is gone"),
        pytest.param(REMOVE, machine(), OWNED, "No secrets associated with user me", [], id="no secret"),
        pytest.param(PASSWORD, machine(password="s"), FOREIGN, 'Successfully set password in secret "s"',
                     [f'PATCH secrets/s [{{"op":"add","path":"/data/me","value":"{encoded("pw")}"}}]'],
                     id="a password"),
    ],
)  # fmt: skip
def test_keys_and_passwords(cluster: Cluster, command: str, vm: Json, secret: Json, out: str, asked: list[str]) -> None:
    done = run(cluster, command, vm, secret, PATCH_secrets_s={}, PUT_secrets_s={})
    assert (done.code, done.out, done.err) == (0, out, ""), "and no newline at the end"
    written = [line for line in done.asked if not line.startswith("GET")]
    assert len(written) == len(asked)
    for line, start in zip(written, asked, strict=True):
        assert line.startswith(start)


def test_a_secret_that_changes_meanwhile(cluster: Cluster) -> None:
    cluster.answer("PUT secrets/s", (409, "modified"), {})
    done = run(cluster, REMOVE, machine("s"), OWNED)
    assert (done.code, len(done.asked)) == (0, 5)


@pytest.mark.parametrize(
    ("command", "vm", "secret", "error"),
    [
        (ADD, (404, "gone"), {}, "error getting virtual machine: gone"),
        (ADD + " --create-secret --update-secret", {}, {}, "if any flags in the group [create-secret update-secret] "
         "are set none of the others can be; [create-secret update-secret] were all set"),
        (ADD + " -f x", {}, {}, "if any flags in the group [file value] are set none of the others can be; "
         "[file value] were all set"),
        ("credentials add-ssh-key a -u me", {}, {},
         "error getting ssh key: one of --file, or --value must be specified"),
        (ADD + " --update-secret", machine(), {}, "no secrets specified for user: me"),
        (ADD + " --secret t", machine("s"), {}, "secret t is not associated with user me"),
        (ADD, machine("s", "t"), {},
         "multiple secrets specified, use option --secret to specify which secret to modify"),
        (ADD, machine("s"), (403, "no right"), 'error getting secret "s": no right'),
        (ADD, machine("s"), FOREIGN, "secret s does not have an owner reference pointing to VM a"),
        (ADD + " --force", machine("s"), FOREIGN, 'error patching secret "s": read only'),
        (REMOVE, machine("s"), (403, "no right"), 'error getting secret "s": no right'),
        (PASSWORD, machine(), {}, "no secrets assigned to UserPassword AccessCredentials"),
        (PASSWORD + " --secret t", machine(password="s"), {}, "secret t was not assigned"),
        ("credentials set-password a", {}, {}, 'required flag(s) "password", "user" not set'),
        ("credentials set-password -u me -p x", {}, {}, "accepts 1 arg(s), received 0"),
    ],
)
def test_no_credentials(cluster: Cluster, command: str, vm: Json, secret: Json, error: str) -> None:
    done = run(cluster, command, vm, secret, PATCH_secrets_s=(405, "read only"))
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def test_no_new_secret_for_a_running_machine_unless_forced(cluster: Cluster) -> None:
    answers: dict[str, Answer] = {"POST_secrets": {"metadata": {"name": "made"}}, "PATCH_vm_a": {}, "GET_vmi_a": {}}
    assert run(cluster, ADD, machine(), **answers).err == (
        "virtual machine a is running. Use --force flag to update a running VM, it will take effect after restart\n"
    )
    assert run(cluster, ADD + " --force", machine(), **answers).code == 0


KUBEVIRTS, KUBEVIRT = "/apis/kubevirt.io/v1/kubevirts", "/apis/kubevirt.io/v1/namespaces/there/kubevirts/it"


def installation(**levels: Json) -> JsonObject:
    developer: JsonObject = {"developerConfiguration": {"logVerbosity": dict(levels)}} if levels else {}
    return {"metadata": {"name": "it", "namespace": "there"}, "spec": {"configuration": developer}}


SETS = "successfully set/reset the log verbosity\n"


@pytest.mark.parametrize(
    ("flags", "levels", "out", "levels_sent"),
    [
        ("--virt-api", {}, "virt-api=2\n", None),
        ("--virt-api=10 --virt-handler", {"virtHandler": 4}, "virt-api=2\nvirt-handler=4\n", None),
        ("--all", {"virtAPI": 1}, "virt-api=1\nvirt-controller=2\nvirt-handler=2\nvirt-launcher=2\nvirt-operator=2\n",
         None),
        ("--virt-api=5", {"virtHandler": 4}, SETS, {"virtHandler": 4, "virtAPI": 5}),
        ("--all=1 --virt-api=5", {}, SETS, {"virtAPI": 5, "virtController": 1, "virtHandler": 1, "virtLauncher": 1,
                                            "virtOperator": 1}),
        ("--reset", {"virtAPI": 1}, SETS, {}),
        ("--reset --virt-api=3", {"virtHandler": 4}, SETS, {"virtAPI": 3}),
        ("--reset", {}, "", None),
    ],
)  # fmt: skip
def test_log_verbosity(cluster: Cluster, flags: str, levels: dict[str, Json], out: str, levels_sent: Json) -> None:
    cluster.answer(f"GET {KUBEVIRTS}", {"items": [installation(**levels)]})
    cluster.answer(f"PATCH {KUBEVIRT}", {})
    done = cluster.run(f"adm log-verbosity {flags}")
    assert (done.code, done.out) == (0, out)
    patches = done.asked[1:]
    assert len(patches) == (levels_sent is not None)
    if levels_sent is not None:
        operations = json.loads(patches[0].removeprefix(f"PATCH {KUBEVIRT} "))
        assert operations[-1] == {
            "op": "add", "path": "/spec/configuration/developerConfiguration/logVerbosity", "value": levels_sent,
        }  # fmt: skip
        parents = [each["path"] for each in operations if not each["path"].endswith("logVerbosity")]
        assert parents == ([] if levels else ["/spec/configuration/developerConfiguration"])


@pytest.mark.parametrize(
    ("flags", "found", "error"),
    [
        ("--virt-api", [], "could not detect a KubeVirt installation"),
        ("--virt-api", [{}, {}], "invalid kubevirt installation, more than one KubeVirt resource found"),
        ("--virt-api=11", [], "virt-api: log verbosity must be 0-9"),
        ("--all=x", [], "all: log verbosity must be 0-9"),
        ("--virt-api --virt-handler=2", [{}], "only show or set is allowed"),
        ("--virt-api --reset", [{}], "only show or set is allowed"),
        ("--all --reset", [], "if any flags in the group [all reset] are set none of the others can be; "
         "[all reset] were all set"),
    ],
)
def test_no_log_verbosity(cluster: Cluster, flags: str, found: list[Json], error: str) -> None:
    cluster.answer(f"GET {KUBEVIRTS}", {"items": found})
    done = cluster.run(f"adm log-verbosity {flags}")
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def test_log_verbosity_without_a_flag(cluster: Cluster) -> None:
    done = cluster.run("adm log-verbosity")
    assert (done.code, done.err) == (1, "no flag specified - expecting at least one flag\n")
    assert "--virt-launcher" in done.out, "and how it is used"
