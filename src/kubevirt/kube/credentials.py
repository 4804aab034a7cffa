"""From what a kubeconfig says of a user and a cluster to what TLS and HTTP want: contexts, certificates, tokens.

Certificates may be given as files or inline; OpenSSL loads key pairs from files only, so inline ones pass through a
private temporary file that is gone before the function returns.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.kube.access import TokenFile
from kubevirt.kube.kubeconfig import Cluster, ExecPlugin, User

EXEC_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A certificate (chain) and its private key, PEM."""

    certificate: bytes
    key: bytes


class _ExecStatus(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""


class _ExecCredential(msgspec.Struct):
    status: _ExecStatus = msgspec.field(default_factory=_ExecStatus)


def bearer_of(user: User) -> Callable[[], str] | None:
    """What gives the user's token, if one is used. A file wins over an inline token, as its content is fresher."""
    if user.token_file:
        return TokenFile(Path(user.token_file))
    if user.token:
        token = user.token
        return lambda: token
    return None


def client_certificate_of(user: User) -> KeyPair | None:
    certificate = _inline_or_file(user.client_certificate_data, user.client_certificate, "client certificate")
    key = _inline_or_file(user.client_key_data, user.client_key, "client key")
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise Problem(
            cause="a client certificate and its key belong together, but only one of them is given",
            remedy="give both --client-certificate and --client-key",
        )
    return KeyPair(certificate=certificate, key=key)


def ssl_context_for(cluster: Cluster, certificate: KeyPair | None) -> ssl.SSLContext:
    """The TLS context for talking to the cluster's API server."""
    authority = _inline_or_file(cluster.certificate_authority_data, cluster.certificate_authority,
                                "certificate authority")
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=_authority_text(authority))
    # Kubernetes' own tools issue certificates without an authority key identifier, which this flag would refuse.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        load_key_pair(context, certificate)
    return context


def load_key_pair(context: ssl.SSLContext, pair: KeyPair) -> None:
    """Raises Problem when certificate and key are no pair or no PEM."""
    with tempfile.TemporaryDirectory(prefix="kubevirt-") as folder:
        path = Path(folder) / "pair.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pair.certificate.rstrip() + b"\n" + pair.key)
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as e:
            raise Problem(
                cause=f"the client certificate and key cannot be used: {e.reason or e}",
                remedy="check that both are PEM and belong together",
            ) from e


def exec_credentials(user: User, plugin: ExecPlugin) -> User:
    """The user with the credentials that its program prints. Blocks while the program runs."""
    request = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {**os.environ, **{v.name: v.value for v in plugin.env or ()}}
    environment["KUBERNETES_EXEC_INFO"] = msgspec.json.encode(request).decode()
    command = [plugin.command, *(plugin.args or ())]
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=EXEC_TIMEOUT_S)
        status = msgspec.json.decode(done.stdout, type=_ExecCredential).status
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as e:
        raise Problem(
            cause=f"the credential program {plugin.command} of the kubeconfig failed: {e}",
            remedy=" ".join(plugin.install_hint.split()) or "check that it is installed and works by itself",
        ) from e
    pair = status.client_certificate_data and status.client_key_data
    return msgspec.structs.replace(
        user,
        token=status.token,
        client_certificate_data=_encoded(status.client_certificate_data) if pair else "",
        client_key_data=_encoded(status.client_key_data) if pair else "",
    )


def _inline_or_file(data: str, path: str, what: str) -> bytes:
    """Inline base64 wins over the file; empty when neither is given."""
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as e:
            raise Problem(cause=f"the {what} in the kubeconfig is not base64", remedy="check the kubeconfig") from e
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as e:
        raise Problem(cause=f"the {what} {path} cannot be read: {e.strerror}",
                      remedy="check the path and its permissions") from e


def _authority_text(authority: bytes) -> str | None:
    """None lets the system's authorities decide, as for any other HTTPS server."""
    if not authority:
        return None
    text = authority.decode("ascii", "replace")
    if "-----BEGIN" not in text:
        raise Problem(cause="the certificate authority is not PEM", remedy="check the file or the kubeconfig")
    return text


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
