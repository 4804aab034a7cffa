"""`virtctl memory-dump`: a guest's memory into a claim, and from there into a file."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import click
import msgspec

from kubevirt.kit.json import JsonObject, dig
from kubevirt.kit.quantity import Quantity
from kubevirt.kube.errors import ApiError, NotFound
from kubevirt.virtctl.claims import claim, dump_size, overhead_of
from kubevirt.virtctl.errors import CommandError, count_error
from kubevirt.virtctl.export.order import Order
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target

ACTIONS = ("get", "download", "remove")
POLL_S = 2.0
COMPLETE_WITHIN_S = 600.0
DOWNLOAD_RETRIES = 2
CDI_CONFIG = "/apis/cdi.kubevirt.io/v1beta1/cdiconfigs/config"
NO_SUCH_MODE = "invalid access mode, use either ReadWriteOnce or ReadWriteMany if supported"
READ_ONLY = "cannot dump memory to a readonly pvc, use either ReadWriteOnce or ReadWriteMany if supported"


@command("memory-dump", help="Dump a guest's memory into a claim, download a dump, or let its claim go.")
@click.argument("words", nargs=-1, metavar="get|download|remove VM")
@click.option("--claim-name", default="", metavar="NAME", help="The claim; without it the one used before")
@click.option("--create-claim", is_flag=True, help="Create the claim first, large enough")
@click.option("--storage-class", default="", help="Storage class of the created claim")
@click.option("--access-mode", default="", help="Access mode of the created claim")
@click.option("--output", default="", metavar="PATH", help="File to download the dump to")
@click.option("--format", "format_", default="", help="raw unpacks the download")
@click.option("--port-forward", is_flag=True, help="Download through a forwarded port")
@click.option("--local-port", type=int, default=0, help="The port here; 0 takes any free one")
@click.pass_obj
def memory_dump(flags: Globals, words: tuple[str, ...], claim_name: str, create_claim: bool, storage_class: str,
                access_mode: str, output: str, format_: str, port_forward: bool, local_port: int) -> None:
    """Do what the first word says with the machine that the second one names."""
    if len(words) != 2:
        raise count_error(len(words), 2, 2)
    action, name = words
    if action not in ACTIONS:
        raise CommandError(f"invalid action type {action}")
    target = Target(kind=Kind.VM, name=name)
    if create_claim and not claim_name:
        raise CommandError("missing claim name")
    if action == "download" and not output:
        raise CommandError("missing outputFile to download the memory dump")
    order = Order(name="", output=output, format="raw" if format_ == "raw" else "gzip", insecure=True,
                  port_forward=port_forward, local_port=local_port, retry=DOWNLOAD_RETRIES)  # fmt: skip

    async def work(session: Session) -> None:
        if action == "remove":
            await _remove(session, target)
            return
        if action == "get":
            if create_claim:
                await _create_claim(session, target, claim_name, storage_class, access_mode)
            await _get(session, target, claim_name)
        if output:
            await _download(session, target, order)

    run(flags, work, waiting_for="the memory dump")


async def _get(session: Session, target: Target, claim_name: str) -> None:
    with session.explaining("error dumping vm memory, {}"):
        await session.put_subresource(target, "memorydump", {"claimName": claim_name, "phase": ""})
    click.echo(f"Successfully submitted memory dump request of VM {target.name}")


async def _remove(session: Session, target: Target) -> None:
    with session.explaining("error removing memory dump association, {}"):
        await session.client.raw("PUT", session.subresource_path(target, "removememorydump"))
    click.echo(f"Successfully submitted remove memory dump association of VM {target.name}")


async def _create_claim(session: Session, target: Target, name: str, storage_class: str, access_mode: str) -> None:
    if access_mode == "ReadOnlyMany":
        raise CommandError(READ_ONLY)
    if access_mode not in ("", "ReadWriteOnce", "ReadWriteMany"):
        raise CommandError(NO_SUCH_MODE)
    if dig(await session.get(target), "status", "memoryDumpRequest") is not None:
        raise CommandError("please remove current memory dump association before creating a new claim for a new "
                           "memory dump")  # fmt: skip
    claims = f"/api/v1/namespaces/{session.namespace}/persistentvolumeclaims"
    try:
        await session.read(f"{claims}/{name}")
    except NotFound:
        pass
    else:
        raise CommandError(f"PVC {session.namespace}/{name} already exists, check if it should be created if not "
                           "remove create flag")  # fmt: skip
    vmi = await session.get(Target(kind=Kind.VMI, name=target.name))
    memory = dig(vmi, "spec", "domain", "resources", "requests", "memory") or dig(
        vmi, "spec", "domain", "memory", "guest"
    )
    config = await _cdi_config(session)
    if config is None:
        click.echo("Using default 5.5%% filesystem overhead for pvc size")
    size = Quantity.of_bytes(dump_size(Quantity(str(memory or "0")), overhead_of(config, storage_class)))
    made = claim(name, size=str(size), access_mode=access_mode, storage_class=storage_class)
    await session.client.raw("POST", claims, body=msgspec.json.encode(made))
    click.echo(f"PVC {session.namespace}/{name} created")


async def _cdi_config(session: Session) -> JsonObject | None:
    try:
        return await session.read(CDI_CONFIG)
    except ApiError:
        return None  # a cluster without it, or a user who may not read it


async def _download(session: Session, target: Target, order: Order) -> None:
    from kubevirt.virtctl.export import work

    claim_name = await _completed(session, target)
    name = f"export-{target.name}-{claim_name}"
    await work.download(session, replace(order, name=name, kind="pvc", source=claim_name))


async def _completed(session: Session, target: Target) -> str:
    """The claim with the dump, once that is complete."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + COMPLETE_WITHIN_S
    while True:
        request = dig(await session.get(target), "status", "memoryDumpRequest")
        phase, name = dig(request, "phase"), str(dig(request, "claimName") or "")
        if phase == "Completed":
            click.echo("Memory dump completed successfully")
            return name
        if phase == "Failed":
            raise CommandError(f"the memory dump failed: {dig(request, 'message') or 'no reason given'}")
        click.echo(f"Waiting for memorydump {name} to complete, current phase: {phase or ''}...")
        if loop.time() > deadline:
            raise CommandError("context deadline exceeded")
        await asyncio.sleep(POLL_S)
