"""What every end-to-end test uses: the real kubectl and virtctl, waiting with a deadline, and the guest's console.

Nothing here knows how the add-on works inside; it sees what a user sees, plus the machine's process table and mounts
for the question whether anything was left behind.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pty
import random
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
BIN = Path(sys.executable).parent
POLL_S = 0.25
PATIENCE_S = 240.0
"""How long anything is waited for. Nobody promises to be so slow: a machine that runs tests may be."""
ENTER_AGAIN_S = 20.0
PORTS = (20000, 29000)
"""Below those of Services on nodes and those for outgoing connections."""


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def ok(self) -> Result:
        """This result, having asserted that the command succeeded."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self

    def fails(self, *texts: str) -> Result:
        """This result, having asserted that the command failed and said all of these."""
        assert self.code != 0, f"unexpected success:\n{self.out}"
        for text in texts:
            assert text in self.err + self.out, f"{text!r} not in:\n{self.err}{self.out}"
        return self


def run(*command: str, stdin: str | None = None, timeout_s: float = PATIENCE_S + 60) -> Result:
    """Run a program to its end."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def virtctl_path() -> str:
    """The console script of this environment."""
    return str(BIN / "virtctl")


def eventually(what: str, probe: Callable[[], T | None], timeout_s: float = PATIENCE_S) -> T:
    """Call `probe` until it returns something true; fail naming `what` was awaited and what was seen last.

    A probe may also assert, or stumble over what is not there yet: an object that is None, a member, an only row.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            seen: object = probe()
        except (AssertionError, LookupError, StopIteration, TypeError, ValueError) as e:
            seen, found = e, None
        else:
            found = seen
        if found:
            return found  # type: ignore[return-value]  # true, so not None
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain for: {what}; last seen: {seen!r}"
        time.sleep(POLL_S)


def free_port() -> int:
    """A port of this machine that nobody listens on, and that the system gives to nobody who asks for just any port."""
    for port in random.sample(range(*PORTS), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no free port in {PORTS}")


@dataclass(frozen=True)
class Cluster:
    """kubectl and virtctl on one cluster, as one user (`kubeconfig`), by default in one namespace."""

    kubectl_path: str
    kubeconfig: str
    namespace: str = "default"

    def in_namespace(self, namespace: str) -> Cluster:
        """The same user in another namespace."""
        return Cluster(self.kubectl_path, self.kubeconfig, namespace)

    def as_user(self, kubeconfig: str) -> Cluster:
        """Another user."""
        return Cluster(self.kubectl_path, kubeconfig, self.namespace)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = PATIENCE_S + 60) -> Result:
        """Run the real kubectl."""
        return run(
            self.kubectl_path,
            "--kubeconfig",
            self.kubeconfig,
            "-n",
            self.namespace,
            *arguments,
            stdin=stdin,
            timeout_s=timeout_s,
        )

    def virtctl(self, *arguments: str) -> Result:
        """Run virtctl."""
        return run(virtctl_path(), "--kubeconfig", self.kubeconfig, "-n", self.namespace, *arguments)

    def get(self, kind: str, name: str) -> Any:
        """An object as data, or None."""
        answer = self.kubectl("get", kind, name, "-o", "json")
        if answer.code != 0:
            assert "NotFound" in answer.err, answer.err
            return None
        return json.loads(answer.out)

    def objects(self, kind: str, *arguments: str) -> list[Any]:
        """Objects of a kind as data."""
        return list(json.loads(self.kubectl("get", kind, *arguments, "-o", "json").ok().out)["items"])

    def apply(self, manifest: str) -> Result:
        """Apply YAML."""
        return self.kubectl("apply", "-f", "-", stdin=manifest)

    def events(self, name: str, kind: str) -> list[tuple[str, str, str]]:
        """(component, reason, message) of the events about an object."""
        found = self.objects("events", "--field-selector", f"involvedObject.name={name},involvedObject.kind={kind}")
        return [((e.get("source") or {}).get("component", ""), e["reason"], e["message"]) for e in found]

    def wait_events(self, name: str, kind: str, *wanted: tuple[str, str]) -> None:
        """Wait until all of these (reason, part of the message) were told about an object: events come a little later
        than what they tell of."""

        def probe() -> bool:
            told = [(reason, message) for _, reason, message in self.events(name, kind)]
            missing = [w for w in wanted if not any(w[0] == reason and w[1] in text for reason, text in told)]
            assert not missing, f"{missing} not among {told}"
            return True

        eventually(f"events about {kind} {name}", probe)

    def launcher_pods(self, vmi: str) -> list[Any]:
        """The launcher pods of an instance by name, finished and terminating ones too."""
        return self.objects("pods", "-l", f"vmi.kubevirt.io/id={vmi}")

    def evict(self, vmi: str) -> Result:
        """Ask for the eviction of an instance's launcher pod, as the drain of a node does."""
        (pod,) = self.launcher_pods(vmi)
        metadata = {"name": pod["metadata"]["name"], "namespace": self.namespace}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{metadata['name']}/eviction"
        return self.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))

    def wait_status(self, vm: str, wanted: str, timeout_s: float = PATIENCE_S) -> Any:
        """Wait until a VM's printable status is the wanted one."""

        def probe() -> Any:
            found = self.get("vm", vm)
            status = (found or {}).get("status", {}).get("printableStatus")
            assert status == wanted, f"status {status!r}"
            return found

        return eventually(f"VM {vm} to be {wanted}", probe, timeout_s)

    def wait_phase(self, vmi: str, wanted: str, timeout_s: float = PATIENCE_S, not_uid: str = "") -> Any:
        """Wait until an instance (other than `not_uid`) is in the wanted phase."""

        def probe() -> Any:
            found = self.get("vmi", vmi)
            assert found is not None, "no such instance"
            assert found["metadata"]["uid"] != not_uid, "still the old instance"
            phase = found.get("status", {}).get("phase")
            assert phase == wanted, f"phase {phase!r}, conditions {found['status'].get('conditions')}"
            return found

        return eventually(f"VMI {vmi} to be {wanted}", probe, timeout_s)

    def wait_gone(self, kind: str, name: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until an object is gone."""
        eventually(f"{kind} {name} to be gone", lambda: self.get(kind, name) is None, timeout_s)


class Seen:
    """What a part of an object has been, one after the other, however short each lasted: by `kubectl get --watch`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._text = b""

    def becomes(self, *values: str) -> None:
        """Wait until it has been these, in this order, and nothing else."""

        def probe() -> bool:
            found = self.so_far()
            assert found == list(values), found
            return True

        eventually(f"values one after the other: {values}", probe)

    def so_far(self) -> list[str]:
        """Every value since the beginning; what was written again is one."""
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], 0)[0]:
            more = os.read(self._process.stdout.fileno(), 65536)
            assert more, f"the watch has ended after {self._text!r}"
            self._text += more
        return [value for value, _ in itertools.groupby(self._text.decode().split("\n")[:-1])]


