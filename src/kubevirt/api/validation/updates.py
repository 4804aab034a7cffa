"""Rules for changes of instances: their spec belongs to the control plane, each of them to the agent of its node."""

from dataclasses import dataclass

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation.causes import Cause, Causes, invalid, not_supported, only_first_of_each
from kubevirt.api.validation.hotplug import check_growth, check_storage
from kubevirt.api.vmi import VirtualMachineInstance

# virt-handler only reports what it sees.
MAY_CHANGE_SPEC = (names.ACCOUNT_API, names.ACCOUNT_CONTROLLER)
OWN_ACCOUNTS = (*MAY_CHANGE_SPEC, names.ACCOUNT_HANDLER)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who asks for a change.

    account: the service account where it is one of the control plane's own (``kubevirt-controller``), else empty.
    node: the node that the account's pod runs on, where the API server knows.
    """

    account: str = ""
    node: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the control plane asks."""
        return self.account in OWN_ACCOUNTS


SOMEBODY = Sender()
"""Any user."""


def validate_vmi_update(
    old: VirtualMachineInstance, new: VirtualMachineInstance, config: ClusterConfig, sender: Sender = SOMEBODY
) -> list[Cause]:
    """What is wrong with changing `old` to `new`."""
    return only_first_of_each(_rules(old, new, config, sender))


def _rules(
    old: VirtualMachineInstance, new: VirtualMachineInstance, config: ClusterConfig, sender: Sender
) -> Causes:
    if sender.account == names.ACCOUNT_HANDLER and config.has_gate("NodeRestriction"):
        yield from _node_restriction(old, new, sender.node)
    if old.spec != new.spec:
        if sender.account in MAY_CHANGE_SPEC:
            yield from check_growth(old, new)
            yield from check_storage(old, new, config)
        else:
            yield not_supported("spec", "update of VMI object is restricted")
    if not sender.is_own and _reserved(old) != _reserved(new):
        yield not_supported(
            "metadata.labels",
            "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        )


def _node_restriction(old: VirtualMachineInstance, new: VirtualMachineInstance, node: str) -> Causes:
    """A broken-into node reaches the instances that run on it, or are on their way there, and no others."""
    if not node:
        yield invalid("", "Node restriction failed, virt-handler service account is missing node name")
        return
    target, wanted = _target(old), _target(new)
    if node not in (old.status.node_name, target):
        yield invalid("", "Node restriction, virt-handler is only allowed to modify VMIs it owns")
    elif not target and wanted:
        yield invalid("", "Node restriction, virt-handler is not allowed to set target node")


def _target(vmi: VirtualMachineInstance) -> str:
    return vmi.status.migration_state.target_node if vmi.status.migration_state is not None else ""


def _reserved(vmi: VirtualMachineInstance) -> dict[str, str]:
    return {key: value for key, value in vmi.metadata.labels.items() if key in names.RESERVED_VMI_LABELS}
