"""`--volume-import`: a volume filled from elsewhere, as a dataVolumeTemplate of the machine. A table by type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.create.params import Params, random_name, split_prefix

FLAG = "volume-import"
INFERABLE = frozenset({"pvc", "registry", "snapshot", "ds"})
"""What an instance type or preference can be inferred from."""
WITHOUT_SIZE = frozenset({"pvc", "snapshot", "ds"})


@dataclass(frozen=True, kw_only=True)
class Import:
    """A data volume to be made."""

    name: str
    boot_order: int | None
    template: JsonObject
    is_inferable: bool


def parse_import(text: str) -> Import:
    """Read one `--volume-import`."""
    params = Params(FLAG, text)
    type_ = params.needed("type")
    read = SOURCES.get(type_)
    if read is None:
        raise params.problem(f'invalid volume import type "{type_}", see help for supported values')
    name = params.text("name") or random_name("imported-volume")
    boot_order, size = params.number("bootorder"), params.quantity("size")
    source = read(params)
    if size is None and type_ not in WITHOUT_SIZE:
        raise params.problem("size must be specified")
    params.finish()
    if boot_order == 0:
        raise params.problem("bootorder must be greater than 0")
    storage: JsonObject = {"resources": {"requests": {"storage": size}}} if size is not None else {"resources": {}}
    spec: JsonObject = {"storage": storage, **source}
    return Import(
        name=name,
        boot_order=boot_order,
        template={"metadata": {"name": name}, "spec": spec},
        is_inferable=type_ in INFERABLE,
    )


def _blank(_params: Params) -> JsonObject:
    return {"source": {"blank": {}}}


def _http(params: Params) -> JsonObject:
    url = params.text("url")
    if not url:
        raise params.problem("url is required with http volume source")
    headers: list[Json] = list(params.entries("extraheaders"))
    secret_headers: list[Json] = list(params.entries("secretextraheaders"))
    return _source("http", url=url, certConfigMap=params.text("certconfigmap"), secretRef=params.text("secretref"),
                   extraHeaders=headers, secretExtraHeaders=secret_headers)


def _bucket(kind: str) -> Callable[[Params], JsonObject]:
    def read(params: Params) -> JsonObject:
        url = params.text("url")
        if not url:
            raise params.problem(f"url is required with {kind} volume source")
        certificate = params.text("certconfigmap") if kind == "s3" else ""
        return _source(kind, url=url, certConfigMap=certificate, secretRef=params.text("secretref"))

    return read


def _imageio(params: Params) -> JsonObject:
    url, disk = params.text("url"), params.text("diskid")
    if not url or not disk:
        raise params.problem("url and diskid are both required with imageio volume source")
    return _source("imageio", url=url, diskId=disk, certConfigMap=params.text("certconfigmap"),
                   secretRef=params.text("secretref"))


def _registry(params: Params) -> JsonObject:
    url, stream, method = params.text("url"), params.text("imagestream"), params.text("pullmethod")
    if bool(url) == bool(stream):
        raise params.problem("exactly one of url or imagestream must be defined")
    if method not in ("", "pod", "node"):
        raise params.problem("pullmethod must be set to pod or node")
    return _source("registry", url=url, imageStream=stream, pullMethod=method,
                   certConfigMap=params.text("certconfigmap"), secretRef=params.text("secretref"))


def _vddk(params: Params) -> JsonObject:
    found = {}
    for key, member in (("backingfile", "backingFile"), ("secretref", "secretRef"), ("thumbprint", "thumbprint"),
                        ("url", "url"), ("uuid", "uuid")):
        found[member] = params.text(key)
    for key, member in (("url", "url"), ("uuid", "uuid"), ("thumbprint", "thumbprint"), ("secretref", "secretRef"),
                        ("backingfile", "backingFile")):
        if not found[member]:
            raise params.problem(f"{key} is required with vddk volume source")
    return _source("vddk", initImageURL=params.text("initimageurl"), **found)


def _clone(kind: str) -> Callable[[Params], JsonObject]:
    def read(params: Params) -> JsonObject:
        namespace, name = split_prefix(FLAG, params.needed("src"), within="src invalid: ")
        if not namespace:
            raise params.problem(f'namespace of {kind} "{name}" must be specified')
        return _source(kind, name=name, namespace=namespace)

    return read


def _data_source(params: Params) -> JsonObject:
    namespace, name = split_prefix(FLAG, params.needed("src"))
    reference: JsonObject = {"kind": "DataSource", "name": name}
    if namespace:
        reference["namespace"] = namespace
    return {"sourceRef": reference}


def _source(kind: str, **members: Json) -> JsonObject:
    return {"source": {kind: {key: value for key, value in members.items() if value}}}


SOURCES: dict[str, Callable[[Params], JsonObject]] = {
    "blank": _blank,
    "http": _http,
    "gcs": _bucket("gcs"),
    "s3": _bucket("s3"),
    "imageio": _imageio,
    "registry": _registry,
    "vddk": _vddk,
    "pvc": _clone("pvc"),
    "snapshot": _clone("snapshot"),
    "ds": _data_source,
}
