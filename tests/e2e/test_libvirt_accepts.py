"""libvirt takes every domain that admission lets through, and what QEMU makes of it is what was asked for.

The libvirt and the QEMU of the launcher's image judge. Guests that emulation can start are started, paused, and QEMU's
own view of the machine is held against the VMI; the others are defined and turned into a command line. What guests
then do is tested with whole launchers.
"""

import functools
import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import asdict

from kubevirt.api import codec
from kubevirt.api.admission import admit_vmi
from kubevirt.api.config import ClusterConfig
from kubevirt.api.gates import REGISTRY
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.launcher_link.context import domain_context
from kubevirt.launcher_link.settings import sync_options
from kubevirt.machine.domain import DiskFacts, topology
from kubevirt.machine.domain.build import domain_element
from kubevirt.machine.domain.xml import to_text
from kubevirt.machine.network import NicAttachment
from tests.e2e.launcher_box import DIRECTORIES, ROOT, SCRIPT, UNPACKED, missing, unpacked
from tests.e2e.libvirt_cases import CASES, vmi
from tests.e2e.libvirt_view import differences

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

CONFIG = ClusterConfig(default_architecture="amd64", enabled_gates=frozenset(REGISTRY), network_binding="masquerade")
REFUSED = {
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
NOT_STARTED = {
    "lun scsi": "needs a device that speaks SCSI",
    "lun with reservation": "needs a device that speaks SCSI",
    "block disk of a claim": "needs a block device",
    "block disk of a data volume": "needs a block device",
    "block disk of an ephemeral claim": "needs a block device",
    "nic passt": "needs the program passt, which is not in the image",
    "nic passt ports": "needs the program passt, which is not in the image",
    "vsock": "needs /dev/vhost-vsock",
    "file system": "needs a server of the file system",
    "cpu numa": "needs huge pages",
    "cpu realtime": "needs huge pages",
    "hyper-v": "needs KVM",
    "paravirtual spinlocks": "needs KVM",
}
"""Cases that are only defined and turned into a command line, because a box cannot start them."""
BOXES = 2
"""So many at a time, each with a libvirt of its own: a box waits for QEMU's end about as long as it works."""
STARTED = [name for name in CASES if name not in REFUSED and name not in NOT_STARTED]


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> None:
    """In place of the one that looks at the cluster, which these tests do without."""


@functools.cache
def admitted(name: str) -> VirtualMachineInstance:
    """The instance of a case with its defaults, some of them random. Fails where admission refuses the case."""
    admission = admit_vmi(codec.convert(vmi(name, CASES[name]), VirtualMachineInstance), CONFIG)
    assert admission.verdict.allowed, f"{name}: {admission.verdict.message}"
    return admission.object


def case_of(name: str) -> JsonObject:
    """The domain that a launcher without KVM would define, on volumes that allow direct input and output."""
    instance = admitted(name)
    tap = "queues0" if instance.spec.domain.devices.network_interface_multiqueue else "tap0"
    nics = [NicAttachment(network=network.name, tap=tap, mtu=1400) for network in instance.spec.networks]
    facts = DiskFacts(cache="none", block=name not in STARTED, format="raw")
    disks = {volume.name: facts for volume in instance.spec.volumes}
    context = domain_context(sync_options(CONFIG, kvm_usable=False), kvm=False, disks=disks, nics=nics)
    domain, spare = domain_element(instance, context), topology.spare(instance)
    if spare is None:
        return {"xml": to_text(domain), "spare": None, "start": name in STARTED}
    topology.with_placeholders(domain, spare.placeholders)
    return {"xml": to_text(domain), "spare": asdict(spare), "start": name in STARTED}


def judged(cases: dict[str, JsonObject]) -> dict[str, JsonObject]:
    """What `libvirt_judge` says, by case."""
    box = Path(tempfile.mkdtemp(prefix="libvirt-box-"))
    try:
        for name in DIRECTORIES:
            (box / name).mkdir()
            os.chown(box / name, 107, 107)
        (box / "termination-log").touch()
        (box / "private" / "cases").write_text(json.dumps(cases))
        shutil.copy(Path(__file__).with_name("libvirt_judge.py"), box / "private" / "judge.py")
        compiled = UNPACKED / "compiled"
        compiled.mkdir(parents=True, exist_ok=True)
        os.chown(compiled, 107, 107)
        env = {**os.environ, "BOX": str(box), "TREE": str(unpacked("virt")), "CODE": str(ROOT / "src"),
               "COMPILED": str(compiled)}  # fmt: skip
        private = "/run/kubevirt-private"
        judge = ["python3", f"{private}/judge.py", f"{private}/cases", f"{private}/verdicts"]
        # With its process 1 everything of the box ends.
        unshare = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation", "private"]
        run = subprocess.run([*unshare, "sh", "-c", SCRIPT, "box", *judge], env=env, capture_output=True, timeout=1500)
        verdicts = box / "private" / "verdicts"
        assert verdicts.exists(), run.stderr.decode()[-3000:]
        found: dict[str, JsonObject] = json.loads(verdicts.read_text())
        return found
    finally:
        shutil.rmtree(box)


@pytest.fixture(scope="module")
def verdicts() -> dict[str, JsonObject]:
    unpacked("virt")
    cases = [(name, case_of(name)) for name in CASES]
    with ThreadPoolExecutor(BOXES) as pool:
        return {name: verdict for found in pool.map(judged, (dict(cases[i::BOXES]) for i in range(BOXES)))
                for name, verdict in found.items()}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_libvirt_takes_it(name: str, verdicts: dict[str, JsonObject]) -> None:
    if name in REFUSED:
        assert REFUSED[name] in str(verdicts[name]["objection"])
    else:
        assert verdicts[name]["objection"] == ""


@pytest.mark.parametrize("name", STARTED)
def test_qemu_sees_what_was_asked_for(name: str, verdicts: dict[str, JsonObject]) -> None:
    view = verdicts[name]["view"]
    assert isinstance(view, dict)
    assert differences(admitted(name), view) == []
