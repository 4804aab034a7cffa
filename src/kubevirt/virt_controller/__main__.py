"""The command `virt-controller`. Settings come from the pod's environment; flags are for running it by hand."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

import click

from kubevirt.api import names
from kubevirt.kit import logs
from kubevirt.kube.program import ending_in_words, serve
from kubevirt.virt_controller.program import Settings, run
from kubevirt.virt_controller.vm.in_step import Patterns, patterns_of


@click.command()
@click.option("--launcher-image", envvar="LAUNCHER_IMAGE", required=True, help="Image of the launcher pods.")
@click.option("--launcher-image-pull-policy", envvar="LAUNCHER_IMAGE_PULL_POLICY", default="",
              help="When the launcher image is pulled; empty for the cluster's configuration.")
@click.option("--namespace", envvar="KUBEVIRT_NAMESPACE", default=names.INSTALL_NAMESPACE, show_default=True,
              help="Namespace in which KubeVirt is installed.")
@click.option("--identity", envvar="POD_NAME", default="", help="Name to hold the lease by; by default made up.")
@click.option("--kubeconfig", default="", help="Run outside of a cluster with this kubeconfig.")
@click.option("--health-port", default=8080, show_default=True, help="Port of /healthz.")
@click.option("--additional-launcher-annotations-sync", "annotations", multiple=True, metavar="KEY",
              help="Annotation of a VM's template that its running instance follows: a key, or a prefix and *; commas "
                   "between several.")
@click.option("--additional-launcher-labels-sync", "labels", multiple=True, metavar="KEY",
              help="The same for a label.")
@click.option("--log-level", envvar="LOG_LEVEL", default="info", show_default=True,
              type=click.Choice(["debug", "info", "warning", "error"]))
def main(launcher_image: str, launcher_image_pull_policy: str, namespace: str, identity: str, kubeconfig: str,
         health_port: int, annotations: tuple[str, ...], labels: tuple[str, ...], log_level: str) -> None:
    """Turn VirtualMachines into VirtualMachineInstances, and those into launcher pods."""
    logs.setup("virt-controller", log_level)
    with ending_in_words("virt-controller"):
        settings = Settings(
            namespace=namespace,
            identity=identity or f"{socket.gethostname()}-{os.getpid()}",
            launcher_image=launcher_image,
            image_pull_policy=launcher_image_pull_policy,
            health_port=health_port,
            patterns=Patterns(annotations=patterns_of(annotations), labels=patterns_of(labels)),
        )
        went_well = asyncio.run(serve(
            "virt-controller", kubeconfig, lambda client, stop, measures: run(client, settings, stop, measures)
        ))
    sys.exit(0 if went_well else 1)


if __name__ == "__main__":
    main()
