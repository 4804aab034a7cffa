"""`virtctl permitted-devices`: the host devices that the cluster's administrator lets machines use."""

from __future__ import annotations

import click

from kubevirt.api.resources import KUBEVIRTS
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run


@command("permitted-devices", help="List the host devices that machines may use, by resource name.")
@click.pass_obj
def permitted_devices(flags: Globals) -> None:
    """Print the lists of the namespace's KubeVirt object."""
    click.echo(run(flags, _listed))


async def _listed(session: Session) -> str:
    found = await session.client.list(KUBEVIRTS, session.namespace)
    if not found:
        raise CommandError(f'no KubeVirt resource in "{session.namespace}" namespace')
    configuration = found[0].spec.configuration
    permitted = configuration.permitted_host_devices if configuration is not None else None
    return as_text(
        [each.resource_name for each in permitted.pci_host_devices] if permitted else [],
        [each.resource_name for each in permitted.mediated_devices] if permitted else [],
    )


def as_text(host_devices: list[str], gpus: list[str]) -> str:
    """Five lines; the blanks at their ends are part of the established form."""
    return "\n".join(
        ["Permitted Devices: ", "Host Devices: ", ", ".join(host_devices) + " ", "GPU Devices: ", ", ".join(gpus) + " "]
    )
