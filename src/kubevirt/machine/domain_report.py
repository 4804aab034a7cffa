"""What a launcher says of its domain: the one message from the pod's side that the VMI's status is made from.

The launcher sends it whenever something in it changes and leaves its last one in the pod's termination message, so that
the end of a guest is known even when nobody was listening. Fields are only ever added, each with a default: a newer
node agent must understand an older launcher. State and reason are those of libvirt, spelled as in `phase.py`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class State(StrEnum):
    """The states of a domain. The empty string means that no domain has been defined yet."""

    UNDEFINED = ""
    NO_STATE = "NoState"
    RUNNING = "Running"
    BLOCKED = "Blocked"
    PAUSED = "Paused"
    SHUTTING_DOWN = "ShuttingDown"
    SHUTOFF = "Shutoff"
    CRASHED = "Crashed"
    PM_SUSPENDED = "PMSuspended"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a domain is in its state; which reasons go with which state is libvirt's choice."""

    NONE = ""
    UNKNOWN = "Unknown"
    NON_EXISTENT = "NonExistent"
    SHUTDOWN = "Shutdown"
    DESTROYED = "Destroyed"
    CRASHED = "Crashed"
    MIGRATED = "Migrated"
    SAVED = "Saved"
    FAILED = "Failed"
    FROM_SNAPSHOT = "FromSnapshot"
    PANICKED = "Panicked"
    USER = "User"
    MIGRATION = "Migration"
    SAVE = "Save"
    DUMP = "Dump"
    IO_ERROR = "IOError"
    WATCHDOG = "Watchdog"
    SHUTTING_DOWN = "ShuttingDown"
    SNAPSHOT = "Snapshot"
    STARTING_UP = "StartingUp"
    POSTCOPY = "Postcopy"
    POSTCOPY_FAILED = "PostcopyFailed"


class ReportedInterface(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A network interface as the domain and the guest agent know it, merged by MAC address."""

    name: str = ""  # of the VMI's interface; empty for one that only the guest knows
    mac: str = ""
    ip_addresses: list[str] = []
    interface_name: str = ""  # inside the guest, from its agent
    queue_count: int = 0
    link_state: str = ""  # "up" or "down"
    info_source: list[str] = []  # "domain", "guest-agent"


class GuestOs(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The operating system as the guest agent names it."""

    id: str = ""
    name: str = ""
    pretty_name: str = ""
    version: str = ""
    version_id: str = ""
    kernel_release: str = ""
    kernel_version: str = ""
    machine: str = ""


class GuestUser(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Somebody logged in inside the guest."""

    user_name: str
    domain: str = ""
    login_time: float = 0.0  # seconds since the epoch, as the agent gives it


class GuestDisk(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A disk below a file system."""

    serial: str = ""
    bus_type: str = ""


class GuestFilesystem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A file system mounted inside the guest; sizes in bytes."""

    disk_name: str = ""
    mount_point: str = ""
    file_system_type: str = ""
    used_bytes: int = 0
    total_bytes: int = 0
    disk: list[GuestDisk] = []


class AgentReport(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known through the guest agent. Absent while none has ever connected."""

    connected: bool = False
    version: str = ""
    supported: bool = True
    unsupported_because: str = ""
    supported_commands: list[str] = []
    hostname: str = ""
    timezone: str = ""
    fs_freeze_status: str = ""
    os: GuestOs | None = None
    users: list[GuestUser] = []
    filesystems: list[GuestFilesystem] = []


class GraceReport(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How far an orderly shutdown has got. It lives in the launcher, so a restarted node agent goes on counting."""

    deletion_grace_period_s: int = 0
    deletion_timestamp: datetime | None = None  # of the first shutdown signal
    marked_for_graceful_shutdown: bool = False  # the pod itself was told to end


class CredentialsReport(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Whether access credentials reached the guest through its agent."""

    succeeded: bool = False
    message: str = ""


class BootFiles(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Checksums (CRC-32) of the files of a direct kernel boot; 0 for one that is not used."""

    kernel: int = 0
    initrd: int = 0


class DomainReport(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The domain of one VMI, whole: a report replaces the one before."""

    namespace: str
    name: str
    uid: str
    state: str = State.UNDEFINED
    reason: str = Reason.NONE
    domain_type: str = ""  # "kvm", "qemu"
    emulated_because: str = ""  # why KVM is not used, when domain_type is "qemu"
    machine_type: str = ""
    acpi: bool = True  # the domain has ACPI, so a shutdown could have been asked for
    vcpus: int = 0  # online now
    memory_bytes: int = 0  # the guest's, now
    interfaces: list[ReportedInterface] = []
    agent: AgentReport | None = None
    grace: GraceReport | None = None
    credentials: CredentialsReport | None = None
    boot_files: BootFiles | None = None
    failure: str = ""  # readable; why the launcher could not define or start the domain
    started_at: datetime | None = None

    @property
    def exists(self) -> bool:
        """A domain is defined."""
        return self.state not in (State.UNDEFINED, State.NO_STATE)

    @property
    def is_alive(self) -> bool:
        """A guest is there that a shutdown or kill can be sent to."""
        return self.exists and self.state not in (State.SHUTOFF, State.CRASHED)
