"""Everything virtctl can do to and ask of a running guest, as a user does it: outputs, exit codes, and what it did.

start, stop, restart, pause, unpause and console are in the walk-through; refusals by state are unit tables.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Cluster, Result, console, eventually, free_port, run, seen, virtctl_path
from tests.e2e.manifests import as_json, vm
from tests.e2e.pictures import pixels

pytestmark = pytest.mark.e2e
NAME = "talk"
SUBRESOURCE = "/apis/subresources.kubevirt.io/v1/namespaces/{}/virtualmachineinstances/{}/{}"


@pytest.fixture(scope="module")
def guest(namespace: Cluster) -> Cluster:
    """A namespace with one running machine, whose guest agent has come, and which only others may move."""
    machine = vm(NAME)
    machine["spec"]["template"]["spec"]["evictionStrategy"] = "External"
    namespace.apply(as_json(machine)).ok()

    def connected() -> bool:
        conditions = {c["type"]: c["status"] for c in namespace.get("vmi", NAME)["status"]["conditions"]}
        assert conditions.get("AgentConnected") == "True", conditions
        return True

    namespace.wait_phase(NAME, "Running")
    eventually("the guest agent to come", connected)
    return namespace


@contextlib.contextmanager
def running(cluster: Cluster, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """virtctl in the background."""
    process = subprocess.Popen(
        [virtctl_path(), "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=120)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def greeting(port: int, size: int) -> bytes:
    """The first bytes that a server behind a local port sends."""

    def ask() -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                return connection.recv(size)
        except OSError:
            return b""

    return eventually(f"a greeting on port {port}", ask)


def test_what_the_agent_says(guest: Cluster) -> None:
    info = json.loads(guest.virtctl("guestosinfo", NAME).ok().out)
    assert info["hostname"] == NAME
    assert info["os"]["id"]
    assert {"name": "guest-ping", "enabled": True} in info["supportedCommands"]
    systems = json.loads(guest.virtctl("fslist", NAME).ok().out)
    assert systems["metadata"] == {}
    assert any(each["mountPoint"] == "/" and each["totalBytes"] > 0 for each in systems["items"])
    assert "kind" not in systems
    users = json.loads(guest.virtctl("userlist", NAME).ok().out)
    assert isinstance(users["items"], list)


def test_a_picture_of_the_screen(guest: Cluster, tmp_path: Path) -> None:
    guest.virtctl("vnc", "screenshot", NAME).fails('required flag(s) "file" not set')
    file = tmp_path / "screen.png"
    guest.virtctl("vnc", "screenshot", NAME, "-f", str(file), "--move-cursor").ok()
    picture = file.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])
    assert width >= 640
    assert height >= 400
    colours = pixels(picture)
    assert len(colours) > 1, "a screen with text has more than one colour"
    assert colours.total() == width * height


def test_the_screen_on_a_port(guest: Cluster) -> None:
    with running(guest, "vnc", NAME, "--proxy-only") as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        assert greeting(port, 12) == b"RFB 003.008\n"


def test_the_screen_in_a_viewer(guest: Cluster, tmp_path: Path) -> None:
    """The viewer is one that says what it was given and what greeted it."""
    viewer, seen = tmp_path / "remote-viewer", tmp_path / "seen"
    viewer.write_text(
        f"#!{sys.executable}\nimport socket, sys\nport = int(sys.argv[1].removeprefix('vnc://127.0.0.1:'))\n"
        f"with socket.create_connection(('127.0.0.1', port)) as screen, open({str(seen)!r}, 'wb') as file:\n"
        "    file.write(screen.recv(12))\n"
    )
    viewer.chmod(0o700)
    shown = run("env", f"PATH={tmp_path}", virtctl_path(), "--kubeconfig", guest.kubeconfig, "-n", guest.namespace,
                "vnc", NAME).ok()  # fmt: skip
    assert seen.read_bytes() == b"RFB 003.008\n"
    assert [json.loads(line)["msg"].partition(" in ")[0] for line in shown.err.splitlines()] == [
        "connection timeout: 1m0s", "VNC Client connected",
    ]  # fmt: skip
    nothing = run("env", "PATH=/absent", virtctl_path(), "--kubeconfig", guest.kubeconfig, "-n", guest.namespace,
                  "vnc", NAME)  # fmt: skip
    nothing.fails("error encountered: could not find remote-viewer or vncviewer binary in $PATH")


def test_ports_of_the_guest(guest: Cluster) -> None:
    port = free_port()
    with running(guest, "port-forward", f"vmi/{NAME}", f"{port}:22"):
        assert greeting(port, 8) == b"SSH-2.0-"
        assert greeting(port, 8) == b"SSH-2.0-", "a second connection works as well"


def test_a_port_on_standard_streams(guest: Cluster) -> None:
    with running(guest, "port-forward", "--stdio=true", f"vm/{NAME}/{guest.namespace}", "22") as process:
        assert process.stdout is not None
        assert process.stdout.read(8) == b"SSH-2.0-"


def test_a_console_goes_on_where_it_was_left(guest: Cluster) -> None:
    with console(guest, NAME) as screen:
        screen.log_in()
        screen.command("echo on-the-screen-be''fore")
    with console(guest, NAME) as screen:
        screen.expect("on-the-screen-before")


def test_who_takes_a_console_over_is_told_of(guest: Cluster) -> None:
    with running(guest, "console", NAME) as first:
        assert first.stderr is not None
        assert b"Successfully connected" in first.stderr.readline()
        with console(guest, NAME) as second:
            second.log_in()
            assert first.wait(timeout=120) == 1
            told = "This connection was closed because another client connected."
            assert first.stderr.read().decode().strip() == f"websocket: close 1001 (going away): {told}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["port-forward", "vm/x"], "argument validation failed"),
        (["port-forward", "x", "80"], "target must contain type and name separated by '/'"),
        (["port-forward", "pod/x", "80"], "unsupported resource type 'pod'"),
        (["port-forward", "vm/x", "sctp/80"], "unknown protocol: sctp"),
        (["ssh", "@vm/x"], "expected username before '@'"),
        (["scp", "a", "b"], "none of the two provided locations seems to be a remote location"),
        (["guestosinfo", "nobody"], 'virtualmachineinstance.kubevirt.io "nobody" not found'),
        (["reset", "nobody"], "Error reseting VirtualMachineInstance nobody"),
        (["usbredir", "--no-launch", NAME], f"Can't access VMI {NAME}: Operation cannot be fulfilled"),
        (["usbredir", "1-2", NAME], "Error on finding usbredirect in $PATH"),
        (["console", "nobody", "--timeout", "0"], 'virtualmachineinstance.kubevirt.io "nobody" not found'),
        (["why", "nobody"], 'virtualmachines.kubevirt.io "nobody" not found'),
    ],
)
def test_refusals(guest: Cluster, arguments: list[str], text: str) -> None:
    result = guest.virtctl(*arguments).fails(text)
    assert result.code == 1
    assert "Traceback" not in result.err


def shell(cluster: Cluster, tmp_path: Path, program: str, *arguments: str) -> Result:
    """virtctl ssh or scp with the password typed by a program, as ssh wants it without a terminal."""
    answer = tmp_path / "password"
    answer.write_text("#!/bin/sh\necho gocubsgo\n")
    answer.chmod(0o700)
    known = tmp_path / "known_hosts"
    options = ["-t", "-oStrictHostKeyChecking=no", "-t", f"-oUserKnownHostsFile={known}", "-t", "-oLogLevel=ERROR"]
    environment = {**os.environ, "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    done = subprocess.run(
        [virtctl_path(), "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, program, *options, *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        start_new_session=True,
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


def test_a_secure_shell(guest: Cluster, tmp_path: Path) -> None:
    result = shell(guest, tmp_path, "ssh", f"cirros@vm/{NAME}", "-c", "uname -s; exit 0").ok()
    assert result.out.strip() == "Linux"
    failed = shell(guest, tmp_path, "ssh", f"cirros@vmi/{NAME}", "-c", "exit 7")
    assert (failed.code, failed.err.strip()) == (1, "exit status 7")


def test_files_are_copied_both_ways(guest: Cluster, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(200_000))
    shell(guest, tmp_path, "scp", str(there), f"cirros@vm/{NAME}:/tmp/copied").ok()
    shell(guest, tmp_path, "scp", f"cirros@vmi/{NAME}/{guest.namespace}:/tmp/copied", str(back)).ok()
    assert back.read_bytes() == there.read_bytes()
    lost = shell(guest, tmp_path, "scp", f"cirros@vm/{NAME}:/tmp/absent", str(back))
    assert (lost.code, lost.err.splitlines()[-1]) == (1, "exit status 1")


def put(cluster: Cluster, verb: str, body: str) -> Any:
    """PUT on a sub-resource, as a client of the API does it."""
    config = json.loads(run(cluster.kubectl_path, "--kubeconfig", cluster.kubeconfig, "config", "view", "--raw",
                            "--minify", "-o", "json").ok().out)  # fmt: skip
    assert config["clusters"]
    path = SUBRESOURCE.format(cluster.namespace, NAME, verb)
    return cluster.kubectl("replace", "--raw", path, "-f", "-", stdin=body)


def test_file_systems_are_frozen_and_thaw_by_themselves(guest: Cluster) -> None:
    def status() -> str:
        return str(guest.get("vmi", NAME)["status"].get("fsFreezeStatus", ""))

    put(guest, "freeze", '{"unfreezeTimeout": "soon"}').fails("Can not unmarshal Request body to struct")
    with seen(guest, "vmi", NAME, "{.status.fsFreezeStatus}") as statuses:
        put(guest, "freeze", '{"unfreezeTimeout": "6s"}').ok()
        statuses.becomes("", "frozen", "")
    put(guest, "freeze", "{}").ok()
    eventually("the status to say frozen", lambda: status() == "frozen")
    put(guest, "unfreeze", "{}").ok()
    eventually("the status to be empty", lambda: status() == "")


def test_what_comes_later_says_so(guest: Cluster) -> None:
    put(guest, "usbredir", "{}").fails("MethodNotAllowed")
    put(guest, "sev/setupsession", "{}").fails("Session blob is required")
    listed = guest.kubectl("get", "--raw", "/apis/subresources.kubevirt.io/v1").ok().out
    names = {each["name"] for each in json.loads(listed)["resources"]}
    assert {"virtualmachineinstances/vnc/screenshot", "virtualmachines/migrate", "version"} <= names


def test_why_and_doctor(guest: Cluster) -> None:
    assert "Nothing is waited for: the guest runs on node" in guest.virtctl("why", NAME).ok().out
    lost = vm("lost")
    lost["spec"]["template"]["spec"]["volumes"].append(
        {"name": "data", "persistentVolumeClaim": {"claimName": "nowhere"}}
    )
    lost["spec"]["template"]["spec"]["domain"]["devices"]["disks"].append({"name": "data", "disk": {"bus": "virtio"}})
    guest.apply(as_json(lost)).ok()
    absent = vm("absent")
    absent["spec"]["template"]["spec"]["volumes"][0]["containerDisk"]["image"] = "kubevirt/no-such-image:v0"
    guest.apply(as_json(absent)).ok()

    def told(name: str, *words: str) -> bool:
        out = guest.virtctl("why", f"vm/{name}").ok().out
        assert all(word in out for word in words), out
        return True

    eventually("the missing claim", lambda: told("lost", "PersistentVolumeClaim nowhere: missing", "-> create"))
    eventually("the missing image", lambda: told("absent", "no-such-image:v0: ", "-> "))
    guest.kubectl("delete", "vm", "lost", "absent", "--wait=true").ok()
    report = guest.virtctl("doctor").ok().out
    assert "[ ok ] subresources.kubevirt.io: answers" in report
    assert re.search(r"\[ ok \] node \S+: takes virtual machines", report)


def test_what_the_guest_uses(guest: Cluster) -> None:
    """Live, until the user leaves: here as soon as there are two readings."""
    titles = re.compile(r"NAME +NODE +CPU +MEMORY +DISK READ  WRITE +NETWORK IN  OUT *")
    figures = re.compile(rf"{NAME} +\S+ +\d\.\d\d / 1 +[\d.]+ MiB / 96 MiB +[\d.]+ \w+/s  [\d.]+ \w+/s +.*/s *")
    shown = guest.virtctl("top", "vm", NAME, "--interval", "200ms").ok().out.splitlines()
    assert titles.fullmatch(shown[0]), shown
    assert figures.fullmatch(shown[1]), shown
    with running(guest, "top", "vmi", "--watch", "--interval", "100ms", "-o", "json") as process:
        assert process.stdout is not None
        readings = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [[row["name"] for row in rows] for rows in readings] == [[NAME], [NAME]]
    assert all(row["memoryUsedBytes"] > 0 for rows in readings for row in rows)


def test_an_evacuation_is_called_off(guest: Cluster) -> None:
    """A node is drained, the machine is to leave it, and its owner wants it to stay."""
    for words, what in ((["vm", NAME], "VM"), (["vmi", NAME], "VMI")):
        guest.evict(NAME).fails(f'Eviction triggered evacuation of VMI "{guest.namespace}/{NAME}"')
        marked = guest.get("vmi", NAME)["status"]
        assert marked["evacuationNodeName"] == marked["nodeName"]
        told = f"{what} {guest.namespace}/{NAME} was canceled evacuation\n"
        assert guest.virtctl("evacuate-cancel", *words, "--dry-run").ok().out == f"Dry Run execution\n{told}"
        assert guest.get("vmi", NAME)["status"]["evacuationNodeName"] == marked["nodeName"]
        assert guest.virtctl("evacuate-cancel", *words).ok().out == told
        assert "evacuationNodeName" not in guest.get("vmi", NAME)["status"]
    assert "deletionTimestamp" not in guest.launcher_pods(NAME)[0]["metadata"]
    absent = f"error retrieving VMI for evacuation cancel for VMI {guest.namespace}/nobody: "
    guest.virtctl("evacuate-cancel", "vmi", "nobody").fails(absent)
    guest.virtctl("evacuate-cancel", "pod", NAME).fails('unsupported resource type "pod"')


def test_soft_reboot_and_reset(guest: Cluster) -> None:
    """Last, since the guest starts anew twice. The instance stays the same one."""
    uid = guest.get("vmi", NAME)["metadata"]["uid"]
    with console(guest, NAME) as screen:
        screen.log_in()
        rebooted = guest.virtctl("soft-reboot", NAME).ok()
        assert rebooted.out == f"VMI {NAME} was scheduled to soft-reboot\n"
        assert json.loads(rebooted.err)["msg"] == "SoftReboot VMI"
        screen.expect("login: ")
        assert guest.virtctl("reset", NAME).ok().out == f"VMI {NAME} was scheduled to reset\n"
        screen.expect("login: ")
    assert guest.get("vmi", NAME)["metadata"]["uid"] == uid
