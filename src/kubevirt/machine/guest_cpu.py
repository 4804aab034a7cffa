"""How many CPUs a guest has: the one count that pod, domain, network queues and status share."""

from __future__ import annotations

import msgspec

from kubevirt.api.domain import DomainSpec


class Topology(msgspec.Struct, frozen=True):
    """Sockets, cores per socket, threads per core; always at least one of each."""

    sockets: int = 1
    cores: int = 1
    threads: int = 1

    @property
    def vcpus(self) -> int:
        return self.sockets * self.cores * self.threads

    @property
    def vcpus_per_socket(self) -> int:
        return self.cores * self.threads


def topology(domain: DomainSpec) -> Topology:
    """The topology asked for; with none given, as many sockets as CPUs in the limits, else in the requests."""
    cpu = domain.cpu
    if cpu is not None and (cpu.sockets or cpu.cores or cpu.threads):
        return Topology(cpu.sockets or 1, cpu.cores or 1, cpu.threads or 1)
    for amounts in (domain.resources.limits, domain.resources.requests):
        cpus = amounts.get("cpu")
        if cpus is not None and cpus.value > 0:
            return Topology(sockets=cpus.value)
    return Topology()


def count_vcpus(domain: DomainSpec) -> int:
    """vCPUs the guest starts with, without those that may be plugged in later."""
    return topology(domain).vcpus
