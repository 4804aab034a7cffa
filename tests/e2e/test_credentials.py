"""Access credentials: a key that comes with cloud-init lets in, and so does one that the guest's agent brings at run
time, after its secret has changed; passwords too. A probe over the network says when the guest answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.e2e.harness import Cluster, Result, eventually
from tests.e2e.manifests import as_json, vmi

pytestmark = pytest.mark.e2e
NAME = "locked"
USER_DATA = "#cloud-config\nusers:\n- default\n- name: ann\n  plain_text_passwd: first\n"


def make_key(directory: Path, name: str) -> str:
    """Writes a private key as ssh wants it; returns the public one."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH,
                                serialization.NoEncryption())
    file = directory / name
    file.touch(0o600)
    file.write_bytes(private)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{public.decode()} {name}"


def secret(name: str, **values: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values})


def keys_of(name: str, **method: Any) -> dict[str, Any]:
    return {"sshPublicKey": {"source": {"secret": {"secretName": name}}, "propagationMethod": method}}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def guest(namespace: Cluster, keys: Path) -> Cluster:
    """A running machine whose ssh server answers, as its readiness probe says."""
    namespace.apply(secret("boot-key", key=make_key(keys, "boot"))).ok()
    namespace.apply(secret("agent-key", key=make_key(keys, "early"))).ok()
    namespace.apply(secret("passwords", ann="second")).ok()
    manifest = vmi(NAME)
    spec = manifest["spec"]
    spec["terminationGracePeriodSeconds"] = 0
    spec["volumes"].append({"name": "seed", "cloudInitNoCloud": {"userData": USER_DATA}})
    spec["domain"]["devices"]["disks"].append({"name": "seed", "disk": {"bus": "virtio"}})
    spec["readinessProbe"] = {"tcpSocket": {"port": 22}, "periodSeconds": 1}
    spec["accessCredentials"] = [
        keys_of("boot-key", noCloud={}),
        keys_of("agent-key", qemuGuestAgent={"users": ["ann"]}),
        {"userPassword": {"source": {"secret": {"secretName": "passwords"}},
                          "propagationMethod": {"qemuGuestAgent": {}}}},
    ]
    namespace.apply(as_json(manifest)).ok()
    namespace.kubectl("wait", f"vmi/{NAME}", "--for=condition=Ready", "--timeout=240s").ok()
    return namespace


def ssh(guest: Cluster, user: str, key: Path, command: str) -> Result:
    """virtctl ssh with nothing but this key."""
    options = ["-oBatchMode=yes", "-oIdentitiesOnly=yes", "-oStrictHostKeyChecking=no",
               "-oUserKnownHostsFile=/dev/null"]
    return guest.virtctl("ssh", f"{user}@vmi/{NAME}", "-i", str(key), "-c", command,
                         *(word for option in options for word in ("-t", option)))


def test_a_key_on_the_cloud_init_disk_lets_in(guest: Cluster, keys: Path) -> None:
    assert "cirros" in ssh(guest, "cirros", keys / "boot", "id -un").ok().out
    is_refused(guest, "cirros", keys / "early")


def is_refused(guest: Cluster, user: str, key: Path) -> None:
    """The guest's own word; a connection that fails for another reason says nothing about keys."""
    denied = "Permission denied"
    eventually(f"the guest to refuse {key.name}", lambda: ssh(guest, user, key, "id -un").fails(denied))


def synchronized(guest: Cluster) -> bool:
    (found,) = [c for c in guest.get("vmi", NAME)["status"]["conditions"]
                if c["type"] == "AccessCredentialsSynchronized"]
    assert found["status"] == "True", found
    return True


def test_the_agent_brings_keys_and_passwords(guest: Cluster, keys: Path) -> None:
    eventually("the credentials to be in the guest", lambda: synchronized(guest))
    assert "ann" in ssh(guest, "ann", keys / "early", "id -un").ok().out
    guest.wait_events(NAME, "VirtualMachineInstance",
                      ("AccessCredentialsSyncSuccess", "Access credentials sync successful."))
    for password, expected in (("first", 1), ("second", 0)):
        tried = ssh(guest, "cirros", keys / "boot", f"printf '{password}\\n' | su ann -c id")
        assert tried.code == expected, tried


def test_a_key_that_is_changed_at_run_time(guest: Cluster, keys: Path) -> None:
    guest.apply(secret("agent-key", key=make_key(keys, "late"))).ok()
    (pod,) = guest.launcher_pods(NAME)
    # The kubelet looks at mounted secrets about once a minute, and whenever the pod changes.
    guest.kubectl("annotate", "pod", pod["metadata"]["name"], "test/look=now").ok()
    eventually("the new key to let in", lambda: ssh(guest, "ann", keys / "late", "id -un").code == 0)
    is_refused(guest, "ann", keys / "early")


def test_an_agent_without_commands_for_keys(guest: Cluster, keys: Path) -> None:
    """As agents before QEMU 5.2 were: a shell of the guest writes the keys then."""
    commands = ",".join(f"guest-ssh-{verb}-authorized-keys" for verb in ("get", "add", "remove"))
    begin_anew = (
        "PATH=$PATH:/usr/sbin:/sbin; pid=$(cat /run/qemu-ga.pid); kill $pid; "
        "while kill -0 $pid 2>/dev/null; do usleep 100000; done; "
        "rm /home/ann/.ssh/authorized_keys; for port in /sys/class/virtio-ports/*; do "
        "[ $(cat $port/name) = org.qemu.guest_agent.0 ] && break; done; "
        f"qemu-ga -m virtio-serial -p /dev/${{port##*/}} -d -f /run/qemu-ga.pid -t /run -b {commands} && echo begun"
    )
    assert "begun" in ssh(guest, "cirros", keys / "boot", f"sudo sh -c '{begin_anew}'").ok().out
    eventually("the key to let in again", lambda: ssh(guest, "ann", keys / "late", "id -un").code == 0)
    owner = ssh(guest, "ann", keys / "late", "stat -c %U:%a .ssh/authorized_keys").ok().out
    assert owner.strip() == "ann:600"
    assert synchronized(guest)
