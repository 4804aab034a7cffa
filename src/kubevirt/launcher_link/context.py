"""From an order's settings to what a domain is built from. The one way, for launchers and for `virtctl render`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubevirt.launcher_link import sync
from kubevirt.machine.domain import DiskFacts, DomainContext, HostDevices, Smbios
from kubevirt.machine.network import NicAttachment


def domain_context(
    options: sync.SyncOptions,
    *,
    kvm: bool,
    allow_emulation: bool = False,
    arch: str = "amd64",
    disks: Mapping[str, DiskFacts],
    nics: Iterable[NicAttachment] = (),
    host_devices: HostDevices | None = None,
) -> DomainContext:
    """Everything beside the VMI. `arch` is the node's; the others, settings apart, were found in the pod."""
    return DomainContext(
        kvm=kvm,
        allow_emulation=allow_emulation or options.allow_emulation,
        arch=arch,
        nics={nic.network: nic for nic in nics},
        disks=disks,
        host_devices=host_devices,
        smbios=_smbios(options.smbios),
        balloon_period_s=options.memballoon_period_s,
        free_page_reporting=options.free_page_reporting,
        serial_log=options.serial_log,
        bochs_display_for_efi=options.bochs_display_for_efi,
    )


def _smbios(given: sync.Smbios | None) -> Smbios:
    usual = Smbios()
    if given is None:
        return usual
    return Smbios(
        manufacturer=given.manufacturer or usual.manufacturer,
        family=given.family or usual.family,
        product=given.product or usual.product,
        sku=given.sku,
        version=given.version,
    )
