"""What a machine's TPM and UEFI firmware have stored is there again after a restart, and goes with the machine.

The firmware of a guest writes its variables and the TPM is made at the first start; it is enough to see that neither is
made anew. That such variables are those that the guest reads again needs a guest that boots, which takes a minute.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Cluster
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
VM = "keeper"
STATE = "/var/run/kubevirt-state"
VARIABLES, AUTHORITY = f"{STATE}/nvram/{VM}_VARS.fd", f"{STATE}/swtpm-localca/issuercert.pem"
WRITTEN_BY_SETUP = "/var/run/kubevirt-private/swtpm_setup.conf"
"""Only there when a TPM was made in this pod."""


def manifest() -> dict[str, Any]:
    found = vm(VM)
    spec = found["spec"]["template"]["spec"]
    spec["volumes"], spec["domain"]["devices"]["disks"] = [], []
    spec["domain"]["devices"]["tpm"] = {"persistent": True}
    spec["domain"]["firmware"] = {"bootloader": {"efi": {"secureBoot": False, "persistent": True}}}
    spec["terminationGracePeriodSeconds"] = 0
    return found


def in_pod(cluster: Cluster, *command: str) -> tuple[int, str]:
    (pod,) = [p for p in cluster.launcher_pods(VM) if "deletionTimestamp" not in p["metadata"]]
    done = cluster.kubectl("exec", pod["metadata"]["name"], "-c", "compute", "--", *command)
    return done.code, done.out.strip()


def test_state_outlives_the_run_and_not_the_machine(namespace: Cluster) -> None:
    namespace.apply(as_json(manifest())).ok()
    instance = namespace.wait_phase(VM, "Running")
    (claim,) = namespace.objects("pvc", "-l", f"persistent-state-for={VM}")
    name, owner = claim["metadata"]["name"], claim["metadata"]["ownerReferences"][0]
    assert name.startswith(f"persistent-state-for-{VM}-")
    assert (owner["kind"], owner["name"], owner["controller"]) == ("VirtualMachine", VM, True)
    told = instance["status"]["volumeStatus"]
    assert [(v["name"], v["persistentVolumeClaimInfo"]["claimName"]) for v in told] == [
        ("persistent-state-for-this-vm", name)]
    uid = instance["spec"]["domain"]["firmware"]["uuid"]
    assert in_pod(namespace, "ls", f"{STATE}/swtpm/{uid}/tpm2/tpm2-00.permall")[0] == 0
    assert in_pod(namespace, "cat", WRITTEN_BY_SETUP)[0] == 0
    file, certificate = in_pod(namespace, "stat", "-c", "%i", VARIABLES)[1], in_pod(namespace, "cat", AUTHORITY)[1]
    assert "CERTIFICATE" in certificate

    namespace.virtctl("restart", VM).ok()
    namespace.wait_phase(VM, "Running", not_uid=instance["metadata"]["uid"])
    assert in_pod(namespace, "cat", AUTHORITY)[1] == certificate
    assert in_pod(namespace, "stat", "-c", "%i", VARIABLES)[1] == file
    assert in_pod(namespace, "cat", WRITTEN_BY_SETUP)[0] != 0, "the TPM was made anew"

    namespace.kubectl("delete", "vm", VM).ok()
    namespace.wait_gone("pvc", name)
