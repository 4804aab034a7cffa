"""TLS contexts from mounted certificate files, renewed as the files change.

The kubelet replaces the files of a mounted secret in place when the operator renews a certificate. Whether they have
changed is looked up when a connection is made, so no task watches files, and a renewed certificate (or a changed set
of authorities) counts from the next connection on. Open connections go on with what they began with.

Issuing certificates is the operator's; reading kubeconfigs is `credentials`'.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem

log = logs.get("tls")

CERTIFICATE = "tls.crt"
KEY = "tls.key"
AUTHORITIES = "ca-bundle"

_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class CertificateFiles:
    """Where a certificate, its key and the trusted authorities are mounted; the last is optional."""

    certificate: Path
    key: Path
    authorities: Path | None = None

    @classmethod
    def mounted(cls, secret: Path, authorities: Path | None = None) -> CertificateFiles:
        """The usual layout: a TLS secret's folder, and a folder with the `ca-bundle` ConfigMap."""
        return cls(
            certificate=secret / CERTIFICATE,
            key=secret / KEY,
            authorities=authorities / AUTHORITIES if authorities is not None else None,
        )

    def stamp(self) -> _Stamp:
        """Changes whenever a file was replaced or written."""
        files = [self.certificate, self.key, *([self.authorities] if self.authorities else [])]
        return tuple((s.st_ino, s.st_mtime_ns, s.st_size) for s in (file.stat() for file in files))


class _Reloaded:
    """A context that is built anew when its files have changed; the old one stays when the new files are no good."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._stamp: _Stamp | None = None
        self._context: ssl.SSLContext | None = None

    def current(self) -> ssl.SSLContext:
        """Raises Problem when there has never been a good set of files."""
        try:
            stamp = self._files.stamp()
            if self._context is None or stamp != self._stamp:
                self._context = self._build()
                if self._stamp is not None:
                    log.info("certificates were renewed", file=str(self._files.certificate))
                self._stamp = stamp
        except (OSError, ssl.SSLError) as e:
            if self._context is None:
                raise Problem(
                    cause=f"the certificates in {self._files.certificate.parent} cannot be used: {e}",
                    remedy="check that the operator has made the secret and that it is mounted there",
                ) from e
            # Half-written files: the next connection looks again.
            log.warning("renewed certificates cannot be used yet", file=str(self._files.certificate), cause=str(e))
        return self._context

    def _build(self) -> ssl.SSLContext:
        raise NotImplementedError


class ServerTls(_Reloaded):
    """For servers: `context` goes to the server once and hands each new connection the current certificates.

    With `authorities`, clients are asked for a certificate. It must then be signed by one of them if it is given;
    `client_required` refuses connections without one (else the program looks at the peer certificate itself).
    """

    def __init__(self, files: CertificateFiles, *, client_required: bool = False) -> None:
        super().__init__(files)
        self._client_required = client_required
        self.context = self.current()
        # Called at every handshake, whether or not the client names a server.
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self.current()

    def _build(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._files.certificate, self._files.key)
        if self._files.authorities is not None:
            context.load_verify_locations(self._files.authorities)
            context.verify_mode = ssl.CERT_REQUIRED if self._client_required else ssl.CERT_OPTIONAL
        return context


class ClientTls(_Reloaded):
    """For clients: `current()` for each new connection. The peer must be signed by `authorities`.

    Pods are reached by address while their certificates carry a role's name, so the name is checked where the
    connection is made (`server_hostname=`), not taken from the address.
    """

    def _build(self) -> ssl.SSLContext:
        if self._files.authorities is None:
            raise RuntimeError("a client needs to know the authorities it trusts")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self._files.authorities)
        context.load_cert_chain(self._files.certificate, self._files.key)
        return context
