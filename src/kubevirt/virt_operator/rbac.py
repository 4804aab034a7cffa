"""The rights of the add-on's own programs, verb by verb: what each of them does, why, and nothing else.

The rights that users get are `user_roles`'. Every program has an account of its own; a ClusterRole for what it does in
all namespaces and a Role for what it does in the installation's. Tests hold the table: each right is needed (a request
that it allows is refused without it), each one is used by the program, and no program is ever refused anything.
`docs/rights.md` is made from it.
"""

from __future__ import annotations

from kubevirt.api.names import ACCOUNT_API, ACCOUNT_CONTROLLER, ACCOUNT_HANDLER, GROUP
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_operator.rights import CACHE, RBAC, Account, binding, right

API_ACCOUNT = Account(
    name=ACCOUNT_API,
    program="virt-api",
    cluster=(
        right("authorization.k8s.io", ["subjectaccessreviews"], ["create"],
              because="who may use a sub-resource is the API server's to say"),
        right(GROUP, ["kubevirts"], ["list"],
              because="the feature gates and defaults of the installation, and that there is only one of it"),
        right(GROUP, ["virtualmachines"], ["get", "patch"],
              because="start, stop and their like look at the machine and write what was asked"),
        right(GROUP, ["virtualmachineinstances"], ["get"],
              because="consoles, pause and their like ask for the node of the instance and for its state"),
        right(GROUP, ["virtualmachineinstances"], ["patch"],
              because="a stop shortens the guest's grace period; evictions and evacuations are noted",
              seldom="a stop or restart names a grace period, a launcher pod is evicted, an evacuation is called off"),
        right(GROUP, ["virtualmachines/status"], ["patch"],
              because="requests to start and stop are handed to virt-controller in the status"),
        right(GROUP, ["virtualmachines", "virtualmachineinstances", "virtualmachineinstancereplicasets"], ["list"],
              because="an installation with machines is not removed unless that is asked for",
              seldom="the KubeVirt object is deleted"),
        right(GROUP, ["virtualmachineinstancemigrations"], ["list"],
              because="a machine is migrated by one migration at a time",
              seldom="a migration is created"),
        right(GROUP, ["virtualmachineinstancepresets"], CACHE,
              because="presets are merged into new instances, which never wait for a read of them"),
        right("", ["pods"], ["get"],
              because="whether a pod that is evicted holds a guest that has to be moved first",
              seldom="a launcher pod is evicted"),
        right("snapshot.kubevirt.io", ["virtualmachinerestores"], ["list"],
              because="a machine is restored by one restore at a time",
              seldom="a restore is created, and the feature gate Snapshot is on"),
        right("snapshot.kubevirt.io", ["virtualmachinesnapshots", "virtualmachinesnapshotcontents"], ["get"],
              because="a restore is checked against the machine in its snapshot",
              seldom="a restore is created, and the feature gate Snapshot is on"),
        right("backup.kubevirt.io", ["virtualmachinebackups"], ["list"],
              because="a machine is backed up by one backup at a time",
              seldom="a backup is created, and the feature gate IncrementalBackup is on"),
        right("instancetype.kubevirt.io", ["virtualmachineinstancetypes", "virtualmachineclusterinstancetypes",
                                           "virtualmachinepreferences", "virtualmachineclusterpreferences"], ["get"],
              because="a machine is checked with the instance type and preference that it names"),
        right("", ["pods"], ["list"], because="consoles and their like go to the virt-handler on the machine's node; "
              "the launcher pod is in a machine's graph of objects"),
        right("", ["nodes"], ["get"], because="an evacuation is not called off while the node is drained",
              seldom="the evacuation of an instance is called off"),
        right("apps", ["controllerrevisions"], ["get"],
              because="a machine keeps the copies of instance type and preference that were made for it"),
        right("", ["persistentvolumeclaims"], ["get"],
              because="labels of a volume name instance type and preference"),
        right("cdi.kubevirt.io", ["datavolumes", "datasources"], ["get"],
              because="labels of a volume's source name instance type, preference and architecture",
              seldom="a machine with volumes of the importer (CDI) is created"),
        right("snapshot.storage.k8s.io", ["volumesnapshots"], ["get"],
              because="labels of a volume's source name instance type and preference",
              seldom="a machine with such a volume leaves the choice of its instance type to it"),
    ),
    own_namespace=(
        right(GROUP, ["kubevirts"], ["watch"], because="changed feature gates and defaults hold at once"),
    ),
    # The certificate authority and names of the aggregating API server.
    borrowed=("extension-apiserver-authentication-reader",),
)

