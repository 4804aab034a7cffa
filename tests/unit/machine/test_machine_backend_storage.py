"""State that outlives a run: which machines have some, whose the claim is, and where the launcher pod finds it."""

from __future__ import annotations

import pytest
from machine_samples import UID, pod_context, vmi

from kubevirt.api import codec
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.machine import backend_storage
from kubevirt.machine.pod import launcher_pod

TPM: JsonObject = {"devices": {"tpm": {"persistent": True}}}
EFI: JsonObject = {"firmware": {"bootloader": {"efi": {"persistent": True}}}}
OF_TPM = ["swtpm", "swtpm-localca"]


def owner(kind: str, uid: str) -> JsonObject:
    return {"apiVersion": "kubevirt.io/v1", "kind": kind, "name": "guest", "uid": uid, "controller": True,
            "blockOwnerDeletion": True}


OF_A_VM: JsonObject = {"ownerReferences": [owner("VirtualMachine", "vm-uid")]}


@pytest.mark.parametrize(("domain", "kept"), [
    pytest.param({}, [], id="nothing"),
    pytest.param({"devices": {"tpm": {}}}, [], id="a TPM that forgets"),
    pytest.param(TPM, OF_TPM, id="a TPM"),
    pytest.param({"devices": {"tpm": {"persistent": True, "enabled": False}}}, [], id="a TPM that is turned off"),
    pytest.param({"firmware": {"bootloader": {"efi": {}}}}, [], id="variables that are lost"),
    pytest.param(EFI, ["nvram"], id="UEFI variables"),
    pytest.param({**TPM, **EFI}, [*OF_TPM, "nvram"], id="both"),
])
def test_what_is_kept(domain: JsonObject, kept: list[str]) -> None:
    machine = vmi(domain=domain)
    assert backend_storage.directories(machine) == kept
    assert backend_storage.is_needed(machine) is bool(kept)


def test_the_pod_has_directories_of_the_claim_for_what_is_kept() -> None:
    pod = launcher_pod(vmi(domain={**TPM, **EFI}), pod_context(state_claim="state"))
    volumes, mounts = dig(pod, "spec", "volumes"), dig(pod, "spec", "containers", 0, "volumeMounts")
    assert isinstance(volumes, list)
    assert isinstance(mounts, list)
    assert {"name": "vm-state", "persistentVolumeClaim": {"claimName": "state"}} in volumes
    assert [(dig(m, "subPath"), dig(m, "mountPath")) for m in mounts if dig(m, "name") == "vm-state"] == [
        (kind, f"/var/run/kubevirt-state/{kind}") for kind in (*OF_TPM, "nvram")]


def test_no_pod_without_the_claim() -> None:
    with pytest.raises(Problem, match="can't generate manifest without backend-storage PVC, waiting for the PVC to be "
                                      "created"):
        launcher_pod(vmi(domain=TPM), pod_context())


def test_other_machines_have_no_such_volume() -> None:
    volumes = dig(launcher_pod(vmi(), pod_context(state_claim="state")), "spec", "volumes")
    assert isinstance(volumes, list)
    assert "vm-state" not in [dig(volume, "name") for volume in volumes]


@pytest.mark.parametrize(("metadata", "whose"), [
    pytest.param(OF_A_VM, ("VirtualMachine", "vm-uid"), id="a VM keeps it from one instance to the next"),
    pytest.param({}, ("VirtualMachineInstance", UID), id="an instance of its own has its own"),
    pytest.param({"ownerReferences": [owner("VirtualMachineInstanceReplicaSet", "rs")]},
                 ("VirtualMachineInstance", UID), id="replicas share nothing"),
])
def test_the_claim_goes_with_its_owner(metadata: JsonObject, whose: tuple[str, str]) -> None:
    claim = backend_storage.new_claim(vmi(metadata=metadata), storage_class="fast", access_mode="ReadWriteOnce")
    above = dig(claim, "metadata", "ownerReferences", 0)
    assert (dig(above, "kind"), dig(above, "uid"), dig(above, "controller")) == (*whose, True)
    assert dig(claim, "metadata", "labels") == {"persistent-state-for": "guest"}
    assert str(dig(claim, "metadata", "name")).startswith("persistent-state-for-guest-")
    assert dig(claim, "spec") == {
        "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "storageClassName": "fast",
        "resources": {"requests": {"storage": "10Mi"}}}


def test_every_instance_of_a_vm_asks_for_the_same_claim() -> None:
    first, second = vmi(metadata={**OF_A_VM, "uid": "1"}), vmi(metadata={**OF_A_VM, "uid": "2"})
    assert backend_storage.name_for(first) == backend_storage.name_for(second)
    assert backend_storage.name_for(vmi(metadata={"uid": "1"})) != backend_storage.name_for(vmi(metadata={"uid": "2"}))


def claim(name: str, *, of: str | None = "vm-uid", made: str = "2026-01-01T00:00:00Z", going: bool = False,
          ) -> PersistentVolumeClaim:
    above: list[Json] = [owner("VirtualMachine", of)] if of else []
    times: JsonObject = {"creationTimestamp": made, **({"deletionTimestamp": made} if going else {})}
    return codec.convert({"metadata": {"name": name, "namespace": "lab", "ownerReferences": above,
                                       "labels": {"persistent-state-for": "guest"}, **times}}, PersistentVolumeClaim)


@pytest.mark.parametrize(("labelled", "chosen"), [
    pytest.param([], None, id="none yet"),
    pytest.param([claim("a")], "a", id="the one that was made for it"),
    pytest.param([claim("a"), claim("b", made="2026-01-02T00:00:00Z")], "b", id="the newest"),
    pytest.param([claim("a"), claim("b", made="2026-01-02T00:00:00Z", going=True)], "a", id="not one that goes"),
    pytest.param([claim("a", of="an earlier VM of this name")], None, id="not a namesake's"),
    pytest.param([claim("a", of=None)], "a", id="one that somebody restored"),
])
def test_which_claim_counts(labelled: list[PersistentVolumeClaim], chosen: str | None) -> None:
    found = backend_storage.claim_of(vmi(metadata=OF_A_VM), labelled)
    assert (found.metadata.name if found is not None else None) == chosen


@pytest.mark.parametrize(("owned", "machine"), [
    pytest.param(claim("a"), "guest", id="its owner's name"),
    pytest.param(claim("a", of=None), "guest", id="its label, without an owner"),
])
def test_whom_a_change_of_a_claim_concerns(owned: PersistentVolumeClaim, machine: str) -> None:
    assert backend_storage.machine_of(owned) == machine


def test_a_long_name_is_shortened_in_the_label_only() -> None:
    made = backend_storage.new_claim(vmi(metadata={"name": "x" * 70}), storage_class="c", access_mode="m")
    label = str(dig(made, "metadata", "labels", "persistent-state-for"))
    assert len(label) == 63
    assert str(dig(made, "metadata", "name")).startswith(f"persistent-state-for-{'x' * 70}-")
