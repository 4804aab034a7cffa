"""Health checks of guests."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, IntOrString, required


class HTTPHeader(Api):
    """A header sent with an HTTP probe."""

    name: str = required(str)
    """Name of the header."""
    value: str = required(str)
    """Its value."""


class ExecAction(Api):
    """Runs a command inside the guest."""

    command: Annotated[list[str], Atomic] = []
    """Command and arguments, run through the guest agent; no shell is involved."""


class HTTPGetAction(Api):
    """Asks for a page of the guest over HTTP."""

    host: str | None = None
    """Host to ask; the instance's own address where unset."""
    http_headers: Annotated[list[HTTPHeader], Atomic] = []
    """Headers of the request."""
    path: str | None = None
    """Path of the page."""
    port: IntOrString = required(int)
    """Port, as number or name."""
    scheme: str | None = None
    """HTTP (the default) or HTTPS."""


class TCPSocketAction(Api):
    """Opens a TCP connection to the guest."""

    host: str | None = None
    """Host to connect to; the instance's own address where unset."""
    port: IntOrString = required(int)
    """Port, as number or name."""


class GuestAgentPing(Api):
    """Asks the guest agent whether it is there."""


class Probe(Api):
    """Decides whether the guest is alive or ready; exactly one check is set."""

    exec: ExecAction | None = None
    """Runs a command in the guest."""
    failure_threshold: Int32 | None = None
    """Failures in a row that count. The default is 3."""
    guest_agent_ping: GuestAgentPing | None = None
    """Asks the guest agent."""
    http_get: HTTPGetAction | None = None
    """Asks for a page over HTTP."""
    initial_delay_seconds: Int32 | None = None
    """Seconds from the start to the first check."""
    period_seconds: Int32 | None = None
    """Seconds between checks. The default is 10."""
    success_threshold: Int32 | None = None
    """Successes in a row that count. The default is 1."""
    tcp_socket: TCPSocketAction | None = None
    """Opens a TCP connection."""
    timeout_seconds: Int32 | None = None
    """Seconds a check may take. The default is 1."""
