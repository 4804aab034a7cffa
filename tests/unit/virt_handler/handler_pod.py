"""A pod's network without a cluster: namespaces with links as a CNI plugin leaves them, for tests of the wiring."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json
from kubevirt.machine.network import NicAttachment
from kubevirt.machine.network.facts import PodNic, Resolver
from kubevirt.virt_handler.network.links import Link, Links
from kubevirt.virt_handler.network.namespace import PodNamespace
from kubevirt.virt_handler.network.wiring import wire_here

T = TypeVar("T")

POD_MAC, POD_IP, GATEWAY = "0a:58:0a:f4:01:05", "10.244.1.5", "10.244.1.1"
POD_IP6, GATEWAY6 = "fd00:10:244:1::5", "fd00:10:244:1::1"
RESOLVER = Resolver(nameservers=["10.96.0.10"], search=["n.svc.cluster.local"])


class Pod:
    """A process with a network namespace like a pod's: eth0 is one end of a veth, the other end is in a second one."""

    def __init__(self, *, families: tuple[int, ...] = (4,)) -> None:
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "300"])
        self.outside = subprocess.Popen(["unshare", "--net", "sleep", "300"])
        until_apart(self.process.pid)
        until_apart(self.outside.pid)
        self.inside("ip link set lo up")
        self.inside(f"ip link add eth0 address {POD_MAC} mtu 1450 type veth peer name host0 netns {self.outside.pid}")
        self.inside("ip link set eth0 up")
        self.beyond("ip link set host0 up")
        if 4 in families:
            self.beyond(f"ip addr add {GATEWAY}/24 dev host0")
            self.inside(f"ip addr add {POD_IP}/24 dev eth0")
            self.inside(f"ip route add default via {GATEWAY}")
            self.inside(f"ip route add 10.244.0.0/16 via {GATEWAY}")
        if 6 in families:
            self.beyond(f"ip addr add {GATEWAY6}/64 dev host0 nodad")
            self.inside(f"ip addr add {POD_IP6}/64 dev eth0 nodad")
            self.inside(f"ip -6 route add default via {GATEWAY6}")

    def end(self) -> None:
        for process in (self.process, self.outside):
            process.kill()
            process.wait()

    def inside(self, command: str) -> str:
        return run(self.process.pid, command)

    def beyond(self, command: str) -> str:
        return run(self.outside.pid, command)

    def do(self, work: Callable[[], T]) -> T:
        async def inside() -> T:
            with PodNamespace(self.process.pid) as namespace:
                return await namespace.run(work)

        return asyncio.run(inside())

    def links(self) -> dict[str, Link]:
        def work() -> dict[str, Link]:
            with Links() as links:
                return links.all()

        return self.do(work)

    def nics(self) -> dict[str, PodNic]:
        def work() -> dict[str, PodNic]:
            with Links() as links:
                return {nic.name: nic for nic in links.nics()}

        return self.do(work)


def until_apart(pid: int) -> None:
    """Wait until `unshare` has given the process a namespace of its own."""
    while Path(f"/proc/{pid}/ns/net").samefile("/proc/self/ns/net"):
        os.sched_yield()


def run(pid: int, command: str) -> str:
    return subprocess.run(
        ["nsenter", "-t", str(pid), "-n", *command.split()], check=True, capture_output=True, text=True
    ).stdout


def vmi(binding: str, **interface: Json) -> VirtualMachineInstance:
    return codec.convert({
        "metadata": {"name": "a", "namespace": "n"},
        "spec": {
            "domain": {"devices": {"interfaces": [{"name": "default", binding: {}, **interface}]}},
            "networks": [{"name": "default", "pod": {}}],
        },
    }, VirtualMachineInstance)  # fmt: skip


def do_wire(pod: Pod, instance: VirtualMachineInstance) -> list[NicAttachment]:
    return pod.do(lambda: wire_here(instance, RESOLVER))
