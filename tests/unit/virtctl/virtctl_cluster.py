"""A small web server that plays the API server, so that whole commands run as a user types them: what they ask, print,
and end with. Requests and answers are written as the tables of commands write them: `PUT VM:start {"paused":true}`.

A real API server is in tests/api, a real cluster in tests/e2e; here every answer a server could give is one line.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.__main__ import run_command
from kubevirt.virtctl.commands.version import client_version

SUBRESOURCES = "/apis/subresources.kubevirt.io"
SHORT = (
    (f"{SUBRESOURCES}/v1/namespaces/ns/virtualmachines/a/", "VM:"),
    (f"{SUBRESOURCES}/v1/namespaces/ns/virtualmachineinstances/a/", "VMI:"),
    (f"{SUBRESOURCES}/v1/namespaces/ns/", "sub:"),
    ("/apis/kubevirt.io/v1/namespaces/ns/virtualmachines/", "vm/"),
    ("/apis/kubevirt.io/v1/namespaces/ns/virtualmachineinstances/", "vmi/"),
    ("/apis/kubevirt.io/v1/namespaces/ns/", ""),
    ("/apis/cdi.kubevirt.io/v1beta1/namespaces/ns/", "cdi:"),
    ("/apis/export.kubevirt.io/v1/namespaces/ns/", "export:"),
    ("/api/v1/namespaces/ns/persistentvolumeclaims", "pvc"),
    ("/api/v1/namespaces/ns/", ""),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = Json | tuple[int, str] | tuple[int, str, str] | Handler
"""What is answered: a document (200), code, message and reason of a Status, or whatever a function makes of it."""
VERSIONS: Mapping[str, Answer] = {
    f"GET {SUBRESOURCES}": {"preferredVersion": {"groupVersion": "subresources.kubevirt.io/v1"}},
    f"GET {SUBRESOURCES}/v1/version": client_version(),
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended, what it printed, and what it asked of the cluster (the comparison of versions apart)."""

    code: int
    out: str
    err: str
    asked: list[str] = field(default_factory=list)

    @property
    def log(self) -> list[str]:
        """The messages of the log lines on standard error."""
        return [str(json.loads(line)["msg"]) for line in self.err.splitlines() if line.startswith('{"')]

    @property
    def words(self) -> str:
        """Standard error without log lines."""
        return "".join(line for line in self.err.splitlines(keepends=True) if not line.startswith('{"'))


class StandIn:
    """The server, in a thread of its own."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait()

    def soon(self, work: Callable[[], None]) -> None:
        """Do something beside the command that is run next."""
        self._loop.call_soon_threadsafe(self._loop.run_in_executor, None, work)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._start())
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._ready.set()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        line = f"{request.method} {short(request.path)}"
        body = (await request.read()).decode(errors="replace")
        if line not in VERSIONS:
            query = f"?{request.query_string}" if request.query_string else ""
            self.asked.append(f"{line}{query} {body}".rstrip())
            self.headers.append(request.headers)
        found = self.answers.get(line) or ([VERSIONS[line]] if line in VERSIONS else [])
        if not found:
            return refusal(404, f"{line} not found")
        answer = found[0] if len(found) == 1 else found.pop(0)
        if callable(answer):
            return await answer(request)
        if isinstance(answer, tuple):
            return refusal(*answer)
        return web.json_response(answer)


def short(path: str) -> str:
    """A path as the tables write it."""
    for long, brief in SHORT:
        if path.startswith(long):
            return brief + path.removeprefix(long)
    return path


def refusal(code: int, message: str, reason: str = "") -> web.Response:
    """A Status object."""
    body: JsonObject = {"kind": "Status", "status": "Failure", "message": message, "reason": reason, "code": code}
    return web.json_response(body, status=code)


class Cluster:
    """Runs commands against the stand-in, in namespace ns."""

    def __init__(self, server: StandIn, printed: pytest.CaptureFixture[str]) -> None:
        self.server, self._printed = server, printed

    def answer(self, line: str, *answers: Answer) -> None:
        """What is answered to `METHOD PATH`: one after the other, the last one for ever."""
        self.server.answers[line] = list(answers)

    def run(self, command: str | list[str]) -> Said:
        """Run a command line, without the program's name."""
        self.server.asked.clear()
        self.server.headers.clear()
        words = shlex.split(command) if isinstance(command, str) else command
        self._printed.readouterr()
        code = run_command(["--server", self.server.url, "-n", "ns", *words])
        out, err = self._printed.readouterr()
        assert "Traceback" not in out + err
        return Said(code=code, out=out, err=err, asked=list(self.server.asked))
