"""Health checks: those over the network go to the pod as they are, those inside the guest through `virt-probe`."""

from __future__ import annotations

from kubevirt.api import codec
from kubevirt.api.probes import Probe
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine.domain.build import domain_name

START_DELAY_S = 10
"""A guest takes longer than a process before there is any sense in asking."""
DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def probe(vmi: VirtualMachineInstance, given: Probe | None) -> JsonObject | None:
    """The pod's probe for one of the VMI's."""
    if given is None:
        return None
    found = codec.to_builtins(given)
    for key, value in DEFAULTS.items():
        found[key] = found.get(key) or value
    found["initialDelaySeconds"] = (given.initial_delay_seconds or 0) + START_DELAY_S
    timeout = given.timeout_seconds or DEFAULTS["timeoutSeconds"]
    command: list[Json] = ["virt-probe", "--domainName", domain_name(vmi.metadata.namespace, vmi.metadata.name),
                           "--timeoutSeconds", str(timeout)]
    if given.exec is not None and given.exec.command:
        program, *arguments = given.exec.command
        command += ["--command", program, "--", *arguments]
    elif given.guest_agent_ping is not None:
        command.append("--guestAgentPing")
        del found["guestAgentPing"]
    else:
        return found
    found["exec"] = {"command": command}
    found["timeoutSeconds"] = timeout + 1  # so that virt-probe says what went wrong before it is cut off
    return found
