"""libvirt takes every domain that admission lets through: defined, and turned into a command line of QEMU, by the
libvirt of the launcher's image.

Domains of emulated guests, because no KVM is needed to judge them. What guests then do is tested with whole launchers.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from kubevirt.api import codec
from kubevirt.api.admission import admit_vmi
from kubevirt.api.config import ClusterConfig
from kubevirt.api.gates import REGISTRY
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.launcher_link.context import domain_context
from kubevirt.launcher_link.settings import sync_options
from kubevirt.machine.domain import DiskFacts, build_domain
from kubevirt.machine.network import NicAttachment
from tests.e2e.launcher_box import DIRECTORIES, ROOT, SCRIPT, UNPACKED, missing, unpacked
from tests.e2e.libvirt_cases import CASES, vmi

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

CONFIG = ClusterConfig(default_architecture="amd64", enabled_gates=frozenset(REGISTRY), network_binding="masquerade")
EXCEPTIONS = {
    "lun virtio": "support SCSI emulation",  # QEMU gave it up; the bus scsi works
    "sev": "not supported with this QEMU binary",  # AMD processors with KVM only
    "sev-es": "not supported with this QEMU binary",
    "sev-snp": "not supported with this QEMU binary",
    "tdx": "launchSecurity",  # newer than the libvirt of the image
    "hyper-v evmcs": "does not provide required features: vmx",  # nested virtualization of Intel
    "memory huge pages": "hugetlbfs filesystem is not mounted",  # the kubelet mounts it into pods that ask for pages
    "nic pci address that no port has": "Invalid PCI address",  # the user's choice; nobody can know all topologies
    "disk io native with writeback": "needs either no disk cache",  # the user's contradiction
}
"""Cases that libvirt refuses, with a part of its words: what needs real hardware, and what only users can put right."""


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> None:
    """In place of the one that looks at the cluster, which these tests do without."""


def domain_of(name: str) -> str:
    """The domain that a launcher without KVM would define. Fails where admission refuses the case."""
    admission = admit_vmi(codec.convert(vmi(name, CASES[name]), VirtualMachineInstance), CONFIG)
    assert admission.verdict.allowed, f"{name}: {admission.verdict.message}"
    nics = [NicAttachment(network=network.name, tap="tap0", mtu=1400) for network in admission.object.spec.networks]
    # As on a volume of block storage that allows direct input and output.
    disks = {v.name: DiskFacts(cache="none", block=True, format="raw") for v in admission.object.spec.volumes}
    options = sync_options(CONFIG, kvm_usable=False)
    return build_domain(admission.object, domain_context(options, kvm=False, disks=disks, nics=nics))


def judged(domains: dict[str, str]) -> dict[str, str]:
    """libvirt's objections, by case."""
    box = Path(tempfile.mkdtemp(prefix="libvirt-box-"))
    try:
        for name in DIRECTORIES:
            (box / name).mkdir()
            os.chown(box / name, 107, 107)
        (box / "termination-log").touch()
        (box / "private" / "domains").write_text(json.dumps(domains))
        shutil.copy(Path(__file__).with_name("libvirt_judge.py"), box / "private" / "judge.py")
        compiled = UNPACKED / "compiled"
        compiled.mkdir(parents=True, exist_ok=True)
        os.chown(compiled, 107, 107)
        env = {**os.environ, "BOX": str(box), "TREE": str(unpacked("virt")), "CODE": str(ROOT / "src"),
               "COMPILED": str(compiled)}  # fmt: skip
        private = "/run/kubevirt-private"
        judge = ["python3", f"{private}/judge.py", f"{private}/domains", f"{private}/verdicts"]
        unshare = ["unshare", "--mount", "--pid", "--net", "--fork", "--propagation", "private"]
        run = subprocess.run([*unshare, "sh", "-c", SCRIPT, "box", *judge], env=env, capture_output=True, timeout=300)
        verdicts = box / "private" / "verdicts"
        assert verdicts.exists(), run.stderr.decode()[-3000:]
        found: dict[str, str] = json.loads(verdicts.read_text())
        return found
    finally:
        shutil.rmtree(box)


@pytest.fixture(scope="module")
def objections() -> dict[str, str]:
    return judged({name: domain_of(name) for name in CASES})


@pytest.mark.parametrize("name", CASES)
def test_libvirt_takes_it(name: str, objections: dict[str, str]) -> None:
    if name in EXCEPTIONS:
        assert EXCEPTIONS[name] in objections[name]
    else:
        assert objections[name] == ""
