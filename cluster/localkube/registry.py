"""Pushing images into the cluster's registry, over its HTTP API, and telling containerd to ask there first.

An image of `quay.io/a/b:c` is kept as repository `quay.io/a/b`, so names of different registries never meet. Each
registry of which an image was loaded gets a hosts.toml; containerd reads it at every pull, and goes on to the real
registry for what is not here.
"""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import IO

from localkube.errors import Problem
from localkube.image_archive import Archive, Blob, Image, split_name
from localkube.layout import Layout, Settings

SERVERS = {"docker.io": "https://registry-1.docker.io"}


class Registry:
    """A connection to the registry at `address` ("172.30.0.1:5000"); closed at the end of its `with`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = http.client.HTTPConnection(address, timeout=120)

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def wait(self, *, within_s: float = 120) -> None:
        deadline = time.monotonic() + within_s
        while True:
            try:
                self._request("GET", "/v2/")
            except OSError as refused:
                self._connection.close()
                if time.monotonic() > deadline:
                    raise Problem(
                        cause=f"the registry at {self._address} does not answer: {refused}",
                        remedy="see 'localkube logs registry'; 'localkube up' starts the cluster",
                    ) from refused
                time.sleep(0.05)
            else:
                return

    def push(self, archive: Archive, image: Image, name: str) -> None:
        """Push what the registry lacks of an image, under one full name."""
        host, path, tag = split_name(name)
        repository = f"{host}/{path}"
        for blob in image.blobs:
            if self._request("HEAD", f"/v2/{repository}/blobs/{blob.digest}")[0] != 200:
                self._push_blob(repository, archive, blob)
        for manifest in image.manifests:
            references = [manifest.digest] + ([tag] if manifest is image.manifests[-1] else [])
            for reference in references:
                status, text, _ = self._request(
                    "PUT", f"/v2/{repository}/manifests/{reference}", manifest.data,
                    {"Content-Type": manifest.media_type},
                )  # fmt: skip
                if status != 201:
                    raise Problem(cause=f"the registry refused the manifest of {name}: {text[:500]!r}")

    def digest(self, name: str) -> str:
        """The digest that the registry has for a name; "" when it does not know it."""
        host, path, tag = split_name(name)
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*"}
        status, _, headers = self._request("HEAD", f"/v2/{host}/{path}/manifests/{tag}", None, accept)
        return headers.get("Docker-Content-Digest", "") if status == 200 else ""

    def _push_blob(self, repository: str, archive: Archive, blob: Blob) -> None:
        status, text, headers = self._request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        if status != 202:
            raise Problem(cause=f"the registry takes no uploads: {status} {text[:500]!r}")
        place = headers["Location"].split(self._address, 1)[-1]
        place += ("&" if "?" in place else "?") + f"digest={blob.digest}"
        body: bytes | IO[bytes] = archive.open(blob) if blob.member else blob.data
        sizes = {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}
        status, text, _ = self._request("PUT", place, body, sizes)
        if status != 201:
            raise Problem(cause=f"the registry refused {blob.digest} of {archive.path}: {status} {text[:500]!r}")

    def _request(
        self, method: str, path: str, body: bytes | IO[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        self._connection.request(method, path, body, headers or {})
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers


def mirror(layout: Layout, settings: Settings, host: str) -> None:
    """Let every node ask the cluster's registry first for images of the registry `host`."""
    path: Path = layout.certs_d / host / "hosts.toml"
    text = (
        f'server = "{SERVERS.get(host, f"https://{host}")}"\n\n'
        f'[host."http://{settings.registry}/v2/{host}"]\n'
        '  capabilities = ["pull", "resolve"]\n'
        "  override_path = true\n"
    )
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
