"""`virt-operator`: installs the add-on into a cluster, prints what it would install, and removes it again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime

import click
import yaml

from kubevirt.api.names import INSTALL_NAMESPACE
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.virt_operator import objects
from kubevirt.virt_operator.install import install
from kubevirt.virt_operator.progress import Progress
from kubevirt.virt_operator.secrets import plan
from kubevirt.virt_operator.settings import DEFAULT_IMAGE, VERSION, Installation
from kubevirt.virt_operator.uninstall import uninstall

_image = click.option("--image", default=DEFAULT_IMAGE, show_default=True, help="Image of the add-on's programs.")
_namespace = click.option("--namespace", default=INSTALL_NAMESPACE, show_default=True, help="Where it is installed.")
_kubeconfig = click.option("--kubeconfig", default="", help="Kubeconfig file; else as kubectl chooses, or the pod's.")
_context = click.option("--context", default="", help="Context of the kubeconfig.")
_timeout = click.option("--timeout", "timeout_s", default=180.0, show_default=True, help="Seconds to wait.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="virt-operator")
def main() -> None:
    """Virtual machines for a Kubernetes cluster: install, show what is installed, remove."""


@main.command()
@_image
@_namespace
def manifests(image: str, namespace: str) -> None:
    """Print the whole installation as YAML, with fresh certificates (good for a year): for a look, or for GitOps."""
    installation = Installation(image=image, namespace=namespace)
    trust = plan(installation, {}, b"", datetime.now(UTC))
    documents = [
        objects.managed(objects.namespace_object(namespace)),
        *objects.foundations(installation),
        *objects.definitions(),
        *objects.trust_objects(trust),
        objects.kubevirt_object(namespace),
        *objects.programs(installation, trust),
    ]
    yaml.dump_all(documents, sys.stdout, Dumper=_Plain, sort_keys=False, explicit_start=True)


@main.command(name="install")
@_image
@_namespace
@_kubeconfig
@_context
@_timeout
def install_command(image: str, namespace: str, kubeconfig: str, context: str, timeout_s: float) -> None:
    """Install into a cluster, or bring an installation up to date, and wait until it works."""
    progress = Progress()

    async def work() -> None:
        access = load_access(ConfigFlags(kubeconfig=kubeconfig, context=context))
        async with Client(access, program=objects.MANAGER) as client:
            await install(client, image=image, namespace=namespace, timeout_s=timeout_s, progress=progress)

    _run(work(), progress)


@main.command(name="uninstall")
@_namespace
@_kubeconfig
@_context
@_timeout
@click.option("--force", is_flag=True, help="Delete virtual machines that are still there.")
def uninstall_command(namespace: str, kubeconfig: str, context: str, timeout_s: float, *, force: bool) -> None:
    """Remove the add-on from a cluster."""
    progress = Progress()

    async def work() -> None:
        access = load_access(ConfigFlags(kubeconfig=kubeconfig, context=context))
        async with Client(access, program=objects.MANAGER) as client:
            await uninstall(client, namespace=namespace, force=force, timeout_s=timeout_s, progress=progress)

    _run(work(), progress)


def _run(work: Coroutine[object, object, None], progress: Progress) -> None:
    logs.setup("virt-operator", level="warning")
    try:
        asyncio.run(work)
    except Problem as e:
        progress.bad(str(e))
        sys.exit(1)
    except KeyboardInterrupt:
        progress.bad("interrupted; run it again to go on")
        sys.exit(130)


class _Plain(yaml.CSafeDumper):
    """YAML without anchors, and with several lines as a block. (The C dumper is ten times as fast.)"""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)

if __name__ == "__main__":
    main()
