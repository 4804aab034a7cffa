"""`virtctl guestfs`: a shell with the libguestfs tools beside a claim, in a pod of its own that ends with the shell."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine

import click
import msgspec

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kube.errors import ApiError, NotFound
from kubevirt.virtctl.errors import CommandError, count_error
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.guestfs_pod import CONTAINER, Wanted, image_of, is_block, pod_name, pod_of, users_of_claim
from kubevirt.virtctl.pod_streams import attach
from kubevirt.virtctl.session import SUBRESOURCES, Session, run
from kubevirt.virtctl.targets import Kind, Target
from kubevirt.virtctl.terminal import raw_terminal

POLICIES = ("Always", "Never", "IfNotPresent")
POLL_S = 5.0
START_WITHIN_S = 500.0
ESCAPE = 29


@command("guestfs", help="Open a shell with the libguestfs tools beside a claim.")
@click.argument("names", nargs=-1, metavar="PVC")
@click.option("--image", default="", help="Image with the tools; default: what the server names")
@click.option("--pull-policy", default="IfNotPresent", help="Always, Never or IfNotPresent")
@click.option("--kvm/--no-kvm", default=True, help="Ask for KVM")
@click.option("--root", is_flag=True, help="Run as root")
@click.option("--uid", default="", help="User to run as")
@click.option("--gid", default="", help="Group to run as")
@click.option("--fsGroup", "fs_group", default="", help="Group of the claim's files")
@click.option("--vm", "vm_name", default="", metavar="NAME", help="Place the pod as this machine is placed")
@click.pass_obj
def guestfs(flags: Globals, names: tuple[str, ...], image: str, pull_policy: str, kvm: bool, root: bool, uid: str,
            gid: str, fs_group: str, vm_name: str) -> None:
    """Create the pod, join this terminal with it, delete it."""
    if len(names) != 1:
        raise count_error(len(names), 1, 1)
    if pull_policy not in POLICIES:
        raise CommandError(f"Invalid pull policy: {pull_policy}")
    wanted = Wanted(claim=names[0], image=image, pull_policy=pull_policy, kvm=kvm, root=root, uid=uid, gid=gid,
                    fs_group=fs_group)  # fmt: skip
    wanted.check()
    run(flags, lambda session: _work(session, wanted, vm_name), waiting_for="")


async def _work(session: Session, wanted: Wanted, vm_name: str) -> None:
    image = wanted.image or await _server_image(session)
    click.echo(f"Use image: {image} ")
    base = f"/api/v1/namespaces/{session.namespace}"
    try:
        found = await session.read(f"{base}/persistentvolumeclaims/{wanted.claim}")
    except NotFound as e:
        raise CommandError(f"The PVC {wanted.claim} doesn't exist") from e
    pods = dig(await session.read(f"{base}/pods"), "items")
    if users_of_claim(pods, wanted.claim):
        raise CommandError(f"PVC {wanted.claim} is used by another pod")
    placed_as = await session.get(Target(kind=Kind.VM, name=vm_name)) if vm_name else None
    pod = pod_of(wanted, image, block=is_block(found), placed_as=dig(placed_as, "spec", "template"))
    await session.client.raw("POST", f"{base}/pods", body=msgspec.json.encode(pod))
    path = f"{base}/pods/{pod_name(wanted.claim)}"
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await _until(_use(session, path, wanted, block=is_block(found)), stopped)
    finally:
        await session.client.raw("DELETE", path, query=[("gracePeriodSeconds", "0")])


async def _until(work: Coroutine[object, object, None], stopped: asyncio.Event) -> None:
    """Do the work, or leave it when a signal comes."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(stopped.wait())
    await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if working.done():
        working.result()
    else:
        working.cancel()
        await asyncio.wait((working,))


async def _use(session: Session, path: str, wanted: Wanted, *, block: bool) -> None:
    await _started(session, path)
    click.echo(f"The PVC has been mounted at {'/dev/vda' if block else '/disk'} ")
    click.echo("If you don't see a command prompt, try pressing enter.", err=True)
    with raw_terminal(sys.stdin.fileno()):
        await attach(session, pod_name(wanted.claim), CONTAINER, sys.stdin.fileno(), ESCAPE)


async def _started(session: Session, path: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_WITHIN_S
    while True:
        pod = await session.read(path)
        phase = dig(pod, "status", "phase")
        waiting = dig(pod, "status", "containerStatuses", 0, "state", "waiting")
        if phase == "Running" and waiting is None:
            return
        if phase not in ("Pending", "Running", None):
            ended = dig(pod, "status", "containerStatuses", 0, "state", "terminated", "message")
            told = f": {ended}" if ended else ""
            raise CommandError(f"Pod is not in running state but got {phase}{told}")
        click.echo(f"Waiting for container {CONTAINER} still in pending, reason: {dig(waiting, 'reason') or ''}, "
                   f"message: {dig(waiting, 'message') or ''} ")  # fmt: skip
        if loop.time() > deadline:
            name = path.rpartition("/")[2]
            raise CommandError(f"timeout in waiting for the containers to be started in pod {name}")
        await asyncio.sleep(POLL_S)


async def _server_image(session: Session) -> str:
    try:
        group: Json = await session.read(SUBRESOURCES)
        version = dig(group, "preferredVersion", "groupVersion")
        info: JsonObject = await session.read(f"/apis/{version}/guestfs")
    except ApiError as e:
        raise CommandError(f"could not get guestfs image info: {e.message}") from e
    return image_of(info)
