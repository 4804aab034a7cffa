"""Parts of the KubeVirt object about the add-on itself: certificates, placement, patches, updates of launchers."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, marks, required
from kubevirt.api.scheduling import Affinity, Toleration


class CertConfig(Api):
    """Life time of certificates."""

    duration: str | None = None
    """Life time, as Go duration."""
    renew_before: str | None = None
    """How long before its end a certificate is renewed, as Go duration."""


class KubeVirtSelfSignConfiguration(Api):
    """Certificates signed by the operator itself."""

    ca: CertConfig | None = None
    """Life time of the certificate authority. The default is 168h."""
    ca_overlap_interval: str | None = None
    """No longer has an effect."""
    ca_rotate_interval: str | None = None
    """Old form of ca.duration."""
    cert_rotate_interval: str | None = None
    """Old form of server.duration."""
    server: CertConfig | None = None
    """Life time of the servers' certificates. The default is 24h."""


class KubeVirtCertificateRotateStrategy(Api):
    """How certificates are renewed."""

    self_signed: KubeVirtSelfSignConfiguration | None = None
    """The operator signs the certificates itself."""


class Flags(Api):
    """Further command-line flags of the programs."""

    api: dict[str, str] = {}
    """Flags of virt-api: name without dashes, and value."""
    controller: dict[str, str] = {}
    """Flags of virt-controller."""
    handler: dict[str, str] = {}
    """Flags of virt-handler."""


class CustomizeComponentsPatch(Api):
    """A patch of an installed object."""

    patch: str = required(str)
    """The patch."""
    resource_name: Annotated[str, marks(minLength=1)] = required(str)
    """Name of the object."""
    resource_type: Annotated[str, marks(minLength=1)] = required(str)
    """Kind of the object."""
    type: str = required(str)
    """json, merge or strategic."""


class CustomizeComponents(Api):
    """Changes to the installed objects."""

    flags: Flags | None = None
    """Further command-line flags."""
    patches: Annotated[list[CustomizeComponentsPatch], Atomic] = []
    """Patches of installed objects."""


class NodePlacement(Api):
    """On which nodes pods run."""

    affinity: Affinity | None = None
    """Affinity of the pods."""
    node_selector: dict[str, str] = {}
    """Labels the nodes must have."""
    tolerations: list[Toleration] = []
    """Taints the pods put up with."""


class ComponentConfig(Api):
    """Placement and number of pods."""

    node_placement: NodePlacement | None = None
    """On which nodes the pods run."""
    replicas: int | None = None
    """How many pods there are."""


class KubeVirtWorkloadUpdateStrategy(Api):
    """How running machines get a new launcher."""

    batch_eviction_interval: str | None = None
    """Go duration between batches of guests that are restarted. The default is 1m."""
    batch_eviction_size: int | None = None
    """Guests restarted at a time. The default is 10."""
    workload_update_methods: Annotated[list[str], Atomic] = []
    """How guests get a new launcher: LiveMigrate, Evict. None means not before they are restarted."""
