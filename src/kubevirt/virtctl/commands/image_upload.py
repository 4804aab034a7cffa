"""`virtctl image-upload`: a disk image of this machine into a claim or a data volume of the cluster.

The flags and their rules are here; the steps are in `virtctl.upload`.
"""

from __future__ import annotations

import click

from kubevirt.kit.errors import Problem
from kubevirt.kit.quantity import Quantity
from kubevirt.virtctl.errors import CommandError, given_flags
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import run
from kubevirt.virtctl.upload.order import Order

DEPRECATED = {
    "pvc-name": "specify the name as the second argument instead.",
    "pvc-size": "use --size instead.",
    "block-volume": "specify volume mode (filesystem/block) with --volume-mode instead.",
}


@command("image-upload", help="Upload a disk image into a claim or a data volume.")
@click.argument("words", nargs=-1, metavar="dv|pvc NAME")
@click.option("--image-path", default="", metavar="PATH", help="The image")
@click.option("--archive-path", default="", metavar="PATH", help="A tar archive of files instead of an image")
@click.option("--size", default="", help="Size of the volume to create")
@click.option("--no-create", is_flag=True, help="Do not create a volume; it exists")
@click.option("--uploadproxy-url", default="", metavar="URL", help="Where to upload to; default: what CDI says")
@click.option("--wait-secs", type=int, default=300, help="How long to wait for the upload to be possible")
@click.option("--datasource", is_flag=True, help="Make a data source of the volume afterwards")
@click.option("--storage-class", default="", help="Storage class of the created volume")
@click.option("--access-mode", default="", help="Access mode of the created volume")
@click.option("--volume-mode", default="", help="block or filesystem")
@click.option("--force-bind", is_flag=True, help="Bind the volume now, also where it waits for its first user")
@click.option("--insecure", is_flag=True, help="Do not check the server's certificate")
@click.option("--retry", type=int, default=5, help="How often a failed upload is tried again")
@click.option("--default-instancetype", default="", help="Instance type for machines that boot from the volume")
@click.option("--default-instancetype-kind", default="", help="Its kind")
@click.option("--default-preference", default="", help="Preference for machines that boot from the volume")
@click.option("--default-preference-kind", default="", help="Its kind")
@click.option("--pvc-name", default="", hidden=True)
@click.option("--pvc-size", default="", hidden=True)
@click.option("--block-volume", is_flag=True, hidden=True)
@click.pass_context
def image_upload(ctx: click.Context, /, words: tuple[str, ...], **given: object) -> None:
    """Make the volume, upload, wait until the image has been taken in."""
    used = given_flags(ctx)
    for name, hint in DEPRECATED.items():
        if name in used:
            click.echo(f"Flag --{name} has been deprecated, {hint}")
    order = _order(words, given)
    from kubevirt.virtctl.upload.steps import upload

    flags: Globals = ctx.obj
    run(flags, lambda session: upload(session, order), waiting_for="the upload")


def _order(words: tuple[str, ...], given: dict[str, object]) -> Order:
    text = {name: str(value) for name, value in given.items() if isinstance(value, str)}
    kind, name = _target(words, text["pvc_name"])
    if text["size"] and text["pvc_size"]:
        raise CommandError("--pvc-size and --size can not be specified at the same time")
    if not text["image_path"] and not text["archive_path"]:
        raise CommandError("either image-path or archive-path must be provided")
    if text["image_path"] and text["archive_path"]:
        raise CommandError("cannot handle both image-path and archive-path, provide only one")
    retry, wait_s = given["retry"], given["wait_secs"]
    assert isinstance(retry, int)  # noqa: S101 - declared as numbers above
    assert isinstance(wait_s, int)  # noqa: S101
    order = Order(
        kind=kind,
        name=name,
        path=text["image_path"] or text["archive_path"],
        is_archive=bool(text["archive_path"]),
        size=text["size"] or text["pvc_size"],
        create=not given["no_create"],
        proxy_url=text["uploadproxy_url"],
        wait_s=float(wait_s),
        datasource=bool(given["datasource"]),
        storage_class=text["storage_class"],
        access_mode=text["access_mode"],
        volume_mode=_volume_mode(text["volume_mode"], bool(given["block_volume"]), bool(text["archive_path"])),
        force_bind=bool(given["force_bind"]),
        insecure=bool(given["insecure"]),
        retry=retry,
        instancetype=(text["default_instancetype"], text["default_instancetype_kind"]),
        preference=(text["default_preference"], text["default_preference_kind"]),
    )
    _check_defaults(order)
    if order.access_mode == "ReadOnlyMany":
        raise CommandError("cannot upload to a readonly volume, use either ReadWriteOnce or ReadWriteMany if supported")
    if order.size:
        try:
            Quantity(order.size)
        except Problem as e:
            raise CommandError(f"validation failed for size={order.size}: {e}") from e
    return order


def _target(words: tuple[str, ...], pvc_name: str) -> tuple[str, str]:
    if pvc_name:
        if words:
            raise CommandError("cannot use --pvc-name and args")
        return "pvc", pvc_name
    if len(words) != 2:
        raise CommandError("expecting two args")
    kind = words[0].lower()
    if kind not in ("dv", "pvc"):
        raise CommandError(f"invalid resource type {words[0]}")
    return kind, words[1]


def _volume_mode(mode: str, block: bool, archive: bool) -> str:
    if mode not in ("", "block", "filesystem"):
        raise CommandError(f"Invalid volume mode '{mode}'. Valid values are 'block' and 'filesystem'.")
    if block and mode == "filesystem":
        raise CommandError(f"incompatible --volume-mode '{mode}' and --block-volume")
    if archive and (block or mode == "block"):
        raise CommandError("In archive upload the volume mode should always be filesystem")
    if block or mode == "block":
        return "Block"
    return "Filesystem" if mode or archive else ""


def _check_defaults(order: Order) -> None:
    for (name, kind), flag in ((order.instancetype, "instancetype"), (order.preference, "preference")):
        if kind and not name:
            raise CommandError(f"--default-{flag} must be provided with --default-{flag}-kind")
    if not order.create and (order.instancetype[0] or order.preference[0]):
        raise CommandError("--default-instancetype and --default-preference cannot be used with --no-create")
