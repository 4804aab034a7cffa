"""The installed objects: rights (what each program may not do, above all), pods, webhooks, and their labels."""

import re

import pytest
import yaml
from click.testing import CliRunner

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.crds import custom_resource_definitions
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.client import Client
from kubevirt.virt_api.kind_webhooks import KindWebhooks
from kubevirt.virt_api.pod_webhooks import PodWebhooks
from kubevirt.virt_api.vm_webhooks import VmWebhooks
from kubevirt.virt_api.webhooks import Webhooks
from kubevirt.virt_operator import objects
from kubevirt.virt_operator.__main__ import main
from kubevirt.virt_operator.endpoints import MUTATING, VALIDATING, webhook_configurations
from kubevirt.virt_operator.kinds import resource_of
from kubevirt.virt_operator.rbac import ACCOUNTS
from kubevirt.virt_operator.rights import Account
from kubevirt.virt_operator.settings import Installation, installation_for
from kubevirt.virt_operator.user_roles import user_role_objects
from kubevirt.virt_operator.workloads import controller_deployment, handler_daemonset, workload_objects

Right = tuple[str, str, str]


def rights(rules: Json) -> set[Right]:
    """(group, resource, verb) of all rules."""
    found: set[Right] = set()
    for rule in rules if isinstance(rules, list) else []:
        groups, resources, verbs = (dig(rule, key) for key in ("apiGroups", "resources", "verbs"))
        assert isinstance(groups, list)
        assert isinstance(resources, list)
        assert isinstance(verbs, list)
        found |= {(str(g), str(r), str(v)) for g in groups for r in resources for v in verbs}
    return found


def role(name: str) -> set[Right]:
    (found,) = (o for o in user_role_objects() if o["kind"] == "ClusterRole" and dig(o, "metadata", "name") == name)
    return rights(found["rules"])


SUB = "subresources.kubevirt.io"


@pytest.mark.parametrize(("right", "admin", "edit", "view"), [
    pytest.param((SUB, "virtualmachineinstances/console", "get"), True, True, False, id="console"),
    pytest.param((SUB, "virtualmachineinstances/vnc/screenshot", "get"), True, False, False, id="screenshot"),
    pytest.param((SUB, "virtualmachineinstances/guestosinfo", "get"), True, True, True, id="guest information"),
    pytest.param((SUB, "virtualmachines/start", "update"), True, True, False, id="start"),
    pytest.param((SUB, "virtualmachines/portforward", "get"), True, True, False, id="port forwarding"),
    pytest.param((SUB, "virtualmachines/migrate", "update"), False, False, False, id="migration is a role of its own"),
    pytest.param((SUB, "expand-vm-spec", "update"), True, True, True, id="expand"),
    pytest.param(("kubevirt.io", "virtualmachines", "create"), True, True, False, id="create"),
    pytest.param(("kubevirt.io", "virtualmachines", "deletecollection"), True, False, False, id="delete all"),
    pytest.param(("kubevirt.io", "virtualmachines", "watch"), True, True, True, id="watch"),
    pytest.param(("kubevirt.io", "virtualmachineinstancemigrations", "create"), False, False, False, id="migrate"),
    pytest.param(("kubevirt.io", "kubevirts", "update"), False, False, False, id="the installation"),
    pytest.param(("kubevirt.io", "kubevirts", "list"), False, True, True, id="seeing the installation"),
])
def test_what_users_may(right: Right, admin: bool, edit: bool, view: bool) -> None:
    answers = tuple(right in role(f"kubevirt.io:{name}") for name in ("admin", "edit", "view"))
    assert answers == (admin, edit, view)


