"""Interfaces of machines and instances as series: which binding, which network, which model."""

from __future__ import annotations

from collections.abc import Iterator

from kubevirt.api.vmi import VirtualMachineInstanceSpec

LABELS = ("name", "namespace", "vnic_name", "binding_type", "network", "binding_name", "model")


def vnics(name: str, namespace: str, spec: VirtualMachineInstanceSpec) -> Iterator[tuple[tuple[str, ...], float]]:
    """One series for each interface that has a network."""
    networks = {n.name: n for n in spec.networks}
    for nic in spec.domain.devices.interfaces:
        network = networks.get(nic.name)
        if network is None:
            continue
        where = network.multus.network_name if network.multus is not None else "pod networking"
        if nic.binding is not None:
            kind, binding = "plugin", nic.binding.name
        else:
            core = (("masquerade", nic.masquerade), ("bridge", nic.bridge), ("sriov", nic.sriov))
            kind, binding = "core", next((word for word, given in core if given is not None), "")
        if kind == "plugin" or binding:
            yield (name, namespace, nic.name, kind, where, binding, nic.model or "<none>"), 1.0
