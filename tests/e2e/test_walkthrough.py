"""The user guide's way through a virtual machine's life, in the guide's order, as a user sees it.

Each test goes on where the one before it ended: the machine made in the first is stopped, deleted, adopted and removed
in the later ones. What is refused, and what happens when programs die, are `test_refusals` and `test_faults`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e import machine
from tests.e2e.conftest import EXAMPLES
from tests.e2e.harness import Cluster, console, eventually, seen

pytestmark = pytest.mark.e2e
NAMESPACE = "default"
VM = "vm-cirros"
STOP = '{"spec":{"running":false}}'
START = '{"spec":{"running":true}}'


@pytest.fixture(scope="module")
def cluster(admin: Cluster) -> Cluster:
    """The administrator in the default namespace, as in the guide."""
    leftovers = [kind for kind in ("vm", "vmi") if admin.get(kind, VM)]
    assert not leftovers, f"{leftovers} {VM} is there already; delete it before running the walk-through"
    return admin


def vmi_uid(cluster: Cluster) -> str:
    """The uid of the present instance."""
    return str(cluster.get("vmi", VM)["metadata"]["uid"])


def revisions(cluster: Cluster) -> list[str]:
    """The copies of the machine that its instances were made of, and any that have no owner."""
    found = [r["metadata"] for r in cluster.objects("controllerrevisions")]
    return [m["name"] for m in found if all(o["name"] == VM for o in m.get("ownerReferences", []))]


def test_creating_a_stopped_machine_creates_no_instance(cluster: Cluster) -> None:
    cluster.kubectl("create", "-f", str(EXAMPLES / "vm-cirros.yaml")).ok()
    assert cluster.kubectl("get", "vmis").ok().err.strip() == "No resources found in default namespace."
    cluster.wait_status(VM, "Stopped")
    assert cluster.launcher_pods(VM) == []


def test_virtctl_start_brings_it_from_starting_to_running(cluster: Cluster) -> None:
    with seen(cluster, "vm", VM, "{.status.printableStatus}") as statuses:
        started = cluster.virtctl("start", "vm", VM).ok()
        assert started.out == "VM vm-cirros was scheduled to start\n"
        statuses.becomes("Stopped", "Starting", "Running")
    assert cluster.get("vm", VM)["status"]["created"] is True
    assert len(revisions(cluster)) == 1
    eventually("the VM to be ready", lambda: cluster.get("vm", VM)["status"].get("ready"))
    header, row = cluster.kubectl("get", "virtualmachines", VM).ok().out.splitlines()
    assert header.split() == ["NAME", "AGE", "STATUS", "READY"]
    assert row.split()[0] == VM
    assert row.split()[2:] == ["Running", "True"]


def test_describe_tells_the_story(cluster: Cluster) -> None:
    eventually(
        "the VM's SuccessfulCreate event",
        lambda: [
            e
            for e in cluster.events(VM, "VirtualMachine")
            if e[:2] == ("virtualmachine-controller", "SuccessfulCreate")
        ],
    )
    described = cluster.kubectl("describe", "vm", VM).ok().out
    assert re.search(r"SuccessfulCreate.*virtualmachine-controller.*Started the virtual machine by creating", described)

    def told() -> bool:
        text = cluster.kubectl("describe", "vmi", VM).ok().out
        assert "VirtualMachineInstance defined." in text and "VirtualMachineInstance started." in text
        return True

    eventually("Created and Started in the instance's description", told)


def test_an_instance_without_kvm_says_so(cluster: Cluster) -> None:
    conditions = {c["type"]: c for c in cluster.get("vmi", VM)["status"]["conditions"]}
    (qemu,) = machine.qemu_of("default", VM)
    assert ("SoftwareEmulation" in conditions) == ("-accel tcg" in qemu.command)


def test_console_shows_the_boot_and_takes_a_login(cluster: Cluster) -> None:
    with console(cluster, VM) as guest:
        guest.log_in()
        printed = guest.command("sudo cat /var/log/cloud-init-output.log")
        assert "printed from cloud-init userdata" in printed
        assert guest.close() == 0


def test_the_launcher_is_unprivileged(cluster: Cluster) -> None:
    (pod,) = cluster.launcher_pods(VM)
    for container in pod["spec"]["containers"]:
        rights = container["securityContext"]
        assert rights.get("privileged") is not True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"]["drop"] == ["ALL"]
    assert pod["spec"]["securityContext"]["runAsUser"] == 107
    (qemu,) = machine.qemu_of("default", VM)
    lines = Path(f"/proc/{qemu.pid}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["Uid"].split()[0] == "107"
    assert int(status["CapEff"], 16) == 0


def test_guest_and_pods_reach_each_other(cluster: Cluster) -> None:
    exposed = cluster.virtctl(
        "expose", "virtualmachine", VM, "--name", "vmiservice", "--port", "27017", "--target-port", "22"
    ).ok()
    assert exposed.out == f"Service vmiservice successfully created for virtualmachine {VM}\n"
    cluster.apply(WEB_POD).ok()
    cluster.kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=240s").ok()
    address = cluster.get("pod", "web")["status"]["podIP"]
    with console(cluster, VM) as guest:
        guest.log_in()
        assert "hello from a pod" in guest.command(f"wget -q -O - http://{address}:8080/")
        assert "10.96.0.1" in guest.command("nslookup kubernetes.default.svc.cluster.local")

    def banner() -> bool:
        said = cluster.kubectl("exec", "web", "--", "sh", "-c", "sleep 2 | nc -w 3 vmiservice 27017").ok()
        assert said.out.startswith("SSH-2.0-"), said
        return True

    eventually("the guest's ssh server to answer through the Service", banner)


def test_ssh_into_the_guest_through_the_service(cluster: Cluster) -> None:
    service = cluster.get("service", "vmiservice")["spec"]["clusterIP"]
    pod = cluster.apply(SSH_POD.format(address=service))
    pod.ok()
    cluster.kubectl("wait", "pod/ssh-client", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=240s").ok()
    assert "Linux" in cluster.kubectl("logs", "ssh-client").ok().out


def test_a_deployment_of_plain_pods_runs_beside(cluster: Cluster) -> None:
    cluster.kubectl(
        "create", "deployment", "plain", "--image=localkube/busybox:latest", "--replicas=3", "--", "sleep", "3600"
    ).ok()
    cluster.kubectl("rollout", "status", "deployment/plain", "--timeout=240s").ok()
    cluster.kubectl(
        "delete", "deployment/plain", "pod/web", "pod/ssh-client", "service/vmiservice", "--grace-period=1"
    ).ok()


def test_patching_running_false_shuts_the_guest_down(cluster: Cluster) -> None:
    with console(cluster, VM) as guest:
        cluster.kubectl("patch", "virtualmachine", VM, "--type", "merge", "-p", STOP).ok()
        guest.expect(r"[Pp]ower(ing)? (down|off)|The system is going down|reboot: Power down")
    cluster.wait_gone("vmi", VM)
    cluster.wait_status(VM, "Stopped")
    cluster.wait_events(VM, "VirtualMachineInstance", ("ShuttingDown", ""))
    eventually("its pod to be gone", lambda: cluster.launcher_pods(VM) == [])


def test_patching_running_true_starts_it(cluster: Cluster) -> None:
    cluster.kubectl("patch", "virtualmachine", VM, "--type", "merge", "-p", START).ok()
    cluster.wait_status(VM, "Running")


def test_deleting_the_instance_makes_a_new_one_of_the_changed_template(cluster: Cluster) -> None:
    before = cluster.get("vmi", VM)
    change = {"spec": {"template": {"metadata": {"labels": {"changed": "yes"}}}}}
    cluster.kubectl("patch", "vm", VM, "--type", "merge", "-p", json.dumps(change)).ok()
    cluster.kubectl("delete", "vmi", VM, "--wait=false").ok()
    most_alive = 0

    def renewed() -> bool:
        nonlocal most_alive
        alive = [p for p in cluster.launcher_pods(VM) if p["status"].get("phase") in ("Pending", "Running")]
        most_alive = max(most_alive, len([p for p in alive if "deletionTimestamp" not in p["metadata"]]))
        now = cluster.get("vmi", VM)
        return (
            bool(now)
            and now["metadata"]["uid"] != before["metadata"]["uid"]
            and now["status"].get("phase") == "Running"
        )

    eventually("a new instance to run", renewed)
    after = cluster.get("vmi", VM)
    assert most_alive <= 1, "two launcher pods of one VM were alive"
    assert after["metadata"]["labels"]["changed"] == "yes"
    assert after["spec"]["domain"]["firmware"]["uuid"] == before["spec"]["domain"]["firmware"]["uuid"]


def test_virtctl_restart_and_forced_restart(cluster: Cluster) -> None:
    before = vmi_uid(cluster)
    assert cluster.virtctl("restart", VM).ok().out == f"VM {VM} was scheduled to restart\n"
    cluster.wait_phase(VM, "Running", not_uid=before)
    before = vmi_uid(cluster)
    cluster.virtctl("restart", "vm", VM, "--force", "--grace-period=0").ok()
    cluster.wait_phase(VM, "Running", not_uid=before)


def test_pause_and_unpause(cluster: Cluster) -> None:
    cluster.wait_status(VM, "Running")
    cluster.virtctl("pause", "vm", VM).ok()
    cluster.wait_status(VM, "Paused")
    cluster.virtctl("pause", "vm", VM).fails("already paused")
    cluster.virtctl("unpause", f"vm/{VM}").ok()
    cluster.wait_status(VM, "Running")


def test_a_guest_that_powers_itself_off_is_brought_back(cluster: Cluster) -> None:
    before = vmi_uid(cluster)
    with console(cluster, VM) as guest:
        guest.log_in()
        guest.type("sudo poweroff\n")
        cluster.wait_phase(VM, "Running", not_uid=before)


def test_orphaned_instance_runs_on_and_is_adopted(cluster: Cluster) -> None:
    uid = vmi_uid(cluster)
    vm = cluster.get("vm", VM)
    cluster.kubectl("delete", "vm", VM, "--cascade=orphan", "--timeout=240s").ok()
    assert cluster.get("vmi", VM)["status"]["phase"] == "Running"
    assert not cluster.get("vmi", VM)["metadata"].get("ownerReferences")
    manifest = {k: vm[k] for k in ("apiVersion", "kind", "spec")} | {
        "metadata": {"name": VM, "labels": vm["metadata"]["labels"]}
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifest)).ok()

    def adopted() -> bool:
        owners = cluster.get("vmi", VM)["metadata"].get("ownerReferences", [])
        return [o["uid"] for o in owners] == [cluster.get("vm", VM)["metadata"]["uid"]]

    eventually("the instance to be adopted", adopted)
    assert vmi_uid(cluster) == uid
    cluster.wait_status(VM, "Running")

    def has_its_revision() -> bool:
        started_as = cluster.get("vmi", VM)["status"]["virtualMachineRevisionName"]
        owners = cluster.get("controllerrevision", started_as)["metadata"].get("ownerReferences", [])
        return [o["uid"] for o in owners] == [cluster.get("vm", VM)["metadata"]["uid"]]

    eventually("what the instance was started from to follow it", has_its_revision)


def test_plain_delete_leaves_nothing(cluster: Cluster) -> None:
    (pod,) = [p for p in cluster.launcher_pods(VM) if p["status"]["phase"] == "Running"]
    cluster.kubectl("delete", "vm", VM, "--timeout=240s").ok()
    cluster.wait_gone("vmi", VM)
    eventually("its pods to be gone", lambda: cluster.launcher_pods(VM) == [])
    eventually("its processes to be gone", lambda: not machine.qemu_of("default", VM))
    eventually("its mounts to be gone", lambda: not machine.mounts_of_pod(pod["metadata"]["uid"]))
    eventually("its revisions to be gone", lambda: not revisions(cluster))


WEB_POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: localkube/busybox:latest
      command:
        - sh
        - -c
        - mkdir -p /tmp/www && echo hello from a pod >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www
"""

SSH_POD = """
apiVersion: v1
kind: Pod
metadata: {{name: ssh-client}}
spec:
  restartPolicy: OnFailure
  containers:
    - name: ssh
      image: localkube/busybox:latest
      env: [{{name: DROPBEAR_PASSWORD, value: gocubsgo}}]
      command: [dbclient, -y, -p, "27017", "cirros@{address}", uname -a]
"""
