"""Which secrets are brought into a guest by its agent, and for whom; which machines answer probes from inside."""

from __future__ import annotations

from typing import Any

import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.access_credentials import agent_credentials
from kubevirt.machine.guest_probes import are_quiet, has_guest_probes

AT = "/var/run/kubevirt-private/secret/{}-access-cred"


def vmi(**spec: Any) -> VirtualMachineInstance:
    return codec.convert({"metadata": {"name": "web"}, "spec": {"domain": {"devices": {}}, **spec}},
                         VirtualMachineInstance)


def keys(secret: str, **method: Any) -> dict[str, Any]:
    return {"sshPublicKey": {"source": {"secret": {"secretName": secret}}, "propagationMethod": method}}


def passwords(secret: str) -> dict[str, Any]:
    return {"userPassword": {"source": {"secret": {"secretName": secret}},
                             "propagationMethod": {"qemuGuestAgent": {}}}}


@pytest.mark.parametrize(("given", "expected"), [
    pytest.param([], [], id="none"),
    pytest.param([keys("k", noCloud={})], [], id="keys on a cloud-init disk are not the agent's"),
    pytest.param([keys("k", configDrive={})], [], id="nor those on a config drive"),
    pytest.param([keys("k", qemuGuestAgent={"users": ["ann", "bob"]})], [("k", ("ann", "bob"))], id="keys"),
    pytest.param([passwords("p")], [("p", ())], id="passwords"),
    pytest.param([keys("k", qemuGuestAgent={"users": ["ann"]}), passwords("p")], [("k", ("ann",)), ("p", ())],
                 id="both"),
])
def test_agent_credentials(given: list[Any], expected: list[tuple[str, tuple[str, ...]]]) -> None:
    found = agent_credentials(vmi(accessCredentials=given))
    assert [(c.directory, c.key_users) for c in found] == [(AT.format(name), users) for name, users in expected]


@pytest.mark.parametrize(("spec", "expected"), [
    pytest.param({}, False, id="no probes"),
    pytest.param({"readinessProbe": {"tcpSocket": {"port": 80}}}, False, id="over the network"),
    pytest.param({"readinessProbe": {"guestAgentPing": {}}}, True, id="a ping of the agent"),
    pytest.param({"livenessProbe": {"exec": {"command": ["true"]}}}, True, id="a command"),
])
def test_guest_probes(spec: dict[str, Any], expected: bool) -> None:
    assert has_guest_probes(vmi(**spec)) is expected


@pytest.mark.parametrize(("annotations", "expected"), [
    pytest.param({}, False, id="as usual"),
    pytest.param({"kubevirt.io/pause-guest-agent-probes": "true"}, True, id="quiet"),
    pytest.param({"kubevirt.io/pause-guest-agent-probes": "false"}, False, id="asked not to be"),
])
def test_quiet_probes(annotations: dict[str, str], expected: bool) -> None:
    assert are_quiet(annotations) is expected
