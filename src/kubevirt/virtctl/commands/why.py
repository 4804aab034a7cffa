"""`virtctl why vm/NAME`: what a virtual machine waits for, since when, and what would end it.

A handful of reads, then a pure function (`explain.chain`). What the user may not read is left out, and said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

import click

from kubevirt.api import names
from kubevirt.api.core import PersistentVolumeClaim
from kubevirt.api.meta import OwnerReference
from kubevirt.api.resources import EVENTS, NODES, PODS, PVCS, VMIS, VMS
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.kit.json import JsonObject
from kubevirt.kube.errors import Forbidden, NotFound
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.explain.chain import explain
from kubevirt.virtctl.explain.facts import Facts
from kubevirt.virtctl.explain.finding import as_chain
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_target

DATA_VOLUMES = "/apis/cdi.kubevirt.io/v1beta1/namespaces/{namespace}/datavolumes"

T = TypeVar("T")


@command("why", help="Say what a virtual machine waits for, since when, and what to do.")
@click.argument("words", nargs=-1, metavar="vm/NAME | vmi/NAME | NAME")
@click.pass_obj
def why(flags: Globals, words: tuple[str, ...]) -> None:
    """Print the chain."""
    target = parse_target(words, default=Kind.VM)
    if target.kind is Kind.REPLICASET:
        raise CommandError(f"why explains machines and instances, not a {target.kind.api_kind}")
    facts = run(flags, lambda session: fetch(session, target))
    click.echo(as_chain(explain(facts), datetime.now(UTC)))


async def fetch(session: Session, target: Target) -> Facts:
    """Everything that the chain looks at. Raises CommandError when the machine does not exist."""
    namespace, client = session.namespace_of(target), session.client
    vm, vmi, pods, events, nodes = await asyncio.gather(
        _or_none(client.get(VMS, target.name, namespace)),
        _or_none(client.get(VMIS, target.name, namespace)),
        _if_allowed(client.list(PODS, namespace, labels=f"{names.LABEL_VMI_ID}={names.vmi_id(target.name)}")),
        _if_allowed(client.list(EVENTS, namespace)),
        _if_allowed(client.list(NODES)),
    )
    if target.kind is Kind.VM and vm is None:
        raise CommandError(f'virtualmachines.kubevirt.io "{target.name}" not found')
    if target.kind is Kind.VMI and vmi is None:
        raise CommandError(f'virtualmachineinstances.kubevirt.io "{target.name}" not found')
    spec = vmi.spec if vmi is not None else (vm.spec.template.spec if vm is not None else None)
    claims = claim_names(spec) if spec is not None else []
    found: dict[str, PersistentVolumeClaim | None] = {}
    for name in claims:
        found[name] = await _or_none(client.get(PVCS, name, namespace))
    filled: dict[str, JsonObject | None] = {}
    for name in data_volume_names(spec) if spec is not None else []:
        filled[name] = await _or_none(session.read(f"{DATA_VOLUMES.format(namespace=namespace)}/{name}"))
    return Facts(
        namespace=namespace,
        name=target.name,
        vm=vm,
        vmi=vmi,
        pods=[pod for pod in pods or [] if _belongs(pod.metadata.controller, vmi)],
        claims=found,
        data_volumes=filled,
        nodes={node.metadata.name: node for node in nodes or []},
        events=list(events or []),
    )


def _belongs(controller: OwnerReference | None, vmi: VirtualMachineInstance | None) -> bool:
    """Pods of an instance before this one explain nothing any more."""
    return vmi is None or controller is None or controller.uid == vmi.metadata.uid


def claim_names(spec: VirtualMachineInstanceSpec) -> list[str]:
    """The claims that an instance's volumes name, directly or by a data volume."""
    found = []
    for volume in spec.volumes:
        if volume.persistent_volume_claim is not None:
            found.append(volume.persistent_volume_claim.claim_name)
        if volume.data_volume is not None:
            found.append(volume.data_volume.name)
    return found


def data_volume_names(spec: VirtualMachineInstanceSpec) -> list[str]:
    """The data volumes among them."""
    return [volume.data_volume.name for volume in spec.volumes if volume.data_volume is not None]


async def _or_none(reading: Awaitable[T]) -> T | None:
    try:
        return await reading
    except NotFound:
        return None


async def _if_allowed(reading: Awaitable[T]) -> T | None:
    """Nodes belong to the cluster: most users may not list them, and the chain can do without them, as without pods."""
    try:
        return await reading
    except Forbidden:
        return None