def test_user_roles_are_aggregated_to_kubernetes_own() -> None:
    labels = {str(dig(o, "metadata", "name")): dig(o, "metadata", "labels") for o in user_role_objects()
              if o["kind"] == "ClusterRole"}
    for name in ("admin", "edit", "view"):
        assert labels[f"kubevirt.io:{name}"] == {
            "kubevirt.io": "", f"rbac.authorization.k8s.io/aggregate-to-{name}": "true"}


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
def test_no_program_may_do_everything_or_read_secrets(account: Account) -> None:
    given = {atom for right in (*account.cluster, *account.own_namespace) for atom in right.atoms}
    assert given
    assert not [right for right in given if "*" in right]
    dangerous = ("secrets", "pods/exec", "serviceaccounts/token", "nodes/proxy")
    assert not [right for right in given if right[1] in dangerous]
    assert not [right for right in given if right[0] == "rbac.authorization.k8s.io"]


def test_only_the_controller_makes_pods_and_nobody_deletes_machines_but_it() -> None:
    def having(atom: Right) -> set[str]:
        return {a.name for a in ACCOUNTS if any(atom in right.atoms for right in a.cluster)}

    makers = having(("", "pods", "create"))
    enders = having(("kubevirt.io", "virtualmachineinstances", "delete"))
    assert makers == {"kubevirt-controller"}
    assert enders == {"kubevirt-controller"}


def test_no_program_names_a_port_twice() -> None:
    for workload in workload_objects(Installation()):
        ports = dig(workload, "spec", "template", "spec", "containers", 0, "ports")
        assert isinstance(ports, list)
        numbers = [dig(port, "containerPort") for port in ports]
        assert len(set(map(str, numbers))) == len(numbers)  # what the API server calls duplicate keys


def test_only_the_handler_is_privileged() -> None:
    privileged = {
        str(dig(o, "metadata", "name")): bool(dig(o, "spec", "template", "spec", "containers", 0, "securityContext",
                                                  "privileged"))
        for o in workload_objects(Installation())
    }
    assert privileged == {"virt-api": False, "virt-controller": False, "virt-handler": True}


def test_choices_reach_the_pods() -> None:
    kubevirt = codec.convert({
        "metadata": {"name": "kubevirt", "namespace": "ns"},
        "spec": {
            "imagePullPolicy": "Always", "imagePullSecrets": [{"name": "pull"}],
            "infra": {"replicas": 3, "nodePlacement": {"nodeSelector": {"infra": "yes", "kubernetes.io/os": "x"},
                                                       "tolerations": [{"key": "k", "operator": "Exists"}]}},
            "workloads": {"nodePlacement": {"nodeSelector": {"workload": "yes"}}},
            "certificateRotateStrategy": {"selfSigned": {"server": {"duration": "12h", "renewBefore": "1h"}}},
        },
    }, KubeVirt)
    installation = installation_for(kubevirt, image="r.example/virt:1", namespace="ns")
    controller, handler = controller_deployment(installation), handler_daemonset(installation)
    pod = dig(controller, "spec", "template", "spec")
    assert dig(controller, "spec", "replicas") == 3
    assert dig(pod, "nodeSelector") == {"infra": "yes", "kubernetes.io/os": "linux"}
    assert {"key": "k", "operator": "Exists"} in dig(pod, "tolerations")  # type: ignore[operator]  # a list here
    assert dig(pod, "imagePullSecrets") == [{"name": "pull"}]
    container = dig(pod, "containers", 0)
    assert (dig(container, "image"), dig(container, "imagePullPolicy")) == ("r.example/virt:1", "Always")
    # JSON as far as mypy knows: here it is a list.
    assert {"name": "LAUNCHER_IMAGE", "value": "r.example/virt:1"} in dig(container, "env")  # type: ignore[operator]
    assert dig(handler, "spec", "template", "spec", "nodeSelector", "workload") == "yes"
    assert installation.server_lifetime.renew_before.total_seconds() == 3600