CONTROLLER_ACCOUNT = Account(
    name=ACCOUNT_CONTROLLER,
    program="virt-controller",
    cluster=(
        right(GROUP, ["virtualmachines", "virtualmachineinstancereplicasets"], [*CACHE, "patch"],
              because="what is wanted; marked with a finalizer"),
        right(GROUP, ["virtualmachines", "virtualmachineinstancereplicasets"], ["get"],
              because="read anew before an instance is adopted for it",
              seldom="an instance without an owner is adopted"),
        right(GROUP, ["virtualmachines/status", "virtualmachineinstancereplicasets/status"], ["patch"],
              because="what has become of it"),
        right(GROUP, ["virtualmachineinstances"], [*CACHE, "create", "patch", "delete"],
              because="the instances of virtual machines and replica sets"),
        right(GROUP, ["virtualmachineinstances"], ["get"],
              because="an instance that is there already is recognised as its own",
              seldom="the controller ended between a creation and its answer"),
        right("pool.kubevirt.io", ["virtualmachinepools"], [*CACHE, "patch"],
              because="how many machines are wanted; marked with a finalizer"),
        right("pool.kubevirt.io", ["virtualmachinepools/status"], ["patch"], because="what has become of it"),
        right(GROUP, ["virtualmachines"], ["create", "delete"], because="the machines of pools"),
        right("", ["persistentvolumeclaims"], ["patch"],
              because="a pool may keep the disks of a machine that it deletes",
              seldom="a pool with state preservation becomes smaller"),
        right("pool.kubevirt.io", ["virtualmachinepools/finalizers"], ["update"],
              because="the machines of a pool hold up its deletion",
              seldom="the cluster's API server runs the plug-in OwnerReferencesPermissionEnforcement"),
        # Owner references that block their owner's deletion need this right on the owner.
        right(GROUP, ["virtualmachines/finalizers", "virtualmachineinstances/finalizers",
                      "virtualmachineinstancereplicasets/finalizers"], ["update"],
              because="what it creates holds up the deletion of its owner",
              seldom="the cluster's API server runs the plug-in OwnerReferencesPermissionEnforcement"),
        right("", ["pods"], [*CACHE, "create", "delete"], because="the launcher pods of instances"),
        right("", ["pods"], ["get"],
              because="a launcher pod that is there already is recognised as its own",
              seldom="the controller ended between a creation and its answer"),
        right("", ["pods"], ["patch"],
              because="a descheduler sees on a launcher pod that its guest is leaving already",
              seldom="a guest is evicted"),
        right("", ["pods/status"], ["patch"], because="the readiness gate of launcher pods"),
        right("", ["namespaces", "resourcequotas"], CACHE,
              because="a namespace may want limits on its pods, which launcher pods then get"),
        right("", ["events"], ["create"], because="tells what it does"),
        right("", ["events"], ["patch"], because="counts what repeats", seldom="the same thing happens again soon"),
        right("", ["events"], ["list"],
              because="why a launcher pod does not start although it has its node",
              seldom="a launcher pod hangs"),
        right("", ["nodes"], CACHE, because="whether nodes have KVM, and whether their virt-handler is alive"),
        right("", ["nodes"], ["patch"],
              because="a node whose virt-handler is silent gets no further machines; nodes are labelled with the "
                      "frequencies that they can give to a guest's time stamp counter",
              seldom="a virt-handler is silent for five minutes, or a node with KVM joins"),
        right("", ["persistentvolumeclaims"], CACHE, because="a machine waits for the claims that it names"),
        right("", ["persistentvolumeclaims"], ["create"],
              because="a machine whose TPM or UEFI variables outlive its runs gets a claim for them",
              seldom="such a machine starts for the first time"),
        right("", ["persistentvolumeclaims"], ["get"],
              because="a claim that is there already is recognised as its own",
              seldom="the controller ended between a creation and its answer"),
        right("storage.k8s.io", ["storageclasses"], CACHE,
              because="which kind of storage such claims are made in, and when it is given to them"),
        right("cdi.kubevirt.io", ["storageprofiles"], ["get"],
              because="whether such a claim can be used by several nodes, which migrations need",
              seldom="such a machine starts for the first time"),
        right("apiextensions.k8s.io", ["customresourcedefinitions"], CACHE,
              because="whether the cluster has DataVolumes; another project brings them"),
        right("cdi.kubevirt.io", ["datavolumes"], [*CACHE, "get", "create", "patch"],
              because="the DataVolumes that machines bring along, made for them and taken over",
              seldom="the cluster has DataVolumes"),
        right("cdi.kubevirt.io", ["datasources"], CACHE, because="what DataVolumes of machines are copied from",
              seldom="the cluster has DataSources"),
        right("authorization.k8s.io", ["subjectaccessreviews"], ["create"],
              because="a machine's DataVolume is copied from another namespace only if its service account may",
              seldom="a DataVolume is copied from another namespace"),
        right("apps", ["controllerrevisions"], [*CACHE, "create", "delete"],
              because="the specification that each run of a machine was started with"),
        right("apps", ["controllerrevisions"], ["get"],
              because="a revision that is there already is recognised as its own",
              seldom="the controller ended between a creation and its answer"),
        right("apps", ["controllerrevisions"], ["patch"],
              because="a machine that takes over a running instance also takes over what it was started from",
              seldom="a machine was deleted without its dependents"),
        right("instancetype.kubevirt.io", ["virtualmachineinstancetypes", "virtualmachineclusterinstancetypes",
                                           "virtualmachinepreferences", "virtualmachineclusterpreferences"], CACHE,
              because="copies are made of the instance type and preference that a machine names"),
    ),
    own_namespace=(
        right(GROUP, ["kubevirts"], CACHE, because="the feature gates and defaults of the installation"),
        right("", ["configmaps"], CACHE, because="which labels of machines an administrator wants in metrics"),
        right("apps", ["daemonsets"], ["get"],
              because="whether virt-handler is absent from one node or from all",
              seldom="a virt-handler is silent for five minutes"),
        right("coordination.k8s.io", ["leases"], ["get", "patch"],
              because="of several controllers one works and the others wait"),
        right("coordination.k8s.io", ["leases"], ["create"],
              because="the lease that they share", seldom="the installation is new"),
    ),
)

