"""Labels, annotations, finalizers and resource names that several modules use, so that nobody spells one twice.

What one module alone needs stands there.
"""

from hashlib import sha1
from typing import Final

GROUP: Final = "kubevirt.io"
VERSION: Final = "v1"
SUBRESOURCE_GROUP: Final = "subresources.kubevirt.io"
SUBRESOURCE_VERSIONS: Final = ("v1", "v1alpha3")
INSTALL_NAMESPACE: Final = "kubevirt"
"""Where the add-on is installed unless told otherwise."""

# Labels on objects ----------------------------------------------------------------------------------------------------
LABEL_APP: Final = "kubevirt.io"
"""Which of the add-on's programs a pod runs: ``virt-api``, ``virt-launcher``..."""
LABEL_CREATED_BY: Final = "kubevirt.io/created-by"
"""On a launcher pod: uid of its instance."""
LABEL_CREATED_BY_VMI: Final = "kubevirt.io/createdBy"
LABEL_VM: Final = "vm.kubevirt.io/name"
"""On an instance and its launcher pod: name of the virtual machine (or of the instance, which is the same)."""
LABEL_VMI_ID: Final = "vmi.kubevirt.io/id"
LABEL_NODE_NAME: Final = "kubevirt.io/nodeName"
LABEL_MIGRATION_TARGET_NODE_NAME: Final = "kubevirt.io/migrationTargetNodeName"
LABEL_MIGRATION_JOB_UID: Final = "kubevirt.io/migrationJobUID"
LABEL_VMI_NAME: Final = "kubevirt.io/vmi-name"
LABEL_POOL_REVISION: Final = "kubevirt.io/vm-pool-revision-name"
"""On machines of a pool and their instances: the revision of the pool's spec they were made from."""
LABEL_OUTDATED_LAUNCHER_IMAGE: Final = "kubevirt.io/outdatedLauncherImage"
LABEL_INSTALL_STRATEGY: Final = "kubevirt.io/install-strategy"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_ARCHITECTURE: Final = "template.kubevirt.io/architecture"
LABEL_DEFAULT_INSTANCETYPE: Final = "instancetype.kubevirt.io/default-instancetype"
LABEL_DEFAULT_INSTANCETYPE_KIND: Final = "instancetype.kubevirt.io/default-instancetype-kind"
LABEL_DEFAULT_PREFERENCE: Final = "instancetype.kubevirt.io/default-preference"
LABEL_DEFAULT_PREFERENCE_KIND: Final = "instancetype.kubevirt.io/default-preference-kind"
LABEL_OFFER_GENERATION: Final = "instancetype.kubevirt.io/object-generation"
"""This and the next ones, on the stored copy of an instance type or preference: what it is a copy of."""
LABEL_OFFER_KIND: Final = "instancetype.kubevirt.io/object-kind"
LABEL_OFFER_NAME: Final = "instancetype.kubevirt.io/object-name"
LABEL_OFFER_UID: Final = "instancetype.kubevirt.io/object-uid"
LABEL_OFFER_VERSION: Final = "instancetype.kubevirt.io/object-version"

RESERVED_VMI_LABELS: Final = frozenset({
    LABEL_CREATED_BY_VMI,
    LABEL_MIGRATION_JOB_UID,
    LABEL_NODE_NAME,
    LABEL_MIGRATION_TARGET_NODE_NAME,
    "kubevirt.io/schedulable",
    LABEL_INSTALL_STRATEGY,
})
"""Labels of instances that only the control plane may set or change."""

APP_API: Final = "virt-api"
APP_CONTROLLER: Final = "virt-controller"
APP_HANDLER: Final = "virt-handler"
APP_LAUNCHER: Final = "virt-launcher"

# Labels on nodes ------------------------------------------------------------------------------------------------------
LABEL_SCHEDULABLE: Final = "kubevirt.io/schedulable"
LABEL_CPU_MANAGER: Final = "kubevirt.io/cpumanager"
LABEL_REALTIME: Final = "kubevirt.io/realtime"
LABEL_SEV: Final = "kubevirt.io/sev"
LABEL_SEV_ES: Final = "kubevirt.io/sev-es"
LABEL_SEV_SNP: Final = "kubevirt.io/sev-snp"
LABEL_TDX: Final = "kubevirt.io/tdx"
LABEL_KSM_ENABLED: Final = "kubevirt.io/ksm-enabled"
LABEL_OBSOLETE_HOST_MODEL: Final = "node-labeller.kubevirt.io/obsolete-host-model"
LABEL_TSC_FREQUENCY: Final = "cpu-timer.node.kubevirt.io/tsc-frequency"
LABEL_TSC_SCALABLE: Final = "cpu-timer.node.kubevirt.io/tsc-scalable"
LABEL_HOSTNAME: Final = "kubernetes.io/hostname"
LABEL_ARCH: Final = "kubernetes.io/arch"

