"""Which certificate each program has, in which secret, and what must be written so that all of them are good.

A decision: from the secrets and the bundle that are there, to the objects to apply. What is still good stays as it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kubevirt.api.objects import Secret
from kubevirt.kit.json import JsonObject
from kubevirt.kit.times import format_duration
from kubevirt.virt_operator import certificates
from kubevirt.virt_operator.certificates import KeyPair, Lifetime, Subject
from kubevirt.virt_operator.settings import Installation

AUTHORITY = "kubevirt-ca"
BUNDLE_KEY = "ca-bundle"
API_CERTIFICATE = "kubevirt-virt-api-certs"
CONTROLLER_CERTIFICATE = "kubevirt-controller-certs"
HANDLER_CLIENT_CERTIFICATE = "kubevirt-virt-handler-certs"
HANDLER_SERVER_CERTIFICATE = "kubevirt-virt-handler-server-certs"
DURATION_ANNOTATION = "kubevirt.io/duration"


def subjects(namespace: str) -> dict[str, Subject]:
    """The secrets and whom their certificates are for."""
    return {
        API_CERTIFICATE: _service("virt-api", namespace),
        CONTROLLER_CERTIFICATE: _service("virt-controller", namespace),
        HANDLER_CLIENT_CERTIFICATE: Subject(common_name="kubevirt.io:system:client:virt-handler"),
        # Handlers are reached by pod address; virt-handler.kubevirt.io is the name that is checked instead of it.
        HANDLER_SERVER_CERTIFICATE: Subject(
            common_name="kubevirt.io:system:node:virt-handler", names=("virt-handler", "virt-handler.kubevirt.io")
        ),
    }


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What to apply (secrets and the bundle's ConfigMap, those that change only), the bundle, and what was renewed."""

    objects: tuple[JsonObject, ...]
    bundle: bytes
    renewed: Mapping[str, str]


def plan(installation: Installation, held: Mapping[str, Secret], held_bundle: bytes, now: datetime) -> Trust:
    """`held`: the secrets that exist, by name. `renewed` tells why, by name."""
    objects: list[JsonObject] = []
    renewed: dict[str, str] = {}
    namespace = installation.namespace
    lifetime = installation.authority_lifetime
    authority = _pair_in(held.get(AUTHORITY), lifetime)
    why = certificates.why_renew_authority(authority, now, lifetime)
    if authority is None or why:
        authority = certificates.new_authority(now, lifetime)
        renewed[AUTHORITY] = why
        objects.append(_secret(AUTHORITY, namespace, authority, lifetime))
    bundle = certificates.bundle(authority, held_bundle, now)
    if bundle != held_bundle:
        objects.append({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": AUTHORITY, "namespace": namespace},
            "data": {BUNDLE_KEY: bundle.decode()},
        })
    lifetime = installation.server_lifetime
    for name, subject in subjects(namespace).items():
        pair = _pair_in(held.get(name), lifetime)
        why = certificates.why_renew(pair, subject, authority, now, lifetime)
        if why:
            renewed[name] = why
            pair = certificates.new_certificate(authority, subject, now, lifetime)
            objects.append(_secret(name, namespace, pair, lifetime))
    return Trust(objects=tuple(objects), bundle=bundle, renewed=renewed)


def _service(name: str, namespace: str) -> Subject:
    return Subject(
        common_name=f"{name}.{namespace}.pod.cluster.local",
        names=(name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local"),
    )


def _pair_in(secret: Secret | None, lifetime: Lifetime) -> KeyPair | None:
    """None where there is no secret, a damaged one, or one that was made for another duration."""
    if secret is None or secret.metadata.annotations.get(DURATION_ANNOTATION) != format_duration(lifetime.duration):
        return None
    try:
        certificate, key = (base64.b64decode(secret.data[k], validate=True) for k in ("tls.crt", "tls.key"))
    except (KeyError, binascii.Error):
        return None
    return KeyPair(certificate=certificate, key=key)


def _secret(name: str, namespace: str, pair: KeyPair, lifetime: Lifetime) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {DURATION_ANNOTATION: format_duration(lifetime.duration)},
        },
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": base64.b64encode(pair.certificate).decode(),
            "tls.key": base64.b64encode(pair.key).decode(),
        },
    }
