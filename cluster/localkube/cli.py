"""The command line of localkube."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click
from rich.table import Table

from localkube.cluster import Cluster
from localkube.errors import Problem
from localkube.layout import Layout
from localkube.progress import console


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A real Kubernetes on this machine: control plane, and one or more nodes in namespaces of their own.

    Its state lies in /var/lib/localkube, or in LOCALKUBE_DIR; several clusters can run beside each other that way.
    """


@cli.command()
@click.option("--nodes", type=click.IntRange(1, 16), default=None, help="At least so many (default: as before, or 1).")
def up(nodes: int | None) -> None:
    """Make the cluster run, whatever is there already."""
    cluster = Cluster()
    cluster.up(nodes=nodes or 0)
    console.print(f"     the cluster runs; [bold]export KUBECONFIG={cluster.layout.kubeconfig}[/]")


@cli.command()
@click.option("--purge", is_flag=True, help="Remove the state as well: objects, volumes, images.")
def down(purge: bool) -> None:
    """Stop everything; the state is kept for the next `up`."""
    Cluster().down(purge=purge)


@cli.command()
def status() -> None:
    """Show every component; the exit code is 1 when one of them does not do its work."""
    found = Cluster().status()
    if not found:
        click.echo(f"there is no cluster in {Layout.from_environment().root}")
        sys.exit(1)
    table = Table(box=None, header_style="bold")
    for title in ("WHERE", "WHAT", "STATE"):
        table.add_column(title)
    for entry in found:
        table.add_row(entry.where, entry.name, f"[{'green' if entry.good else 'red'}]{entry.state}[/]")
    console.print(table)
    sys.exit(0 if all(entry.good for entry in found) else 1)


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def kubectl(arguments: tuple[str, ...]) -> None:
    """Run the cluster's own kubectl as administrator."""
    _become_kubectl(list(arguments))


def _become_kubectl(arguments: list[str]) -> NoReturn:
    layout = Layout.from_environment()
    program = layout.bin / "kubectl"
    if not program.exists() or not layout.kubeconfig.exists():
        raise Problem(cause=f"there is no cluster in {layout.root}", remedy="'localkube up' makes one")
    os.execve(program, ["kubectl", *arguments], {**os.environ, "KUBECONFIG": str(layout.kubeconfig)})  # noqa: S606


@cli.command()
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "under", default="", metavar="NAME", help="Load the one image of the archive under this name.")
def load(archives: tuple[Path, ...], under: str) -> None:
    """Load images from tar files (OCI layout or docker save) into the cluster's registry."""
    for name in Cluster().load(list(archives), under=under):
        click.echo(name)


@cli.command()
@click.argument("component")
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows.")
def logs(component: str, follow: bool) -> None:
    """Print the log of a component: kube-apiserver, etcd, ..., node1/kubelet, node1/containerd, node1/kube-proxy."""
    path = Cluster().log_of(component)
    if follow:
        os.execvp("tail", ["tail", "-n", "100", "-F", str(path)])  # noqa: S606
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 16):
            sys.stdout.buffer.write(chunk)


@cli.command()
def kubeconfig() -> None:
    """Print where the administrator's kubeconfig is."""
    click.echo(str(Layout.from_environment().kubeconfig))


@cli.command("audit-log")
def audit_log() -> None:
    """Print where the API server's audit log is: one JSON line for each request, without its body."""
    click.echo(str(Layout.from_environment().audit_log))


@cli.command()
@click.argument("program")
def which(program: str) -> None:
    """Print where a program of the cluster is, such as kubectl."""
    path = Layout.from_environment().bin / program
    if not path.exists():
        raise Problem(cause=f"there is no program {program!r} in {path.parent}", remedy="'localkube up' fills it")
    click.echo(str(path))


@cli.group()
def node() -> None:
    """Add nodes, and let them fail."""


@node.command("add")
@click.argument("name")
def node_add(name: str) -> None:
    """Add a node to the running cluster."""
    Cluster().add_node(name)


@node.command("stop")
@click.argument("name")
def node_stop(name: str) -> None:
    """Let a node lose its power: all of it ends at once."""
    Cluster().stop_node(name)


@node.command("start")
@click.argument("name")
def node_start(name: str) -> None:
    """Switch a node on again, or connect it again."""
    Cluster().start_node(name)


@node.command("partition")
@click.argument("name")
def node_partition(name: str) -> None:
    """Cut a node's network; it runs on by itself."""
    Cluster().partition_node(name)


def main() -> None:
    """Run, and print a Problem as its cause and its remedy."""
    try:
        if sys.argv[1:2] == ["kubectl"]:
            # click would keep the "--" that kubectl exec needs for itself.
            _become_kubectl(sys.argv[2:])
        cli(prog_name="localkube")
    except Problem as problem:
        console.print(f"[red]localkube:[/] {problem.cause}", markup=True)
        if problem.remedy:
            console.print(f"  [bold]what to do:[/] {problem.remedy}")
        sys.exit(1)
