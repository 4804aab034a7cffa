"""Commands that only ask, and those about volumes: requests, output and errors, as the tables of commands have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from virtctl_cluster import SUBRESOURCES, Cluster

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.commands import volumes

REJECTED = "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("command", "resource", "answer", "shown"),
    [
        ("guestosinfo a", "guestosinfo", {"kind": "G", "apiVersion": "v", "hostname": "h"},
         {"fsInfo": {"disks": None}, "os": {}, "hostname": "h"}),
        ("userlist a", "userlist", {"items": [{"userName": "u"}]}, {"metadata": {}, "items": [{"userName": "u"}]}),
        ("fslist a", "filesystemlist", {"kind": "L", "metadata": {}, "items": []}, {"metadata": {}, "items": []}),
    ],
)  # fmt: skip
def test_what_the_agent_says(cluster: Cluster, command: str, resource: str, answer: Json, shown: Json) -> None:
    cluster.answer(f"GET VMI:{resource}", answer)
    done = cluster.run(command)
    assert (done.code, done.asked) == (0, [f"GET VMI:{resource}"])
    assert json.loads(done.out) == shown
    assert done.out.startswith('{\n  "'), "two spaces, for people"


@pytest.mark.parametrize(
    ("command", "resource", "error"),
    [
        ("guestosinfo a", "guestosinfo", "Error getting guestosinfo of VirtualMachineInstance a, no agent"),
        ("userlist a", "userlist", "Error listing users of VirtualMachineInstance a, no agent"),
        ("fslist a", "filesystemlist", "Error listing filesystems of VirtualMachineInstance a, no agent"),
    ],
)
def test_no_agent(cluster: Cluster, command: str, resource: str, error: str) -> None:
    cluster.answer(f"GET VMI:{resource}", (409, "no agent"))
    done = cluster.run(command)
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


GRAPH: JsonObject = {"name": "a", "children": []}


@pytest.mark.parametrize(
    ("flags", "resource", "body", "shown"),
    [
        ("", "VM", '{"includeOptionalNodes":true,"labelSelector":{"matchLabels":{}}}', json.dumps(GRAPH, indent=2)),
        ("--vmi --exclude-optional", "VMI", '{"includeOptionalNodes":false,"labelSelector":{"matchLabels":{}}}',
         json.dumps(GRAPH, indent=2)),
        ("--selector k=v,l=w -o yaml", "VM",
         '{"includeOptionalNodes":true,"labelSelector":{"matchLabels":{"k":"v","l":"w"}}}', "children: []\nname: a\n"),
    ],
)
def test_what_a_machine_depends_on(cluster: Cluster, flags: str, resource: str, body: str, shown: str) -> None:
    cluster.answer(f"GET {resource}:objectgraph", GRAPH)
    done = cluster.run(f"objectgraph a {flags}")
    assert (done.code, done.out, done.asked) == (0, shown + "\n", [f"GET {resource}:objectgraph {body}"])


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("objectgraph a", (400, "off"), "error listing object graph of VirtualMachine a: off"),
        ("objectgraph a --vmi", (400, "off"), "error listing object graph of VirtualMachineInstance a: off"),
        ("objectgraph a -o xml", GRAPH, "unsupported output format: xml (must be 'json' or 'yaml')"),
        ("objectgraph a --selector k", GRAPH,
         'invalid argument "k" for "--selector" flag: k must be formatted as key=value'),
    ],
)
def test_no_graph(cluster: Cluster, command: str, answer: Json, error: str) -> None:
    cluster.answer("GET VM:objectgraph", answer)
    cluster.answer("GET VMI:objectgraph", answer)
    done = cluster.run(command)
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def test_versions(cluster: Cluster) -> None:
    done = cluster.run("version")
    client, server = done.out.splitlines()
    assert client.startswith('Client Version: version.Info{GitVersion:"v')
    keys = [part.partition(":")[0] for part in client.partition("{")[2].split(", ")]
    assert keys == ["GitVersion", "GitCommit", "GitTreeState", "BuildDate", "GoVersion", "Compiler", "Platform"]
    assert server == client.replace("Client", "Server")
    assert cluster.run("version --client").out == client + "\n"


def test_a_server_that_does_not_say_its_version(cluster: Cluster) -> None:
    cluster.answer(f"GET {SUBRESOURCES}/v1/version", (503, "no endpoints"))
    done = cluster.run("version")
    assert done.code == 1
    assert done.out.startswith("Client Version: "), "the client's line is out by then"
    assert done.err.splitlines()[-1] == "failed to get server version: no endpoints"


DEVICES: JsonObject = {"spec": {"configuration": {"permittedHostDevices": {
    "pciHostDevices": [{"pciVendorSelector": "1:2", "resourceName": "x/pci"},
                       {"pciVendorSelector": "1:3", "resourceName": "x/nic"}],
    "mediatedDevices": [{"mdevNameSelector": "g", "resourceName": "x/gpu"}]}}}}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (DEVICES, "Permitted Devices: \nHost Devices: \nx/pci, x/nic \nGPU Devices: \nx/gpu \n"),
        ({}, "Permitted Devices: \nHost Devices: \n \nGPU Devices: \n \n"),
    ],
)
def test_permitted_devices(cluster: Cluster, found: Json, shown: str) -> None:
    cluster.answer("GET kubevirts", {"items": [found]})
    done = cluster.run("permitted-devices")
    assert (done.code, done.out) == (0, shown)
    cluster.answer("GET kubevirts", {"items": []})
    assert cluster.run("permitted-devices").err == 'no KubeVirt resource in "ns" namespace\n'


MACHINE: JsonObject = {"kind": "VirtualMachine", "metadata": {"name": "a"}}


def test_a_machine_written_out(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answer("GET VM:expand-spec", MACHINE)
    cluster.answer("PUT sub:expand-vm-spec", MACHINE)
    file = tmp_path / "vm.yaml"
    file.write_text("kind: VirtualMachine\nmetadata: {name: a}\n")
    assert cluster.run("expand --vm a").out == "kind: VirtualMachine\nmetadata:\n  name: a\n"
    assert cluster.run("expand --vm a -o json").out == json.dumps(MACHINE, indent=1), "no newline at the end"
    done = cluster.run(f"expand -f {file}")
    assert (done.code, done.asked) == (
        0, ['PUT sub:expand-vm-spec {"kind":"VirtualMachine","metadata":{"name":"a"}}'])  # fmt: skip
    assert cluster.server.headers[0]["Content-Type"] == "application/json"


def test_a_machine_from_standard_input(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cluster.answer("PUT sub:expand-vm-spec", MACHINE)
    typed = tmp_path / "typed"
    typed.write_text("metadata: {name: a}")
    with typed.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert cluster.run("expand --file -").asked == ['PUT sub:expand-vm-spec {"metadata":{"name":"a"}}']


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ("", "error invalid arguments - VirtualMachine name or file must be provided"),
        ("--vm a -o xml", "error not supported output format defined: xml"),
        ("--vm a -f x", "if any flags in the group [file vm] are set none of the others can be; [file vm] were all "
         "set"),
        ("-f /absent", "error reading file open /absent: no such file or directory"),
        ("--vm a", "error expanding VirtualMachine - a in namespace - ns: no such thing"),
        ("-f {odd}", "error decoding VirtualMachine the manifest holds no object"),
        ("-f {good}", "error expanding VirtualMachine - a in namespace - ns: no such type"),
    ],
)
def test_what_cannot_be_written_out(cluster: Cluster, flags: str, error: str, tmp_path: Path) -> None:
    cluster.answer("GET VM:expand-spec", (404, "no such thing"))
    cluster.answer("PUT sub:expand-vm-spec", (400, "no such type"))
    (tmp_path / "odd").write_text("- 1")
    (tmp_path / "good").write_text("metadata: {name: a}")
    done = cluster.run("expand " + flags.format(odd=tmp_path / "odd", good=tmp_path / "good"))
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def test_no_standard_input(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def read(self) -> str:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("sys.stdin", Broken())
    assert cluster.run("expand -f -").err == "error reading from stdin: open -: input/output error\n"


CLAIM = '"persistentVolumeClaim":{"claimName":"v","hotpluggable":true}'
VOLUME = '"dataVolume":{"name":"v","hotpluggable":true}'
SENT = '{{"name":"v","disk":{{"name":"","disk":{{"bus":"scsi"}},"serial":"v"}},"volumeSource":{{{}}}{}}}'
ADDED = "Successfully submitted add volume request to VM a for volume v\n"
REMOVED = "Successfully submitted remove volume request to VM a for volume v\n"


def test_a_data_volume_is_plugged_in(cluster: Cluster) -> None:
    cluster.answer("GET cdi:datavolumes/v", {})
    cluster.answer("PUT VM:addvolume", {})
    done = cluster.run("addvolume a --volume-name=v --persist")
    assert (done.code, done.out) == (0, ADDED)
    assert done.asked == ["GET cdi:datavolumes/v", f"PUT VM:addvolume {SENT.format(VOLUME, '')}"]


def test_a_claim_is_plugged_into_an_instance_without_a_machine(cluster: Cluster) -> None:
    cluster.answer("GET pvc/v", {})
    cluster.answer("PUT VMI:addvolume", {})
    done = cluster.run("addvolume a --volume-name=v --dry-run")
    assert (done.code, done.out) == (0, ADDED)
    dry = SENT.format(CLAIM, ',"dryRun":["All"]')
    assert done.asked == ["GET cdi:datavolumes/v", "GET pvc/v", f"PUT VM:addvolume {dry}", f"PUT VMI:addvolume {dry}"]


def test_a_volume_is_pulled_out(cluster: Cluster) -> None:
    cluster.answer("PUT VMI:removevolume", {})
    done = cluster.run("removevolume a --volume-name v")
    assert (done.code, done.out) == (0, REMOVED)
    assert done.asked == ['PUT VM:removevolume {"name":"v"}', 'PUT VMI:removevolume {"name":"v"}']


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_a_request_that_was_overtaken_is_repeated(cluster: Cluster, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "LONGEST_PAUSE_S", 0)
    cluster.answer("GET pvc/v", {})
    cluster.answer(f"PUT VM:{verb}volume", (422, REJECTED), (422, REJECTED), {})
    assert cluster.run(f"{verb}volume a --volume-name v").code == 0
    cluster.answer(f"PUT VM:{verb}volume", (422, REJECTED))
    done = cluster.run(f"{verb}volume a --volume-name v")
    doing = {"add": "adding", "remove": "removing"}[verb]
    assert (done.code, done.err) == (1, f"error {doing} volume after 15 retries\n")
    assert sum(line.startswith("PUT") for line in done.asked) == 15


LONG = "v" * 64


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("addvolume a --volume-name v", "error adding volume, taken"),
        ("removevolume a --volume-name v", "error removing volume, taken"),
        ("addvolume a --volume-name w",
         "error adding volume, Volume w is not a DataVolume or PersistentVolumeClaim"),
        (f"addvolume a --volume-name {LONG}", f"Invalid volume name {LONG}, must not exceed 63 characters. "
         "Use in conjunction with --disk-name to specify a shorter name"),
        (f"addvolume a --volume-name v --disk-name {LONG}",
         f"Invalid disk name {LONG}, must not exceed 63 characters"),
        ("addvolume a", 'required flag(s) "volume-name" not set'),
        ("removevolume a", 'required flag(s) "volume-name" not set'),
    ],
)
def test_what_cannot_be_plugged(cluster: Cluster, command: str, error: str) -> None:
    cluster.answer("GET pvc/v", {})
    cluster.answer(f"GET pvc/{LONG}", {})
    for verb in ("addvolume", "removevolume"):
        cluster.answer(f"PUT VM:{verb}", (409, "taken"))
    done = cluster.run(command)
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")