PREFIX_CPU_MODEL: Final = "cpu-model.node.kubevirt.io/"
PREFIX_CPU_MODEL_MIGRATION: Final = "cpu-model-migration.node.kubevirt.io/"
PREFIX_CPU_FEATURE: Final = "cpu-feature.node.kubevirt.io/"
PREFIX_CPU_VENDOR: Final = "cpu-vendor.node.kubevirt.io/"
PREFIX_HOST_MODEL_CPU: Final = "host-model-cpu.node.kubevirt.io/"
PREFIX_HOST_MODEL_FEATURES: Final = "host-model-required-features.node.kubevirt.io/"
PREFIX_HYPERV: Final = "hyperv.node.kubevirt.io/"
PREFIX_MACHINE_TYPE: Final = "machine-type.node.kubevirt.io/"
PREFIX_SCHEDULING_TSC: Final = "scheduling.node.kubevirt.io/tsc-frequency-"

# Annotations ----------------------------------------------------------------------------------------------------------
ANNOTATION_HEARTBEAT: Final = "kubevirt.io/heartbeat"
ANNOTATION_KVM_UNUSABLE: Final = "kubevirt.io/kvm-unusable"
"""On a node: why KVM does not work there."""
ANNOTATION_SKIP_LABELLER: Final = "node-labeller.kubevirt.io/skip-node"
ANNOTATION_DOMAIN: Final = "kubevirt.io/domain"
ANNOTATION_MIGRATION_TRANSPORT_UNIX: Final = "kubevirt.io/migrationTransportUnix"
ANNOTATION_LATEST_API_VERSION: Final = "kubevirt.io/latest-observed-api-version"
ANNOTATION_STORAGE_API_VERSION: Final = "kubevirt.io/storage-observed-api-version"
ANNOTATION_VM_GENERATION: Final = "kubevirt.io/vm-generation"
ANNOTATION_PCI_TOPOLOGY_VERSION: Final = "kubevirt.io/pci-topology-version"
ANNOTATION_PCI_SLOT_COUNT: Final = "kubevirt.io/pci-interface-slot-count"
ANNOTATION_MEMORY_OVERHEAD: Final = "kubevirt.io/memory-overhead-bytes"
ANNOTATION_EPHEMERAL_PROVISIONING: Final = "kubevirt.io/ephemeral-provisioning"
ANNOTATION_SKIP_BACKUP_HOOKS: Final = "kubevirt.io/skip-backup-hooks"
ANNOTATION_IGNITION: Final = "kubevirt.io/ignitiondata"
ANNOTATION_ALLOW_BRIDGE_MIGRATION: Final = "kubevirt.io/allow-pod-bridge-network-live-migration"
ANNOTATION_KEEP_LAUNCHER: Final = "kubevirt.io/keep-launcher-alive-after-failure"
ANNOTATION_SIDECARS: Final = "hooks.kubevirt.io/hookSidecars"
ANNOTATION_EXCLUDE_PRESETS: Final = "virtualmachineinstancepresets.admission.kubevirt.io/exclude"
ANNOTATION_INSTANCETYPE: Final = "kubevirt.io/instancetype-name"
ANNOTATION_CLUSTER_INSTANCETYPE: Final = "kubevirt.io/cluster-instancetype-name"
ANNOTATION_PREFERENCE: Final = "kubevirt.io/preference-name"
ANNOTATION_CLUSTER_PREFERENCE: Final = "kubevirt.io/cluster-preference-name"
ANNOTATION_MULTUS_NETWORKS: Final = "k8s.v1.cni.cncf.io/networks"
ANNOTATION_MULTUS_DEFAULT: Final = "v1.multus-cni.io/default-network"
ANNOTATION_EVICT_ONLY: Final = "descheduler.alpha.kubernetes.io/request-evict-only"
ANNOTATION_EVICTION_IN_PROGRESS: Final = "descheduler.alpha.kubernetes.io/eviction-in-progress"

# Finalizers -----------------------------------------------------------------------------------------------------------
FINALIZER_VMI_FOREGROUND: Final = "kubevirt.io/foregroundDeleteVirtualMachine"
FINALIZER_VMI_FOREGROUND_LEGACY: Final = "foregroundDeleteVirtualMachine"
FINALIZER_VM_CONTROLLER: Final = "kubevirt.io/virtualMachineControllerFinalize"
FINALIZER_POOL: Final = "pool.kubevirt.io/finalizer"
FINALIZER_MIGRATION: Final = "kubevirt.io/migrationJobFinalize"

# Devices of nodes, as pods ask for them -------------------------------------------------------------------------------
DEVICE_PREFIX: Final = "devices.kubevirt.io/"
DEVICE_KVM: Final = "devices.kubevirt.io/kvm"
DEVICE_TUN: Final = "devices.kubevirt.io/tun"
DEVICE_VHOST_NET: Final = "devices.kubevirt.io/vhost-net"
DEVICE_VHOST_VSOCK: Final = "devices.kubevirt.io/vhost-vsock"

# Accounts --------------------------------------------------------------------------------------------------------
ACCOUNT_API: Final = "kubevirt-apiserver"
ACCOUNT_CONTROLLER: Final = "kubevirt-controller"
ACCOUNT_HANDLER: Final = "kubevirt-handler"


_LONGEST_LABEL: Final = 63


def vmi_id(name: str) -> str:
    """The value of LABEL_VMI_ID: tells VMIs apart, also those whose names are longer than a label value may be."""
    if len(name) <= _LONGEST_LABEL:
        return name
    return f"{name[:54]}-{sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]}"
