"""Which of an export's links is the one to download, and whether what comes has to be unpacked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.export.order import Order

PACKED = ("gzip", "tar.gz")


@dataclass(frozen=True, kw_only=True)
class Link:
    """An address, whom to trust there (empty: everybody's usual authorities), and whether its bytes are packed."""

    url: str
    certificate: str = ""
    packed: bool = False


def is_ready(export: JsonObject, order: Order) -> bool:
    """Whether the export may be downloaded."""
    return dig(export, "status", "phase") == "Ready"


def links_of(export: JsonObject, order: Order) -> JsonObject | None:
    """The links that can be reached from where the user is."""
    found = dig(export, "status", "links", "internal" if order.is_internal else "external")
    return found if isinstance(found, dict) else None


def volume_link(export: JsonObject, order: Order, namespace: str) -> Link:
    """The link of the volume. Raises CommandError when there is none, or no one way to choose."""
    where = f"'{namespace}/{order.name}' VirtualMachineExport"
    links = links_of(export, order)
    volumes = _objects(dig(links, "volumes"))
    if links is None or not volumes:
        raise CommandError(f"unable to access the volume info from {where}")
    if not order.volume and len(volumes) > 1:
        raise CommandError(
            f"detected more than one downloadable volume in {where}: "
            "Select the expected volume using the --volume flag"
        )
    chosen = [each for each in volumes if not order.volume or each.get("name") == order.volume]
    listed = _objects(chosen[0].get("formats")) if chosen else []
    formats = [(str(each.get("format")), str(each.get("url") or "")) for each in listed]
    if order.format == "oci":
        url = next((url for name, url in formats if name == "oci"), "")
        if not url:
            raise CommandError(f"OCI export format not available for '{namespace}/{order.name}'")
        return _link(url, links, order, packed=False)
    packed = next((url for name, url in formats if name in PACKED), "")
    plain = next((url for name, url in formats if name == "raw"), "")
    if not packed and not plain:
        raise CommandError(f"unable to get a valid URL from {where}")
    return _link(packed or plain, links, order, packed=bool(packed))


def manifest_links(export: JsonObject, order: Order, namespace: str) -> list[Link]:
    """The links of the manifests that were asked for, in the order in which they are written out."""
    links = links_of(export, order)
    wanted = ["all", *(["auth-header-secret"] if order.include_secret else [])]
    urls = {str(each.get("type")): str(each.get("url") or "") for each in _objects(dig(links, "manifests"))}
    if links is None or not all(urls.get(each) for each in wanted):
        raise CommandError(f"unable to access the manifest info from '{namespace}/{order.name}' VirtualMachineExport")
    return [_link(urls[each], links, order, packed=False) for each in wanted]


def unpacks(link: Link, order: Order) -> bool:
    """Whether what comes is to be unpacked here: raw was asked for, and packed is offered."""
    return order.format == "raw" and link.packed


def _link(url: str, links: JsonObject, order: Order, *, packed: bool) -> Link:
    parts = urlsplit(url)
    if order.service_url:
        parts = parts._replace(netloc=order.service_url)
    return Link(url=urlunsplit(parts), certificate=str(links.get("cert") or ""), packed=packed)


def _objects(value: Json) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