@contextlib.contextmanager
def seen(cluster: Cluster, kind: str, name: str, path: str) -> Iterator[Seen]:
    """Watch a part of an object, by its JSON path. What it is at the beginning is the first value."""
    command = [cluster.kubectl_path, "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, "get", kind, name]
    with subprocess.Popen([*command, "--watch", f'-o=jsonpath={path}{{"\\n"}}'], stdout=subprocess.PIPE) as process:
        try:
            found = Seen(process)
            eventually(f"the watch of {kind} {name} to begin", found.so_far)
            yield found
        finally:
            process.terminate()


class Silent(AssertionError):
    """The console goes on, and does not show what was waited for."""


class Console:
    """`virtctl console` on a pseudo-terminal, as a person has it."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._process = process
        self.seen = ""

    def expect(self, pattern: str, timeout_s: float = PATIENCE_S) -> str:
        """Read until the pattern appears; returns all that was shown up to and with it."""
        deadline = time.monotonic() + timeout_s
        while not (match := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silent(f"the console did not show {pattern!r} within {timeout_s:.0f} s but:\n{self.seen[-3000:]}")
            ready, _, _ = select.select([self._descriptor], [], [], min(left, 1))
            if ready:
                try:
                    data = os.read(self._descriptor, 65536)
                except OSError:
                    data = b""
                assert data, f"the console closed before showing {pattern!r}:\n{self.seen[-3000:]}"
                self.seen += data.decode(errors="replace")
        shown, self.seen = self.seen[: match.end()], self.seen[match.end() :]
        return shown

    def type(self, text: str) -> None:
        """Type."""
        try:
            os.write(self._descriptor, text.encode())
        except OSError as e:
            raise AssertionError(f"the console closed before {text!r} was typed:\n{self.seen[-3000:]}") from e

    def command(self, line: str) -> str:
        """Run a shell command in the guest; returns what it printed."""
        marker = f"done-{time.monotonic_ns()}"
        self.type(f"{line}; echo {marker[:4]}''{marker[4:]}\n")
        return self.expect(re.escape(marker))

    def log_in(self) -> str:
        """Log in as the demo image's user, unless a session is still open; returns what was shown before."""
        shown = self._prompt()
        if shown.endswith("$ "):
            return shown
        self.type("cirros\n")
        shown += self.expect(r"(?m)^[Pp]assword: ")  # not the one that the greeting tells
        self.type("gocubsgo\n")
        return shown + self.expect(r"\$ ")

    def _prompt(self) -> str:
        """All up to a prompt that is the last that is shown: a console begins with its past.

        The kernel may have a word after the prompt, so Enter is pressed again where nothing comes.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.type("\n")
            try:
                return self.expect(r"(login: |\$ )\Z", ENTER_AGAIN_S)
            except Silent:
                if time.monotonic() > deadline:
                    raise

    def close(self) -> int:
        """Leave with the escape key; returns the exit code of virtctl."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, b"\x1d")
        return self._process.wait(timeout=PATIENCE_S)


@contextlib.contextmanager
def console(cluster: Cluster, vmi: str) -> Iterator[Console]:
    """Open the serial console of an instance."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [virtctl_path(), "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, "console", vmi],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    opened = Console(leader, process)
    try:
        opened.expect("Successfully connected to .* console")
        yield opened
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            opened.close()
        process.kill()
        process.wait()
        os.close(leader)