HANDLER_ACCOUNT = Account(
    name=ACCOUNT_HANDLER,
    program="virt-handler",
    cluster=(
        right(GROUP, ["virtualmachineinstances"], [*CACHE, "patch"], because="the instances of its node"),
        right("", ["nodes"], ["get", "patch"], because="says what its node can do, and that it is alive"),
        right("", ["events"], ["create"], because="tells what guests do"),
        right("", ["events"], ["patch"], because="counts what repeats", seldom="the same thing happens again soon"),
    ),
    own_namespace=(
        right(GROUP, ["kubevirts"], CACHE, because="the feature gates and defaults of the installation"),
    ),
)

ACCOUNTS = (API_ACCOUNT, CONTROLLER_ACCOUNT, HANDLER_ACCOUNT)


def account_objects(namespace: str) -> list[JsonObject]:
    """Service accounts, roles and bindings of all programs."""
    return [obj for account in ACCOUNTS for obj in _objects_of(account, namespace)]


def _objects_of(account: Account, namespace: str) -> list[JsonObject]:
    name = account.name
    who: list[Json] = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    objects: list[JsonObject] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}},
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name},
         "rules": [r.as_rule for r in account.cluster]},
        binding("ClusterRoleBinding", name, "ClusterRole", name, who),
    ]
    if account.own_namespace:
        objects.append({"apiVersion": RBAC, "kind": "Role", "metadata": {"name": name, "namespace": namespace},
                        "rules": [r.as_rule for r in account.own_namespace]})
        objects.append(binding("RoleBinding", name, "Role", name, who, namespace=namespace))
    for role in account.borrowed:
        objects.append(binding("RoleBinding", f"{name}-{role}", "Role", role, who, namespace="kube-system"))
    return objects
