"""The body of the verb `sync`: a VMI and everything else its machine is made from.

Apart from `messages`, because it brings the API's types along.
"""

import msgspec

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.network import NicAttachment


class Smbios(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cluster's SMBIOS strings; empty ones mean the defaults of `machine.domain`."""

    manufacturer: str = ""
    product: str = ""
    version: str = ""
    sku: str = ""
    family: str = ""


class SyncOptions(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Settings of the cluster that shape a machine and do not stand in its VMI."""

    smbios: Smbios | None = None
    memballoon_period_s: int = 10
    serial_log: bool = True
    allow_emulation: bool = False
    free_page_reporting: bool = True
    bochs_display_for_efi: bool = False


class SyncRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Make the machine be what this VMI says; starts it when it was never started."""

    vmi: VirtualMachineInstance
    nics: list[NicAttachment] = []
    options: SyncOptions = msgspec.field(default_factory=SyncOptions)
