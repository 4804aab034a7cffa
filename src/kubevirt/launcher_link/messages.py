"""What virt-handler and virt-launcher say to each other: one JSON object a line, over the pod's Unix socket.

Four kinds of message. Both sides begin with `Hello`; after that virt-handler sends `Request`s, the launcher answers
each with one `Reply` of the same id and sends `Event`s whenever it has something to tell. Bodies stay undecoded (`Raw`)
until somebody who knows the verb looks at them. The largest body, with the VMI in it, is in `sync`: this module stays
loaded in every launcher for as long as its guest lives, so it must not load the API's types.

A launcher lives as long as its guest, so it meets newer virt-handlers: fields are only ever added, always optional, and
verbs are only ever added. Both sides ignore fields and kinds they do not know, and a verb the launcher does not know is
answered with an error that says so. Nothing here opens sockets; see `client` and `server`.
"""

from enum import StrEnum

import msgspec

from kubevirt.machine.domain_report import DomainReport

VERSION = 1

SOCKET_NAME = "launcher-sock"
"""File name of the launcher's socket inside the `sockets` volume of its pod."""

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is not ours: a VMI is at most 1.5 MiB (etcd's limit), its JSON on one line hardly more."""


class Verb(StrEnum):
    """What virt-handler may ask for."""

    SYNC = "sync"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SOFT_REBOOT = "softreboot"
    RESET = "reset"
    SHUTDOWN = "shutdown"
    KILL = "kill"
    DELETE = "delete"
    GET_DOMAIN = "get_domain"
    PING = "ping"
    ACKNOWLEDGE_FINAL = "acknowledge_final"
    GUEST_INFO = "get_guest_info"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    SCREENSHOT = "get_screenshot"
    STATS = "get_stats"


class EventKind(StrEnum):
    """What the launcher tells without being asked."""

    DOMAIN = "domain"
    GUEST = "guest"


class Hello(msgspec.Struct, kw_only=True, tag_field="message", tag="hello"):
    """First line of either side."""

    versions: list[int]
    verbs: list[str] = []
    """Launcher: the verbs it answers. virt-handler: empty."""
    software: str = ""


class Failure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A `Problem` on the wire."""

    cause: str
    field: str = ""
    remedy: str = ""


class Request(msgspec.Struct, kw_only=True, tag_field="message", tag="request"):
    id: int
    verb: str
    body: msgspec.Raw = msgspec.Raw(b"{}")


class Reply(msgspec.Struct, kw_only=True, tag_field="message", tag="reply"):
    id: int
    error: Failure | None = None
    body: msgspec.Raw = msgspec.Raw(b"{}")


class Event(msgspec.Struct, kw_only=True, tag_field="message", tag="event"):
    kind: str
    body: msgspec.Raw = msgspec.Raw(b"{}")


Message = Hello | Request | Reply | Event


class Nothing(msgspec.Struct):
    """The body of requests and replies that carry nothing yet (fields may come)."""


class DomainEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The domain as it is now. Sent when a link opens and at every change."""

    report: DomainReport
    final: bool = False
    """No further change will come: the guest has ended and the launcher waits to be told that this was read."""


class GuestEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """To be told to the user as a Kubernetes event of the VMI."""

    type: str
    reason: str
    message: str


class FreezeRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Hold the guest's file systems still, and let go after the time whatever happens."""

    unfreeze_after_s: float = 0.0
    """0: only when asked."""


class ScreenshotRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    wake: bool = False
    """First press a key that types nothing, so that a screen saver ends."""


class Screenshot(msgspec.Struct, kw_only=True):
    """A picture of the guest's first screen."""

    mime: str
    data: bytes