def printed(*arguments: str) -> list[JsonObject]:
    result = CliRunner().invoke(main, ["manifests", *arguments])
    assert result.exit_code == 0, result.output
    return list(yaml.load_all(result.stdout, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def test_manifests_are_whole_labelled_and_in_an_order_that_can_be_applied() -> None:
    documents = printed("--image", "r.example/virt:1", "--namespace", "vms")
    kinds = [str(d["kind"]) for d in documents]
    assert kinds.index("Namespace") == 0
    assert kinds.index("CustomResourceDefinition") < kinds.index("KubeVirt")
    assert kinds.index("Secret") < kinds.index("Deployment")
    for document in documents:
        resource = resource_of(document)
        if resource.namespaced:
            assert dig(document, "metadata", "namespace") in ("vms", "kube-system")
        if document["kind"] != "KubeVirt":
            assert dig(document, "metadata", "labels", "app.kubernetes.io/managed-by") == "virt-operator"


def test_every_webhook_fails_closed_in_reasonable_time_and_has_no_side_effects() -> None:
    hooks: list[Json] = []
    for configuration in webhook_configurations("kubevirt", b""):
        hooks += configuration["webhooks"]  # type: ignore[arg-type]  # a list here
    assert len({dig(hook, "name") for hook in hooks}) == len(hooks)
    for hook in hooks:
        about = dig(hook, "rules", 0, "resources", 0)
        assert dig(hook, "failurePolicy") == ("Ignore" if about == "kubevirts" else "Fail")
        assert dig(hook, "sideEffects") == ("NoneOnDryRun" if about == "pods/eviction" else "None")
        assert dig(hook, "timeoutSeconds") == 10


def test_only_evictions_of_the_add_ons_own_pods_are_held_up() -> None:
    hooks = [hook for hook in VALIDATING if hook.resource.startswith("pods")]
    assert [hook.only for hook in hooks] == [
        ("only-vms", "object.metadata.name.startsWith('virt-launcher')"),
        ("only-hotplug-pods", "object.metadata.name.startsWith('hp-volume-')"),
    ]


def test_virt_api_serves_the_webhooks_that_are_registered() -> None:
    registered = {hook.path for hook in (*MUTATING, *VALIDATING)}
    client = Client(ClusterAccess(server="https://nowhere.example"))
    served = [
        *Webhooks(ClusterConfig, "kubevirt").routes(),
        *VmWebhooks(client, ClusterConfig).routes(),
        *KindWebhooks(client, ClusterConfig, "kubevirt").routes(),
        *PodWebhooks(client, ClusterConfig).routes(),
    ]
    assert registered == {route.path for route in served}


def test_webhooks_are_about_versions_that_are_served() -> None:
    definitions = {str(dig(crd, "metadata", "name")): crd for crd in custom_resource_definitions()}
    for hook in (*MUTATING, *VALIDATING):
        if not hook.group:
            continue  # Kubernetes' own
        crd = definitions[f"{hook.resource.partition('/')[0]}.{hook.group}"]
        versions = dig(crd, "spec", "versions")
        assert isinstance(versions, list)
        assert set(hook.versions) == {dig(version, "name") for version in versions}
        assert dig(crd, "spec", "scope") == ("Cluster" if hook.cluster else "Namespaced")


def test_the_kubevirt_object_is_made_without_opinions() -> None:
    made = codec.convert(objects.kubevirt_object("ns"), KubeVirt)
    assert installation_for(made, image="i", namespace="ns") == Installation(image="i", namespace="ns")


@pytest.mark.parametrize(
    ("kind", "name", "accounts"),
    [
        (0, "virtualmachineinstances-mutator", {"kubevirt-controller", "kubevirt-handler"}),
        (0, "virtualmachines-mutator", {"kubevirt-controller"}),
        (1, "virtualmachine-validator", {"kubevirt-controller"}),
        (1, "virtualmachineinstances-update-validator", {"kubevirt-controller"}),
    ],
)
def test_the_control_plane_is_not_asked_about_what_is_never_changed(kind: int, name: str, accounts: set[str]) -> None:
    # JSON as far as mypy knows: here it is a list.
    hooks: list[Json] = webhook_configurations("somewhere", b"")[kind]["webhooks"]  # type: ignore[assignment]
    (condition,) = [str(dig(hook, "matchConditions", 0, "expression")) for hook in hooks
                    if dig(hook, "name") == f"{name}.kubevirt.io"]
    told = set(re.findall(r"'system:serviceaccount:([^']*)'", condition))
    assert told == {f"somewhere:{account}" for account in accounts}  # of this namespace, and of no other
