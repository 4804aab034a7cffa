"""Plugin: code of others that takes part in making machines. Read by the control plane with gate Plugins only."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, constant, marks, present, required
from kubevirt.api.meta import ObjectMeta

NonEmpty = marks(minLength=1)


class PluginAdmissionReference(Api):
    """An admission object that belongs to the plugin."""

    name: Annotated[str, NonEmpty] = required(str)
    """Name of the object."""


class DomainHookCEL(Api):
    """A change of the machine's libvirt domain, as an expression."""

    expression: Annotated[str, NonEmpty] = required(str)
    """The CEL expression."""


class DomainHookSidecar(Api):
    """A program beside the launcher that changes the machine's libvirt domain."""

    socket_path: Annotated[str, NonEmpty] = required(str)
    """Path of its socket in the pod."""


class DomainHook(Api):
    """Changes the machine's libvirt domain before the guest starts; either cel or sidecar is set."""

    cel: DomainHookCEL | None = None
    """By an expression."""
    condition: str | None = None
    """CEL expression that says for which instances. All where unset."""
    failure_strategy: str | None = None
    """What an error of the hook does: Fail stops the instance, Ignore goes on."""
    sidecar: DomainHookSidecar | None = None
    """By a program."""
    timeout: str | None = None
    """How long the hook may take, such as 10s."""


class NodeHook(Api):
    """A program on the node that is called at points of an instance's life."""

    condition: str | None = None
    """CEL expression that says for which instances. All where unset."""
    failure_strategy: str | None = None
    """What an error of the hook does: Fail stops the instance, Ignore goes on."""
    permitted_hooks: Annotated[list[str], Atomic, marks(minItems=1)] = required(list)
    """When it is called: PreVMStart, PostVMStart, PreVMStop, PostVMStop, and Pre- or PostMigrationSource and
    -MigrationTarget.
    """
    socket: Annotated[str, NonEmpty] = required(str)
    """Path of its socket on the node."""
    timeout: str | None = None
    """How long the hook may take, such as 10s."""


class PluginSpec(Api):
    """Where the plugin takes part."""

    condition: str | None = None
    """CEL expression that says for which instances. All where unset."""
    domain_hooks: Annotated[list[DomainHook], Atomic] = []
    """Changes of the machine's libvirt domain, in order."""
    failure_strategy: str | None = None
    """What errors of hooks do that do not say it themselves: Fail or Ignore."""
    mutating_admission_policies: Annotated[list[PluginAdmissionReference], Atomic] = []
    """MutatingAdmissionPolicies that belong to it."""
    mutating_admission_webhooks: Annotated[list[PluginAdmissionReference], Atomic] = []
    """MutatingWebhookConfigurations that belong to it."""
    node_hooks: Annotated[list[NodeHook], Atomic] = []
    """Programs on the node."""
    validating_admission_policies: Annotated[list[PluginAdmissionReference], Atomic] = []
    """ValidatingAdmissionPolicies that belong to it."""
    validating_admission_webhooks: Annotated[list[PluginAdmissionReference], Atomic] = []
    """ValidatingWebhookConfigurations that belong to it."""


class PluginStatus(Api):
    """Always empty."""


class Plugin(Api):
    """Code of others that takes part in making and running machines."""

    api_version: str = constant("plugin.kubevirt.io/v1alpha1")
    kind: str = constant("Plugin")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: PluginSpec = required(PluginSpec)
    """Where it takes part."""
    status: PluginStatus = present(PluginStatus)
    """Always empty."""
