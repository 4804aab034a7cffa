"""The cluster's settings that a launcher needs beside the VMI, taken from the configuration of the moment.

The first of two steps: virt-handler puts them into its order; `context` takes them out for the domain.
"""

from __future__ import annotations

from kubevirt.api.config import ClusterConfig
from kubevirt.launcher_link.sync import Smbios, SyncOptions


def sync_options(config: ClusterConfig, *, kvm_usable: bool) -> SyncOptions:
    """Without usable KVM a guest may be emulated: that its node has none is shown by a condition, never hidden."""
    smbios = config.smbios
    return SyncOptions(
        smbios=Smbios(manufacturer=smbios.manufacturer, product=smbios.product, version=smbios.version, sku=smbios.sku,
                      family=smbios.family),
        memballoon_period_s=config.memory_balloon_period_s,
        serial_log=config.serial_console_log,
        allow_emulation=config.use_emulation or not kvm_usable,
        free_page_reporting=config.free_page_reporting,
    )  # fmt: skip
