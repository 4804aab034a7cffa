"""`virtctl vmexport`: the disks of a machine as files, through an export's server."""

from __future__ import annotations

import click

from kubevirt.virtctl.errors import CommandError, count_error, exclude, given_flags
from kubevirt.virtctl.export.order import KINDS, Order, check
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import run, seconds


@command("vmexport", help="Create, delete or download the export of a machine, a snapshot or a claim.")
@click.argument("words", nargs=-1, metavar="create|delete|download NAME")
@click.option("--vm", default="", metavar="NAME", help="Export this machine")
@click.option("--snapshot", default="", metavar="NAME", help="Export this snapshot")
@click.option("--pvc", default="", metavar="NAME", help="Export this claim")
@click.option("--vmtemplate", default="", metavar="NAME", help="Export this template")
@click.option("--ttl", default="", metavar="DURATION", help="How long the export lives; the server's default is 2h")
@click.option("--labels", multiple=True, metavar="K=V,...", help="Labels of the export")
@click.option("--annotations", multiple=True, metavar="K=V,...", help="Annotations of the export")
@click.option("--output", default="", metavar="PATH", help="File to write to; - is standard output")
@click.option("--volume", default="", metavar="NAME", help="Volume to download, where there are several")
@click.option("--format", "format_", default="gzip", help="gzip, raw or oci")
@click.option("--insecure", is_flag=True, help="Do not check the server's certificate")
@click.option("--keep-vme", is_flag=True, help="Keep the export after the download")
@click.option("--delete-vme", is_flag=True, help="Delete the export after the download")
@click.option("--service-url", default="", metavar="HOST", help="Address of the export's server")
@click.option("--port-forward", is_flag=True, help="Reach the export's server through a forwarded port")
@click.option("--local-port", type=int, default=0, help="The port here; 0 takes any free one")
@click.option("--retry", type=int, default=0, help="How often a failed download is tried again")
@click.option("--readiness-timeout", default="2m", metavar="DURATION", help="How long to wait for the export")
@click.option("--manifest", is_flag=True, help="Download the manifests instead of a volume")
@click.option("--include-secret", is_flag=True, help="With the secret that the manifests refer to")
@click.option("--manifest-output-format", default="", help="yaml or json")
@click.pass_context
def vmexport(ctx: click.Context, /, words: tuple[str, ...], **given: object) -> None:
    """Do what the first word says with the export that the second one names."""
    if len(words) != 2:
        raise count_error(len(words), 2, 2)
    function, name = words
    exclude(ctx, tuple(KINDS), ("keep-vme", "delete-vme"))
    order = _order(name, given)
    check(function, given_flags(ctx), order)
    from kubevirt.virtctl.export import work

    do = {"create": work.create, "delete": work.delete, "download": work.download}[function]
    flags: Globals = ctx.obj
    run(flags, lambda session: do(session, order), waiting_for=f"{function} of the export")


def _order(name: str, given: dict[str, object]) -> Order:
    kind = next((flag for flag in KINDS if given[flag]), "")
    local_port, retry = given["local_port"], given["retry"]
    assert isinstance(local_port, int)  # noqa: S101 - declared as a number above
    assert isinstance(retry, int)  # noqa: S101
    return Order(
        name=name,
        kind=kind,
        source=str(given[kind]) if kind else "",
        ttl=str(given["ttl"]),
        labels=pairs(given["labels"], "labels"),
        annotations=pairs(given["annotations"], "annotations"),
        output=str(given["output"]),
        volume=str(given["volume"]),
        format=str(given["format_"]),
        insecure=bool(given["insecure"]),
        keep=bool(given["keep_vme"]),
        delete=bool(given["delete_vme"]),
        service_url=str(given["service_url"]),
        port_forward=bool(given["port_forward"]),
        local_port=local_port,
        retry=retry,
        readiness_timeout_s=seconds(str(given["readiness_timeout"]), "readiness-timeout"),
        manifest=bool(given["manifest"]),
        include_secret=bool(given["include_secret"]),
        manifest_format=str(given["manifest_output_format"]),
    )


def pairs(given: object, flag: str) -> dict[str, str]:
    """The map that a repeatable `k=v,k=v` flag makes."""
    found: dict[str, str] = {}
    texts = given if isinstance(given, tuple) else ()
    for pair in (pair for text in texts for pair in str(text).split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f'invalid argument "{pair}" for "--{flag}" flag: {pair} must be formatted as key=value')
        found[key] = value
    return found
