"""The command `virt-handler`. Settings come from the pod's environment; flags are for running it by hand."""

import asyncio
import sys
from pathlib import Path

import click

from kubevirt.api import names
from kubevirt.kit import logs
from kubevirt.kube.program import ending_in_words, serve
from kubevirt.virt_handler.program import run
from kubevirt.virt_handler.settings import Settings


@click.command()
@click.option("--node-name", envvar="NODE_NAME", required=True, help="The Node that this runs on.")
@click.option("--namespace", envvar="KUBEVIRT_NAMESPACE", default=names.INSTALL_NAMESPACE, show_default=True,
              help="Namespace in which KubeVirt is installed.")
@click.option("--kubelet-dir", default="/var/lib/kubelet", show_default=True, type=click.Path(path_type=Path),
              help="The kubelet's directory, as it is mounted here.")
@click.option("--certificates-dir", default="/etc/virt-handler", show_default=True, type=click.Path(path_type=Path),
              help="Where the server's certificate and the authorities are mounted.")
@click.option("--max-devices", default=1000, show_default=True, help="How often each device can be given to pods.")
@click.option("--kubeconfig", default="", help="Run outside of a cluster with this kubeconfig.")
@click.option("--port", default=8186, show_default=True, help="Port for virt-api.")
@click.option("--health-port", default=8080, show_default=True, help="Port of /healthz.")
@click.option("--log-level", envvar="LOG_LEVEL", default="info", show_default=True,
              type=click.Choice(["debug", "info", "warning", "error"]))
def main(node_name: str, namespace: str, kubelet_dir: Path, certificates_dir: Path, max_devices: int, kubeconfig: str,
         port: int, health_port: int, log_level: str) -> None:
    """Run the virtual machines of one node: devices, networks, launchers, consoles."""
    logs.setup("virt-handler", log_level)
    settings = Settings(
        node=node_name,
        namespace=namespace,
        pods_dir=kubelet_dir / "pods",
        kubelet_dir=Path("/proc/1/root", *kubelet_dir.parts[1:]),
        device_plugins_dir=kubelet_dir / "device-plugins",
        server_certificate=certificates_dir / "servercertificates",
        authorities=certificates_dir / "ca",
        max_devices=max_devices,
        port=port,
        health_port=health_port,
    )
    with ending_in_words("virt-handler"):
        went_well = asyncio.run(serve(
            "virt-handler", kubeconfig, lambda client, stop, measures: run(client, settings, stop, measures)
        ))
    sys.exit(0 if went_well else 1)


if __name__ == "__main__":
    main()
