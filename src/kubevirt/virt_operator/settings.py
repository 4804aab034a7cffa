"""What is installed where: the choices of the one who installs, and those of the KubeVirt object that is there."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import timedelta

from kubevirt import __version__
from kubevirt.api.codec import to_json
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.kubevirt_install import CertConfig, ComponentConfig
from kubevirt.api.names import INSTALL_NAMESPACE
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.times import parse_duration
from kubevirt.virt_operator.certificates import CA_DURATION, SERVER_DURATION, Lifetime

VERSION = f"v{__version__}"
DEFAULT_IMAGE = f"kubevirt/virt:{VERSION}"
KUBEVIRT_NAME = "kubevirt"
CA_LIFETIME = Lifetime.of(CA_DURATION)
SERVER_LIFETIME = Lifetime.of(SERVER_DURATION)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x"}


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a program's pods run. Empty fields leave the program's own default."""

    node_selector: JsonObject
    affinity: JsonObject
    tolerations: list[Json]


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Everything that the manifests depend on."""

    image: str = DEFAULT_IMAGE
    namespace: str = INSTALL_NAMESPACE
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    infra_replicas: int = 1
    infra_placement: Placement | None = None
    workloads_placement: Placement | None = None
    authority_lifetime: Lifetime = CA_LIFETIME
    server_lifetime: Lifetime = SERVER_LIFETIME
    version: str = VERSION

    @property
    def registry(self) -> str:
        """The part of the image's name before its last slash."""
        return self.image.rpartition("/")[0]


def installation_for(kubevirt: KubeVirt | None, *, image: str, namespace: str) -> Installation:
    """The installation that an existing KubeVirt object asks for (the defaults where there is none)."""
    if kubevirt is None:
        return Installation(image=image, namespace=namespace)
    spec = kubevirt.spec
    replicas = spec.infra.replicas if spec.infra else None
    rotation = spec.certificate_rotate_strategy.self_signed if spec.certificate_rotate_strategy else None
    return Installation(
        image=image,
        namespace=namespace,
        image_pull_policy=spec.image_pull_policy or "IfNotPresent",
        image_pull_secrets=tuple(secret.name for secret in spec.image_pull_secrets if secret.name),
        infra_replicas=1 if replicas is None else replicas,
        infra_placement=_placement(spec.infra),
        workloads_placement=_placement(spec.workloads),
        authority_lifetime=_lifetime(rotation.ca if rotation else None, CA_DURATION),
        server_lifetime=_lifetime(rotation.server if rotation else None, SERVER_DURATION),
    )


def own_architecture() -> str:
    """Go's name of the machine's architecture, which is Kubernetes' name too."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def _placement(component: ComponentConfig | None) -> Placement | None:
    if component is None or component.node_placement is None:
        return None
    wanted = component.node_placement
    affinity = to_json(wanted.affinity) if wanted.affinity else {}
    return Placement(
        node_selector=dict(wanted.node_selector),
        affinity=affinity if isinstance(affinity, dict) else {},
        tolerations=[to_json(toleration) for toleration in wanted.tolerations],
    )


def _lifetime(wanted: CertConfig | None, usual: timedelta) -> Lifetime:
    duration = parse_duration(wanted.duration) if wanted and wanted.duration else usual
    lifetime = Lifetime.of(duration)
    if wanted and wanted.renew_before:
        return Lifetime(duration=duration, renew_before=parse_duration(wanted.renew_before))
    return lifetime
