"""Create, delete and download exports: the requests, in their order, with what a user is told meanwhile."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

import click
import msgspec

from kubevirt.kit.json import JsonObject, dig
from kubevirt.kube.errors import AlreadyExists, NotFound
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.export.links import Link, is_ready, links_of, manifest_links, unpacks, volume_link
from kubevirt.virtctl.export.order import Order, export_of, secret_name, token_secret
from kubevirt.virtctl.export.transfer import TOKEN_HEADER, BadStatus, fetch, opened
from kubevirt.virtctl.pod_streams import forwarded
from kubevirt.virtctl.session import Session

POLL_S = 2.0
HTTPS = 443


def say(order: Order, text: str) -> None:
    """A message for people: never among the bytes of a download."""
    click.echo(text, err=order.output in ("", "-"))


async def create(session: Session, order: Order) -> None:
    """POST the export and its secret. Raises CommandError when it exists."""
    if await _found(session, order) is not None:
        raise CommandError(f"VirtualMachineExport '{session.namespace}/{order.name}' already exists")
    await _create(session, order)


async def _create(session: Session, order: Order) -> None:
    base = f"/apis/export.kubevirt.io/v1/namespaces/{session.namespace}/virtualmachineexports"
    body = await session.client.raw("POST", base, body=msgspec.json.encode(export_of(order)))
    made = msgspec.json.decode(body, type=JsonObject)
    secrets = f"/api/v1/namespaces/{session.namespace}/secrets"
    with suppress(AlreadyExists):  # that of an export that went before; its token serves as well
        await session.client.raw("POST", secrets, body=msgspec.json.encode(token_secret(order, made)))
    say(order, f"VirtualMachineExport '{session.namespace}/{order.name}' created successfully")


async def delete(session: Session, order: Order) -> None:
    """DELETE the export; one that does not exist is no error."""
    where = f"VirtualMachineExport '{session.namespace}/{order.name}'"
    try:
        await session.client.raw("DELETE", _path(session, order))
    except NotFound:
        say(order, f"{where} does not exist")
        return
    say(order, f"{where} deleted successfully")


async def download(session: Session, order: Order) -> None:
    """Everything from the export's creation to its deletion, again where the server's answer was a bad one."""
    for attempt in range(order.retry + 1):
        if attempt:
            say(order, "Retrying...")
            await asyncio.sleep(POLL_S)
        try:
            await _download_once(session, order)
        except BadStatus as e:
            say(order, e.message)
            if not order.retry:
                raise
        else:
            return
    raise CommandError("retry count reached, exiting unsuccessfully")


async def _download_once(session: Session, order: Order) -> None:
    created = False
    if order.kind and await _found(session, order) is None:
        await _create(session, order)
        created = True
    try:
        async with _reached(session, order) as reached:
            session.progress.text = "waiting for the export to be ready"
            export = await _ready(session, reached)
            await _copy(session, reached, export)
    finally:
        if not order.manifest and (order.delete or (created and not order.keep)):
            await delete(session, order)


async def _copy(session: Session, order: Order, export: JsonObject) -> None:
    headers = {TOKEN_HEADER: await _token(session, order, export)}
    links: list[Link]
    if order.manifest:
        links = manifest_links(export, order, session.namespace)
        headers["Accept"] = f"application/{order.manifest_format or 'yaml'}"
    else:
        links = [volume_link(export, order, session.namespace)]
    session.progress.text = "downloading"
    with opened(order.output or "-") as file:
        for link in links:
            unpack = not order.manifest and unpacks(link, order)
            if unpack:
                say(order, "Decompressing image:")
            await fetch(link, headers, file, session.progress, unpack=unpack, trust_all=order.trusts_all)
    say(order, "Download finished successfully")


async def _ready(session: Session, order: Order) -> JsonObject:
    """The export, once its links can be used. Raises CommandError when that takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + order.readiness_timeout_s
    where = "internal" if order.is_internal else "external"
    while True:
        export = await _found(session, order)
        if export is None:
            problem = f"couldn't get VM Export {order.name}, waiting for it to be created..."
        elif not is_ready(export, order):
            problem = f"waiting for VM Export {order.name} status to be ready..."
        elif links_of(export, order) is None:
            problem = f"waiting for VM Export {order.name} {where} links to be available..."
        else:
            return export
        say(order, problem)
        if loop.time() > deadline:
            raise CommandError("context deadline exceeded")
        await asyncio.sleep(POLL_S)


async def _token(session: Session, order: Order, export: JsonObject) -> str:
    name = dig(export, "status", "tokenSecretRef") or secret_name(order)
    secret = await session.read(f"/api/v1/namespaces/{session.namespace}/secrets/{name}")
    return base64.b64decode(str(dig(secret, "data", "token") or "")).decode()


@asynccontextmanager
async def _reached(session: Session, order: Order) -> AsyncIterator[Order]:
    """The order with the address at which the export's server can be reached from here."""
    if not order.port_forward:
        yield order
        return
    async with AsyncExitStack() as stack:
        pod, port = await _server(session, order)
        try:
            local = await stack.enter_async_context(forwarded(session, pod, port, order.local_port))
        except OSError as e:
            raise CommandError(f"listen tcp 127.0.0.1:{order.local_port}: {e.strerror or e}") from e
        say(order, "Port forwarding is ready.")
        yield replace(order, service_url=f"127.0.0.1:{local}")


async def _server(session: Session, order: Order) -> tuple[str, int]:
    """The pod behind the export's service, and its port for HTTPS."""
    base = f"/api/v1/namespaces/{session.namespace}"
    async with asyncio.timeout(order.readiness_timeout_s):
        while True:
            export = await _found(session, order)
            name = dig(export, "status", "serviceName")
            if name:
                break
            await asyncio.sleep(POLL_S)
    service = await session.read(f"{base}/services/{name}")
    selector = dig(service, "spec", "selector")
    labels = ",".join(f"{key}={value}" for key, value in selector.items()) if isinstance(selector, dict) else ""
    body = await session.client.raw("GET", f"{base}/pods", query=[("labelSelector", labels)])
    pod = dig(msgspec.json.decode(body, type=JsonObject), "items", 0)
    if pod is None:
        raise CommandError(f"no pods found for the service {name}")
    ports = dig(service, "spec", "ports")
    target = next(
        (dig(each, "targetPort") for each in (ports if isinstance(ports, list) else [])
         if dig(each, "port") == HTTPS), None
    )  # fmt: skip
    return str(dig(pod, "metadata", "name")), target if isinstance(target, int) else HTTPS


async def _found(session: Session, order: Order) -> JsonObject | None:
    try:
        return await session.read(_path(session, order))
    except NotFound:
        return None


def _path(session: Session, order: Order) -> str:
    return f"/apis/export.kubevirt.io/v1/namespaces/{session.namespace}/virtualmachineexports/{order.name}"
