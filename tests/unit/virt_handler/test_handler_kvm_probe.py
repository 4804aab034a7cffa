"""KVM is believed only when the processor announces it and a guest really runs; a device file alone proves nothing."""

from pathlib import Path

import pytest

from kubevirt.virt_handler import kvm_probe

WITH_VMX = "processor : 0\nflags\t\t: fpu vme vmx sse\n"
WITHOUT = "processor : 0\nflags\t\t: fpu vme sse hypervisor\n"


@pytest.mark.parametrize(("cpuinfo", "architecture", "missing"), [
    pytest.param(WITH_VMX, "x86_64", False, id="Intel's flag is enough"),
    pytest.param("flags : svm\n", "x86_64", False, id="AMD's flag is enough"),
    pytest.param(WITHOUT, "x86_64", True, id="a guest without nested virtualization has neither"),
    pytest.param("", "x86_64", True, id="an unreadable cpuinfo promises nothing"),
    pytest.param("Features : fp asimd\n", "aarch64", False, id="other architectures announce it otherwise"),
])  # fmt: skip
def test_processor_flags(cpuinfo: str, architecture: str, missing: bool) -> None:
    assert bool(kvm_probe.missing_processor_flags(cpuinfo, architecture)) is missing


@pytest.mark.parametrize(("device", "cpuinfo", "words"), [
    pytest.param("/nonexistent/kvm", WITH_VMX, "does not exist", id="no device file"),
    pytest.param("/dev/kvm", WITHOUT, "neither vmx nor svm", id="device file, but no hardware virtualization"),
    pytest.param("/dev/null", WITH_VMX, "could not run", id="a device that is not KVM"),
])  # fmt: skip
async def test_verdict_names_the_reason(device: str, cpuinfo: str, words: str, tmp_path: Path) -> None:
    if not Path(device).exists() and device == "/dev/kvm":
        pytest.skip("this machine has no /dev/kvm; any machine with one runs this")
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    verdict = await kvm_probe.probe(Path(device), tmp_path / "cpuinfo")
    assert not verdict.usable
    assert words in verdict.reason


async def test_a_guest_that_never_halts_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(WITH_VMX)
    verdict = await kvm_probe.probe(Path("/dev/null"), tmp_path / "cpuinfo", limit_s=0.001)
    assert not verdict.usable
    assert "did not halt within" in verdict.reason
