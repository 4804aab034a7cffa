"""Where a cluster is and how one shows who one is: the result of reading a kubeconfig or a pod's service account.

Kept apart from the reading (`config`) and from the sending (`transport`). Credentials that live in files are read
again as they change: the kubelet renews a pod's token every hour.
"""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubevirt.kit.errors import Problem

TOKEN_REREAD_S = 60.0


@dataclass(frozen=True, kw_only=True)
class ClusterAccess:
    """One cluster seen as one user. `proxy`, `tls_server_name`: empty for none. `request_timeout_s`: 0 for none."""

    server: str
    ssl_context: ssl.SSLContext | None = None
    namespace: str = "default"
    namespace_was_given: bool = False
    bearer: Callable[[], str] | None = None
    basic: tuple[str, str] | None = None
    has_client_certificate: bool = False
    impersonation: tuple[tuple[str, str], ...] = ()
    proxy: str = ""
    tls_server_name: str = ""
    request_timeout_s: float = 0.0

    def headers(self) -> list[tuple[str, str]]:
        """Headers that go on every request; a name may come several times. May read a token file."""
        headers = list(self.impersonation)
        if self.bearer is not None:
            headers.append(("Authorization", f"Bearer {self.bearer()}"))
        elif self.basic is not None:
            pair = ":".join(self.basic).encode()
            headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
        return headers

    @property
    def has_credentials(self) -> bool:
        return self.bearer is not None or self.basic is not None or self.has_client_certificate


class TokenFile:
    """The token in a file, read again once a minute. The last good one serves while the file is being changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._token = ""
        self._read_at = float("-inf")

    def __call__(self) -> str:
        if self._clock() - self._read_at >= TOKEN_REREAD_S:
            self._read()
        return self._token

    def _read(self) -> None:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except OSError as e:
            if self._token:
                return
            raise Problem(
                cause=f"the token file {self._path} cannot be read: {e.strerror}",
                remedy="check the path and its permissions, or give a token with --token",
            ) from e
        if token:
            self._token = token
            self._read_at = self._clock()
