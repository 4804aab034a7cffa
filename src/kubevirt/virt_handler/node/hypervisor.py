"""What libvirt and QEMU of this image can give guests on this node: facts out of libvirt's capabilities.

libvirt's names count, since they are what a VMI asks by and what the launcher, which runs the same image, hands to
libvirt. It is asked once, by a child process (`ask_libvirt`); reading its answers is pure.
"""

import asyncio
import sys
from collections.abc import Iterable
from xml.etree import ElementTree

import msgspec

from kubevirt.kit.errors import Problem

_LIMIT_S = 30.0
_HYPERV_NAMES = {"stimer": "synictimer"}
"""The names of libvirt that differ from the API's."""


class Answers(msgspec.Struct, kw_only=True):
    """Documents of libvirt: capabilities of domains and of the host, and the host model with all its features."""

    domain: str
    host: str
    features: str = ""


class Tsc(msgspec.Struct, kw_only=True, frozen=True):
    """The processor's time stamp counter."""

    hz: int
    scalable: bool


class HypervisorFacts(msgspec.Struct, kw_only=True, frozen=True):
    """Names as libvirt spells them."""

    machine_types: list[str] = []
    deprecated_machine_types: list[str] = []
    """Those that libvirt says will go."""
    usable_models: list[str] = []
    """CPU models that guests can have here."""
    known_models: list[str] = []
    features: list[str] = []
    """CPU features that a guest can have here."""
    host_model: str = ""
    host_model_features: list[str] = []
    """Those that a guest of the host model needs besides what the model says."""
    cpu_vendor: str = ""
    hyperv: list[str] = []
    tsc: Tsc | None = None
    encryption: list[str] = []
    """Ways to keep the host out of a guest's memory, by the names of the labels: sev, sev-es, sev-snp, tdx, s390-pv."""


async def ask_hypervisor(*, kvm: bool) -> HypervisorFacts:
    """Facts for guests under KVM, or under emulation. Raises Problem when libvirt is absent or does not answer."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kubevirt.virt_handler.node.ask_libvirt", "kvm" if kvm else "qemu",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LIMIT_S):
            output, errors = await child.communicate()
    except TimeoutError as e:
        child.kill()
        await child.wait()
        raise _no_answer(f"no answer within {_LIMIT_S:g} s") from e
    if child.returncode != 0:
        raise _no_answer(errors.decode(errors="replace").strip().rpartition("\n")[2])
    try:
        return facts_of(msgspec.json.decode(output, type=Answers), kvm=kvm)
    except (msgspec.DecodeError, ElementTree.ParseError) as e:
        raise _no_answer(str(e)) from e


def facts_of(answers: Answers, *, kvm: bool) -> HypervisorFacts:
    """Read libvirt's documents."""
    domain, host = _parse(answers.domain), _parse(answers.host)
    model = domain.find("cpu/mode[@name='host-model'][@supported='yes']")
    expanded = _parse(answers.features) if answers.features else None
    models = domain.findall("cpu/mode[@name='custom']/model")
    machines = [machine for machine in host.findall("guest/arch/machine") if machine.text]
    return HypervisorFacts(
        machine_types=_once(machines),
        deprecated_machine_types=_once(m for m in machines if m.get("deprecated") == "yes"),
        usable_models=[m.text for m in models if m.text and m.get("usable") == "yes"],
        known_models=[m.text for m in models if m.text],
        features=_required(expanded) or _required(model),
        host_model=(model.findtext("model") or "") if model is not None else "",
        host_model_features=_required(model),
        cpu_vendor=(model.findtext("vendor") or "") if model is not None else "",
        hyperv=_hyperv(domain) if kvm else [],
        tsc=_tsc(host),
        encryption=_encryption(domain),
    )


def _once(elements: Iterable[ElementTree.Element]) -> list[str]:
    return list(dict.fromkeys(e.text for e in elements if e.text))


def _required(cpu: ElementTree.Element | None) -> list[str]:
    if cpu is None:
        return []
    return [f.get("name", "") for f in cpu.findall("feature") if f.get("policy", "require") == "require"]


def _hyperv(domain: ElementTree.Element) -> list[str]:
    found = domain.findall("features/hyperv[@supported='yes']/enum[@name='features']/value")
    return [_HYPERV_NAMES.get(value.text, value.text) for value in found if value.text]


def _tsc(host: ElementTree.Element) -> Tsc | None:
    counter = host.find("host/cpu/counter[@name='tsc']")
    if counter is None:
        return None
    return Tsc(hz=int(counter.get("frequency", "0")), scalable=counter.get("scaling") == "yes")


def _encryption(domain: ElementTree.Element) -> list[str]:
    features = domain.find("features")
    if features is None:
        return []
    kinds = {value.text for value in features.findall("launchSecurity[@supported='yes']/enum[@name='sectype']/value")}
    sev = features.find("sev[@supported='yes']")
    has = {
        "sev": sev is not None,
        "sev-es": sev is not None and int(sev.findtext("maxESGuests") or 0) > 0,
        "sev-snp": "sev-snp" in kinds,
        "tdx": "tdx" in kinds or features.find("tdx[@supported='yes']") is not None,
        "s390-pv": "s390-pv" in kinds or features.find("s390-pv[@supported='yes']") is not None,
    }
    return [name for name, there in has.items() if there]


def _parse(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - written by our libvirt


def _no_answer(cause: str) -> Problem:
    return Problem(
        cause=f"libvirt could not be asked what this node can do: {cause}",
        remedy="virt-handler must run in the image that launcher pods use",
    )
