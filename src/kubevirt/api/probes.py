"""Health checks of guests."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, IntOrString, required


class HTTPHeader(Api):
    """A header sent with an HTTP probe."""

    name: str = required(str)
    value: str = required(str)


class ExecAction(Api):
    """Runs a command inside the guest."""

    command: Annotated[list[str], Atomic] = []


class HTTPGetAction(Api):
    """Asks for a page of the guest over HTTP."""

    host: str | None = None
    http_headers: Annotated[list[HTTPHeader], Atomic] = []
    path: str | None = None
    port: IntOrString = required(int)
    scheme: str | None = None


class TCPSocketAction(Api):
    """Opens a TCP connection to the guest."""

    host: str | None = None
    port: IntOrString = required(int)


class GuestAgentPing(Api):
    """Asks the guest agent whether it is there."""


class Probe(Api):
    """Decides whether the guest is alive or ready; exactly one check is set."""

    exec: ExecAction | None = None
    failure_threshold: Int32 | None = None
    guest_agent_ping: GuestAgentPing | None = None
    http_get: HTTPGetAction | None = None
    initial_delay_seconds: Int32 | None = None
    period_seconds: Int32 | None = None
    success_threshold: Int32 | None = None
    tcp_socket: TCPSocketAction | None = None
    timeout_seconds: Int32 | None = None
