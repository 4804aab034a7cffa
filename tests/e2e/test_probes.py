"""Probes answered from inside the guest: Ready goes on and off with a command's exit code, and an agent that no longer
answers is told of. Probes over the network are in test_credentials.
"""

from __future__ import annotations

import pytest

from tests.e2e.harness import Cluster, console, eventually
from tests.e2e.manifests import as_json, vmi

pytestmark = pytest.mark.e2e
NAME = "probed"


@pytest.fixture(scope="module")
def guest(namespace: Cluster) -> Cluster:
    """A machine that is ready while a file is there, and alive while its agent answers."""
    manifest = vmi(NAME)
    often = {"periodSeconds": 1, "timeoutSeconds": 5}
    manifest["spec"]["terminationGracePeriodSeconds"] = 0
    manifest["spec"]["readinessProbe"] = {"exec": {"command": ["/bin/sh", "-c", "test -e /tmp/ready"]},
                                          "failureThreshold": 1, **often}
    manifest["spec"]["livenessProbe"] = {"guestAgentPing": {}, "failureThreshold": 600, **often}
    namespace.apply(as_json(manifest)).ok()
    namespace.wait_phase(NAME, "Running")
    return namespace


def ready(guest: Cluster) -> str:
    """Status of the condition Ready."""
    found = {c["type"]: c for c in guest.get("vmi", NAME)["status"]["conditions"]}
    return str(found["Ready"]["status"])


def test_ready_follows_a_command_in_the_guest(guest: Cluster) -> None:
    with console(guest, NAME) as terminal:
        terminal.log_in()
        assert ready(guest) == "False"
        terminal.command("touch /tmp/ready")
        eventually("Ready to be True", lambda: ready(guest) == "True")
        terminal.command("rm /tmp/ready")
        eventually("Ready to be False", lambda: ready(guest) == "False")
        terminal.command("touch /tmp/ready")
        eventually("Ready to be True again", lambda: ready(guest) == "True")


def test_an_agent_that_no_longer_answers_is_told_of(guest: Cluster) -> None:
    with console(guest, NAME) as terminal:
        terminal.log_in()
        terminal.command("sudo killall -STOP qemu-ga")

        def told() -> bool:
            events = [(reason, message) for _, reason, message in guest.events(NAME, "VirtualMachineInstance")]
            return ("GuestAgentPingFailed", f"GuestAgentPing probe failed for VMI {NAME}") in events

        eventually("an event about the agent", told)
        eventually("Ready to be False", lambda: ready(guest) == "False")
        terminal.command("sudo killall -CONT qemu-ga")
        eventually("Ready to be True again", lambda: ready(guest) == "True")
    assert guest.get("vmi", NAME)["status"]["phase"] == "Running"
