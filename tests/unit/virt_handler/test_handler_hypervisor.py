"""Reading libvirt's capabilities: which facts follow from which parts of its documents.

The documents are small ones in libvirt's format. That the image's libvirt answers, on a real node and under emulation,
is tested end to end (labels of the nodes).
"""

import sys
from pathlib import Path

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.virt_handler.node import hypervisor
from kubevirt.virt_handler.node.hypervisor import Answers, HypervisorFacts, Tsc, ask_hypervisor, facts_of

HOST = """<capabilities><host><cpu><counter name="tsc" frequency="2111999000" scaling="yes"/></cpu></host>
<guest><arch name="i686"><machine>pc</machine></arch></guest>
<guest><arch name="x86_64"><machine>pc-q35-10.0</machine><machine canonical="pc-q35-10.0">q35</machine>
<machine deprecated="yes">pc-q35-2.4</machine><machine>pc</machine></arch></guest></capabilities>"""
MODEL = """<mode name="host-model" supported="yes"><model fallback="forbid">EPYC</model><vendor>AMD</vendor>
<feature policy="require" name="x2apic"/><feature policy="disable" name="vme"/></mode>"""
CUSTOM = """<mode name="custom" supported="yes"><model usable="yes" vendor="AMD">EPYC-v4</model>
<model usable="no" vendor="Intel">Nehalem</model></mode>"""
HYPERV = """<hyperv supported="yes"><enum name="features"><value>vpindex</value><value>stimer</value></enum></hyperv>"""
EXPANDED = """<cpu><model>EPYC</model><feature policy="require" name="aes"/><feature policy="require" name="x2apic"/>
<feature policy="disable" name="vme"/></cpu>"""


def domain(*, cpu: str = "", features: str = "") -> str:
    return f"<domainCapabilities><cpu>{cpu}</cpu><features>{features}</features></domainCapabilities>"


def facts(document: str, *, host: str = "<capabilities/>", expanded: str = "", kvm: bool = True) -> HypervisorFacts:
    return facts_of(Answers(domain=document, host=host, features=expanded), kvm=kvm)


@pytest.mark.parametrize(("found", "expected"), [
    pytest.param(facts(domain(cpu=CUSTOM)), HypervisorFacts(usable_models=["EPYC-v4"],
                                                            known_models=["EPYC-v4", "Nehalem"]), id="models"),
    pytest.param(facts(domain(cpu=MODEL), expanded=EXPANDED),
                 HypervisorFacts(host_model="EPYC", cpu_vendor="AMD", host_model_features=["x2apic"],
                                 features=["aes", "x2apic"]), id="host model and all its features"),
    pytest.param(facts(domain(cpu=MODEL)),
                 HypervisorFacts(host_model="EPYC", cpu_vendor="AMD", host_model_features=["x2apic"],
                                 features=["x2apic"]), id="without an expansion the named features have to do"),
    pytest.param(facts(domain(cpu=MODEL.replace('supported="yes"', 'supported="no"'))), HypervisorFacts(),
                 id="no host model"),
    pytest.param(facts(domain(), host=HOST),
                 HypervisorFacts(machine_types=["pc", "pc-q35-10.0", "q35", "pc-q35-2.4"],
                                 deprecated_machine_types=["pc-q35-2.4"], tsc=Tsc(hz=2111999000, scalable=True)),
                 id="machine types, each once, and the time stamp counter"),
    pytest.param(facts(domain(features=HYPERV)), HypervisorFacts(hyperv=["vpindex", "synictimer"]),
                 id="Hyper-V, in the API's words"),
    pytest.param(facts(domain(features=HYPERV), kvm=False), HypervisorFacts(), id="no Hyper-V in emulation"),
    pytest.param(facts(domain(features='<sev supported="yes"><maxGuests>500</maxGuests></sev>')),
                 HypervisorFacts(encryption=["sev"]), id="SEV"),
    pytest.param(facts(domain(features='<sev supported="yes"><maxESGuests>5</maxESGuests></sev>')),
                 HypervisorFacts(encryption=["sev", "sev-es"]), id="SEV with encrypted state"),
    pytest.param(facts(domain(features='<sev supported="no"/><launchSecurity supported="yes"><enum name="sectype">'
                                       "<value>sev-snp</value><value>tdx</value></enum></launchSecurity>")),
                 HypervisorFacts(encryption=["sev-snp", "tdx"]), id="SEV-SNP and TDX"),
    pytest.param(facts(domain(features='<s390-pv supported="yes"/>')), HypervisorFacts(encryption=["s390-pv"]),
                 id="IBM Z"),
    pytest.param(facts("<domainCapabilities/>"), HypervisorFacts(), id="nothing at all"),
])  # fmt: skip
def test_facts(found: HypervisorFacts, expected: HypervisorFacts) -> None:
    assert found == expected


@pytest.mark.parametrize(("script", "cause"), [
    pytest.param("echo warning >&2; echo no emulator >&2; exit 1", "no emulator", id="libvirt says why"),
    pytest.param("echo nonsense", "malformed", id="an answer that is none"),
    pytest.param("""echo '{"domain": "<", "host": ""}'""", "token|element|well-formed", id="a broken document"),
])  # fmt: skip
async def test_no_answer_is_a_problem_with_a_remedy(
    script: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "python"
    child.write_text(f"#!/bin/sh\n{script}\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(Problem, match=f"(?s)could not be asked.*({cause})") as raised:
        await ask_hypervisor(kvm=False)
    assert raised.value.remedy == "virt-handler must run in the image that launcher pods use"


async def test_an_answer_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "python"
    child.write_text("#!/bin/sh\nexec sleep 600\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    monkeypatch.setattr(hypervisor, "_LIMIT_S", 0.05)
    with pytest.raises(Problem, match="no answer within"):
        await ask_hypervisor(kvm=False)
