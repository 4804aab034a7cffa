"""Rules for health checks of guests."""

from kubevirt.api.probes import Probe
from kubevirt.api.validation.causes import Causes, invalid, required
from kubevirt.api.vmi import VirtualMachineInstanceSpec


def check_probes(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Each probe has one check, and one that can reach the guest."""
    probes = (("readinessProbe", spec.readiness_probe), ("livenessProbe", spec.liveness_probe))
    for member, probe in probes:
        if probe is not None:
            yield from _one_check(f"{field}.{member}", probe)
    if has_pod_interface(spec):
        return
    for member, probe in probes:
        if probe is None:
            continue
        for check, given in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
            if given is not None:
                at = f"{field}.{member}.{check}"
                yield invalid(at, f"{at} is only allowed if the Pod Network is attached")


def has_pod_interface(spec: VirtualMachineInstanceSpec) -> bool:
    """Whether an interface is connected to the pod network."""
    connected = {interface.name for interface in spec.domain.devices.interfaces}
    return any(network.pod is not None and network.name in connected for network in spec.networks)


def _one_check(field: str, probe: Probe) -> Causes:
    checks = (probe.exec, probe.http_get, probe.tcp_socket, probe.guest_agent_ping)
    count = sum(check is not None for check in checks)
    if count > 1:
        yield invalid(field, f"{field} must have exactly one probe type set")
    if count < 1:
        yield required(
            field, f"either {field}.tcpSocket, {field}.exec or {field}.httpGet must be set if a {field} is specified"
        )
