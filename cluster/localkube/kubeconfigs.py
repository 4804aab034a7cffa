"""kubeconfig files: each names the cluster's one server and carries one client certificate inside."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from localkube.layout import Layout, Settings


def write(layout: Layout, settings: Settings, path: Path, *, certificate: str) -> None:
    """Write `path` for the client certificate pki/<certificate>.crt; readable by root only."""

    def inline(name: str) -> str:
        return base64.b64encode((layout.pki / name).read_bytes()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": layout.tag,
                "cluster": {"server": settings.server, "certificate-authority-data": inline("ca.crt")},
            }
        ],
        "users": [
            {
                "name": certificate,
                "user": {
                    "client-certificate-data": inline(f"{certificate}.crt"),
                    "client-key-data": inline(f"{certificate}.key"),
                },
            }
        ],
        "contexts": [{"name": layout.tag, "context": {"cluster": layout.tag, "user": certificate}}],
        "current-context": layout.tag,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
