"""`virtctl why` about machines that do not come up on a real cluster, each for another reason: the end of the chain
names the reason and what to do. No guest ever runs here; one that does is in test_verbs.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json

pytestmark = pytest.mark.e2e


def machine(name: str, *volumes: dict[str, Any], memory: str = "32Mi", strategy: str = "Always", **spec: Any
            ) -> dict[str, Any]:
    """A small machine, which its volumes, size or placement keep from starting."""
    interface = {"name": "default", "masquerade": {}}
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name},
        "spec": {
            "runStrategy": strategy,
            "template": {
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "domain": {"memory": {"guest": memory}, "devices": {"interfaces": [interface]}},
                    "networks": [{"name": "default", "pod": {}}],
                    "volumes": list(volumes),
                    **spec,
                }
            },
        },
    }


BROKEN = {
    "no-image": (machine("no-image", {"name": "d", "containerDisk": {"image": "kubevirt/no-such-image:v0"}}),
                 ["└─ Image ", "no-such-image:v0: ", "-> "]),
    "no-claim": (machine("no-claim", {"name": "d", "persistentVolumeClaim": {"claimName": "nowhere"}}),
                 ["PersistentVolumeClaim nowhere: missing", "-> create the claim nowhere in namespace"]),
    "no-class": (machine("no-class", {"name": "d", "persistentVolumeClaim": {"claimName": "classless"}}),
                 ["PersistentVolumeClaim classless: Pending", "-> create that storage class"]),
    "no-secret": (machine("no-secret", {"name": "c", "cloudInitNoCloud": {"secretRef": {"name": "nowhere"}}}),
                  ['secret "nowhere" not found', "-> create the secret"]),
    "no-node": (machine("no-node", nodeSelector={"such": "label"}),
                ["Unschedulable", "no node has the label such=label: give it to one"]),
    "no-room": (machine("no-room", memory="900Gi"), ["Insufficient memory", "-> ask for less memory"]),
    "not-asked": (machine("not-asked", strategy="Manual"),
                  ["its run strategy is Manual", "-> virtctl start not-asked -n "]),
}  # fmt: skip


@pytest.fixture(scope="module")
def broken(namespace: Cluster) -> Cluster:
    """All of them at once."""
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "classless"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "no-such-class",
        "resources": {"requests": {"storage": "1Mi"}}}}  # fmt: skip
    namespace.apply(as_json(claim)).ok()
    for manifest, _ in BROKEN.values():
        namespace.apply(as_json(manifest)).ok()
    return namespace


def told(cluster: Cluster, name: str, *words: str) -> str:
    """The chain, once it says all of this."""

    def probe() -> str:
        out = cluster.virtctl("why", f"vm/{name}").ok().out
        assert all(word in out for word in words), out
        return out

    return eventually(f"why {name} says {words}", probe)


@pytest.mark.parametrize("name", BROKEN)
def test_the_reason_and_what_to_do(broken: Cluster, name: str) -> None:
    out = told(broken, name, *BROKEN[name][1])
    advice = [line for line in out.splitlines() if line.strip().startswith("-> ")]
    assert len(advice) == 1, f"one thing to do, at the end:\n{out}"
    assert out.splitlines()[-1] == advice[0]


@pytest.fixture
def strict(admin: Cluster) -> Iterator[Cluster]:
    """A namespace that takes no pods with a quota, or none of our kind."""
    name = "virtctl-why-strict"
    admin.kubectl("create", "namespace", name).ok()
    yield admin.in_namespace(name)
    admin.kubectl("delete", "namespace", name).ok()


def test_a_namespace_that_takes_no_pod(strict: Cluster) -> None:
    strict.kubectl("label", "namespace", strict.namespace, "pod-security.kubernetes.io/enforce=restricted").ok()
    strict.apply(as_json(machine("secure"))).ok()
    told(strict, "secure", "violates PodSecurity", "pod-security.kubernetes.io/enforce=")
    strict.kubectl("delete", "vm", "secure").ok()
    strict.kubectl("label", "namespace", strict.namespace, "pod-security.kubernetes.io/enforce-").ok()
    strict.kubectl("create", "quota", "none", "--hard=pods=0").ok()
    strict.apply(as_json(machine("poor"))).ok()
    told(strict, "poor", "exceeded quota: none", f"kubectl -n {strict.namespace} describe quota")


def test_a_machine_that_does_not_exist(broken: Cluster) -> None:
    gone = broken.virtctl("why", "nobody").fails('virtualmachines.kubevirt.io "nobody" not found')
    assert gone.code == 1


def test_clusters_and_users_that_will_not_do(broken: Cluster) -> None:
    """One line that says what is wrong, and exit code 1."""
    config = json.loads(broken.kubectl("config", "view", "-o", "json", "--minify").ok().out)
    context = config["current-context"]
    for arguments, text in (
        (["--context", "elsewhere"], f'context "elsewhere" does not exist; contexts of the kubeconfig: {context}'),
        (["--server", "https://127.0.0.1:1"], "no answer from the API server https://127.0.0.1:1"),
        (["--as", "nobody"], 'User "nobody" cannot'),
        (["--kubeconfig", "/absent"], "stat /absent: no such file or directory"),
    ):
        result = broken.virtctl("start", "not-asked", *arguments).fails(text)
        assert (result.code, result.out) == (1, "")
        assert "Traceback" not in result.err
