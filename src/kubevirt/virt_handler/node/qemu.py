"""What the QEMU of this image can do on this node's processor, asked once from QEMU itself.

QEMU starts without a machine, answers four questions over its monitor (QMP) on standard input and output and ends; this
takes a tenth of a second and needs no libvirt daemon in virt-handler. The launcher uses the same image, so the answers
hold for guests.
"""

import asyncio
import platform

import msgspec

from kubevirt.kit.errors import Problem

_LIMIT_S = 20.0
_BINARIES = {"x86_64": "qemu-system-x86_64", "aarch64": "qemu-system-aarch64", "s390x": "qemu-system-s390x"}
_LINE_LIMIT_BYTES = 4 * 1024 * 1024


class QemuFacts(msgspec.Struct, kw_only=True, frozen=True):
    """Names as QEMU spells them, in QEMU's order."""

    machine_types: list[str]
    usable_models: list[str]
    """CPU models all of whose features the accelerator offers here."""
    known_models: list[str]
    features: list[str]
    """CPU features that a guest can have here."""


class _Machine(msgspec.Struct):
    name: str
    alias: str = ""


class _Model(msgspec.Struct):
    name: str
    unavailable: list[str] | None = msgspec.field(default=None, name="unavailable-features")


class _Expanded(msgspec.Struct):
    props: dict[str, bool | int | str]


class _Expansion(msgspec.Struct):
    model: _Expanded


class _Error(msgspec.Struct):
    desc: str = ""


class _Answer(msgspec.Struct):
    """A line from QEMU: a return, an error, or (neither) its greeting or an event."""

    returned: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="return")
    error: _Error | None = None


async def ask_qemu(*, kvm: bool) -> QemuFacts:
    """Facts for guests under KVM, or under emulation. Raises Problem when QEMU is absent or does not answer."""
    binary = _BINARIES.get(platform.machine(), "qemu-system-x86_64")
    try:
        async with asyncio.timeout(_LIMIT_S), _Monitor(binary, kvm=kvm) as monitor:
            machines = msgspec.json.decode(await monitor.ask("query-machines"), type=list[_Machine])
            models = msgspec.json.decode(await monitor.ask("query-cpu-definitions"), type=list[_Model])
            expansion = msgspec.json.decode(await monitor.ask(
                "query-cpu-model-expansion", {"type": "full", "model": {"name": "host" if kvm else "max"}}
            ), type=_Expansion)  # fmt: skip
    except (OSError, TimeoutError, msgspec.DecodeError) as e:
        raise Problem(
            cause=f"{binary} could not be asked for its machine types and CPU models: {str(e) or type(e).__name__}",
            remedy="virt-handler must run in the image that launcher pods use",
        ) from e
    return QemuFacts(
        machine_types=[name for machine in machines for name in (machine.name, machine.alias) if name],
        usable_models=[model.name for model in models if model.unavailable == []],
        known_models=[model.name for model in models],
        features=sorted(name for name, value in expansion.model.props.items() if value is True),
    )


class _Monitor:
    """A QEMU without a machine and its monitor; ended when left."""

    def __init__(self, binary: str, *, kvm: bool) -> None:
        self._arguments = (binary, "-S", "-no-user-config", "-nodefaults", "-nographic", "-qmp", "stdio",
                           "-machine", f"none,accel={'kvm' if kvm else 'tcg'}")  # fmt: skip

    async def __aenter__(self) -> "_Monitor":
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=_LINE_LIMIT_BYTES,
        )  # fmt: skip
        await self.ask("qmp_capabilities")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def ask(self, command: str, arguments: dict[str, object] | None = None) -> msgspec.Raw:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - both are pipes
        request: dict[str, object] = {"execute": command} | ({"arguments": arguments} if arguments else {})
        self._process.stdin.write(msgspec.json.encode(request) + b"\n")
        while line := await self._process.stdout.readline():
            answer = msgspec.json.decode(line, type=_Answer)
            if answer.error is not None:
                raise OSError(f"{command}: {answer.error.desc}")
            if answer.returned:
                return answer.returned
        raise OSError("it ended without an answer")
