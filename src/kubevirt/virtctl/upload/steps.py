"""The steps of an upload: the volume, its readiness, the bytes, what becomes of them. Objects are made in `order`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kube.errors import NotFound
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.session import Session
from kubevirt.virtctl.upload.order import (
    CDI,
    CONTENT_TYPE,
    POD_PHASE,
    POD_READY,
    PRIME_CLAIM,
    UPLOAD_TARGET,
    USES_POPULATOR,
    Order,
    data_source,
    data_volume,
    upload_claim,
)
from kubevirt.virtctl.upload.sending import send_file

POLL_S = 2.0
PROCESSING_S = 24 * 3600.0
OPTIMISTIC_LOCK = "the object has been modified"
JSON_PATCH = "application/json-patch+json"


class Paths:
    """Where the objects of an upload are."""

    def __init__(self, session: Session) -> None:
        core = f"/api/v1/namespaces/{session.namespace}"
        cdi = f"/apis/{CDI}/namespaces/{session.namespace}"
        self.claims = f"{core}/persistentvolumeclaims"
        self.events = f"{core}/events"
        self.volumes = f"{cdi}/datavolumes"
        self.sources = f"{cdi}/datasources"


async def upload(session: Session, order: Order) -> None:
    """Everything, in order."""
    paths = Paths(session)
    if not Path(order.path).is_file():
        raise CommandError(f"open {order.path}: no such file or directory")
    found = await _read(session, f"{paths.claims}/{order.name}")
    if found is None:
        click.echo(f"PVC {session.namespace}/{order.name} not found ")
        if order.create:
            await _create(session, order, paths)
    else:
        await _check_existing(session, order, paths, found)
        click.echo(f"Using existing PVC {session.namespace}/{order.name}")
    session.progress.text = "waiting for the upload to be possible"
    await _until_ready(session, order, paths)
    url = await _proxy_url(session, order)
    click.echo(f"Uploading data to {url}")
    session.progress.text = "uploading"
    await send_file(session, order, url)
    if order.datasource:
        await _keep_data_source(session, order, paths)
    click.echo("Uploading data completed successfully, waiting for processing to complete, you can hit ctrl-c "
               "without interrupting the progress")  # fmt: skip
    session.progress.text = "waiting for the image to be processed"
    await _until_processed(session, order, paths)
    click.echo("Processing completed successfully")
    click.echo(f"Uploading {order.path} completed successfully")


async def _create(session: Session, order: Order, paths: Paths) -> None:
    if not order.size:
        raise CommandError("when creating a resource, the size must be specified")
    if order.storage_class:
        await session.read(f"/apis/storage.k8s.io/v1/storageclasses/{order.storage_class}")
    path, made = (paths.volumes, data_volume(order)) if order.is_dv else (paths.claims, upload_claim(order))
    await session.client.raw("POST", path, body=msgspec.json.encode(made))
    click.echo(f"{made['kind']} {session.namespace}/{order.name} created")


async def _check_existing(session: Session, order: Order, paths: Paths, claim: JsonObject) -> None:
    """Raises CommandError for a claim that cannot be uploaded into; marks it as a target where that is missing."""
    where = f"{session.namespace}/{order.name}"
    if order.is_dv:
        volume = await _read(session, f"{paths.volumes}/{order.name}")
        if volume is None:
            if _annotation(claim, POD_PHASE) == "Succeeded":
                raise CommandError(f"DataVolume already garbage-collected: Assuming PVC {where} is successfully "
                                   "populated")  # fmt: skip
            raise CommandError(f"No DataVolume is associated with the existing PVC {where}")
        if _annotation(volume, USES_POPULATOR) == "true" and (prime := _annotation(claim, PRIME_CLAIM)):
            claim = await session.read(f"{paths.claims}/{prime}")
    if _annotation(claim, POD_PHASE) == "Succeeded":
        raise CommandError(f"PVC {order.name} already successfully imported/cloned/updated")
    if order.is_archive and _annotation(claim, CONTENT_TYPE) != "archive":
        raise CommandError(f"PVC {order.name} doesn't have archive contentType annotation")
    if UPLOAD_TARGET in _annotations(claim):
        return
    if not order.is_dv and _annotations(claim).get("cdi.kubevirt.io/storage.populatedFor"):
        raise CommandError(f"PVC {order.name} already successfully populated")
    if order.is_dv:
        raise CommandError(f"PVC {order.name} not available for upload")
    metadata: JsonObject = dict(_object(claim.get("metadata")))
    metadata["annotations"] = {**_annotations(claim), UPLOAD_TARGET: ""}
    body = msgspec.json.encode({**claim, "metadata": metadata})
    await session.client.raw("PUT", f"{paths.claims}/{order.name}", body=body)


async def _until_ready(session: Session, order: Order, paths: Paths) -> None:
    """Wait until bytes can be sent. Raises CommandError when that cannot be, or takes too long."""
    loop = asyncio.get_running_loop()
    deadline, told = loop.time() + order.wait_s, False
    while not await _is_ready(session, order, paths):
        if not told:
            click.echo(f"Waiting for PVC {order.name} upload pod to be ready...")
            told = True
        _refuse_failed(await session.read(paths.events), order)
        if loop.time() > deadline:
            raise CommandError("context deadline exceeded")
        await asyncio.sleep(POLL_S)
    if told:
        click.echo("Pod now ready")


async def _is_ready(session: Session, order: Order, paths: Paths) -> bool:
    if not order.is_dv:
        claim = await _read(session, f"{paths.claims}/{order.name}")
        return claim is not None and _annotation(claim, POD_READY) == "true"
    volume = await _read(session, f"{paths.volumes}/{order.name}")
    if volume is None:
        click.echo(f"DV {order.name} not found... ")
        return False
    phase = dig(volume, "status", "phase")
    if phase in ("WaitForFirstConsumer", "PendingPopulation") and not order.force_bind:
        raise CommandError(
            f"cannot upload to DataVolume in {phase} phase, make sure the PVC is Bound, or use force-bind flag"
        )
    return phase == "UploadReady"


def _refuse_failed(events: JsonObject, order: Order) -> None:
    items = events.get("items")
    for event in items if isinstance(items, list) else []:
        if dig(event, "involvedObject", "name") != order.name:
            continue
        kind, reason = dig(event, "involvedObject", "kind"), dig(event, "reason")
        message = str(dig(event, "message") or "")
        if (kind, reason) == ("PersistentVolumeClaim", "ProvisioningFailed") and OPTIMISTIC_LOCK not in message:
            raise CommandError(f"Provisioning failed: {message}")
        if (kind, reason) == ("DataVolume", "ErrClaimNotValid"):
            raise CommandError(f"Claim not valid: {message}")


async def _proxy_url(session: Session, order: Order) -> str:
    url = order.proxy_url
    if not url:
        config = await session.read(f"/apis/{CDI}/cdiconfigs/config")
        url = str(dig(config, "spec", "uploadProxyURLOverride") or dig(config, "status", "uploadProxyURL") or "")
    if not url:
        raise CommandError("uploadproxy URL not found")
    return url if "://" in url else f"https://{url}"


async def _keep_data_source(session: Session, order: Order, paths: Paths) -> None:
    path = f"{paths.sources}/{order.name}"
    wanted = data_source(order, session.namespace)
    if await _read(session, path) is None:
        await session.client.raw("POST", paths.sources, body=msgspec.json.encode(wanted))
        click.echo(f"Created a new DataSource {session.namespace}/{order.name}")
        return
    operations: list[JsonObject] = []
    if labels := order.labels():
        operations.append({"op": "add", "path": "/metadata/labels", "value": labels})
    operations.append({"op": "add", "path": "/spec/source/pvc", "value": dig(wanted, "spec", "source", "pvc")})
    await session.client.raw("PATCH", path, body=msgspec.json.encode(operations), content_type=JSON_PATCH)
    click.echo(f"Updated an existing DataSource {session.namespace}/{order.name}")


async def _until_processed(session: Session, order: Order, paths: Paths) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PROCESSING_S
    while _annotation(await session.read(f"{paths.claims}/{order.name}"), POD_PHASE) != "Succeeded":
        if loop.time() > deadline:
            raise CommandError("Timed out waiting for post upload processing to complete, please check upload pod "
                               "status for progress")  # fmt: skip
        await asyncio.sleep(POLL_S)


async def _read(session: Session, path: str) -> JsonObject | None:
    try:
        return await session.read(path)
    except NotFound:
        return None


def _annotations(obj: JsonObject) -> JsonObject:
    return _object(dig(obj, "metadata", "annotations"))


def _annotation(obj: JsonObject, name: str) -> str:
    return str(_annotations(obj).get(name) or "")


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
