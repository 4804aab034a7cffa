"""`virtctl doctor`: reads what shows whether a cluster is fit for virtual machines, and prints what to do."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import click
import msgspec

from kubevirt.api.core import Secret
from kubevirt.api.resources import DAEMONSETS, DEPLOYMENTS, KUBEVIRTS, NODES, SECRETS, STORAGE_CLASSES
from kubevirt.kit.json import JsonObject
from kubevirt.kube.errors import ApiError, Forbidden, NotFound
from kubevirt.virtctl.commands.version import client_version
from kubevirt.virtctl.explain.checkup import Symptoms, as_report, examine, is_well
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import SUBRESOURCES, Session, run

T = TypeVar("T")
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PROGRAMS = "kubevirt.io in (virt-api, virt-controller, virt-operator)"
ASKED = {
    "create machines": {"group": "kubevirt.io", "resource": "virtualmachines", "verb": "create"},
    "start them": {"group": "subresources.kubevirt.io", "resource": "virtualmachines", "subresource": "start",
                   "verb": "update"},
    "open consoles": {"group": "subresources.kubevirt.io", "resource": "virtualmachineinstances",
                      "subresource": "console", "verb": "get"},
}  # fmt: skip


@command("doctor", help="Check the installation, the nodes and your permissions, and say what to do.")
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Print the report; exit code 1 when something is broken."""
    flags: Globals = ctx.obj
    verdicts = examine(run(flags, fetch))
    click.echo(as_report(verdicts))
    if not is_well(verdicts):
        ctx.exit(1)


async def fetch(session: Session) -> Symptoms:
    """Everything that can be read, side by side."""
    client = session.client
    (kubevirts, deployments, handlers, nodes, classes), answer, permissions = await asyncio.gather(
        asyncio.gather(
            _if_allowed(client.list(KUBEVIRTS)),
            _if_allowed(client.list(DEPLOYMENTS, labels=PROGRAMS)),
            _if_allowed(client.list(DAEMONSETS, labels="kubevirt.io=virt-handler")),
            _if_allowed(client.list(NODES)),
            _if_allowed(client.list(STORAGE_CLASSES)),
        ),
        _version(session),
        _permissions(session),
    )
    namespace = kubevirts[0].metadata.namespace if kubevirts else ""
    secrets = await _if_allowed(client.list(SECRETS, namespace, labels="kubevirt.io")) if namespace else None
    return Symptoms(
        now=datetime.now(UTC),
        client_version=str(client_version()["gitVersion"]),
        kubevirts=kubevirts,
        deployments=deployments,
        handlers=handlers,
        nodes=nodes,
        subresources=answer[1],
        server_version=answer[0],
        certificates=certificate_ends(secrets) if secrets is not None else None,
        storage_classes=len(classes) if classes is not None else None,
        permissions=permissions,
    )


def certificate_ends(secrets: Sequence[Secret]) -> Mapping[str, datetime]:
    """When the certificates in the secrets end."""
    ends = {}
    for secret in secrets:
        encoded = secret.data.get("tls.crt", "")
        if encoded:
            ends[secret.metadata.name] = _end_of(base64.b64decode(encoded).decode("ascii", errors="replace"))
    return {name: end for name, end in ends.items() if end is not None}


def _end_of(pem: str) -> datetime | None:
    from cryptography import x509

    end = "-----END CERTIFICATE-----"
    first = pem.partition(end)[0] + end + "\n"  # the leaf stands before what signed it
    try:
        return x509.load_der_x509_certificate(ssl.PEM_cert_to_DER_cert(first)).not_valid_after_utc
    except ValueError:
        return None


async def _version(session: Session) -> tuple[str, str]:
    """The server's version, and why it cannot be had."""
    try:
        return str((await session.read(f"{SUBRESOURCES}/v1/version")).get("gitVersion", "")), ""
    except ApiError as e:
        return "", e.message


async def _permissions(session: Session) -> Mapping[str, bool]:
    found = {}
    for what, attributes in ASKED.items():
        review: JsonObject = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**attributes, "namespace": session.namespace}},
        }
        answer = await session.client.raw("POST", REVIEWS, body=msgspec.json.encode(review))
        status = msgspec.json.decode(answer, type=JsonObject).get("status")
        found[what] = isinstance(status, dict) and status.get("allowed") is True
    return found


async def _if_allowed(reading: Awaitable[T]) -> T | None:
    """None for what the user may not read, or what the cluster does not know."""
    try:
        return await reading
    except (Forbidden, NotFound):
        return None
