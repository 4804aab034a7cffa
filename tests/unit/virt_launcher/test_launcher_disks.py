"""What is found out of claims, sizes of disks in empty ones, and what of a mounted ConfigMap goes onto an ISO image."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubevirt.api import codec
from kubevirt.api.migration_status import PersistentVolumeClaimInfo
from kubevirt.api.volumes import Volume
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import JsonObject
from kubevirt.machine import paths
from kubevirt.virt_launcher.workshop.claims import MIB, disk_bytes, facts, make_disk
from kubevirt.virt_launcher.workshop.data_disks import contents, data_disk

PLENTY = 1 << 40


def claim(capacity: str = "", requests: str = "", overhead: str = "0.055") -> PersistentVolumeClaimInfo:
    told = {"claimName": "data", "filesystemOverhead": overhead}
    amounts = {k: {"storage": v} for k, v in (("capacity", capacity), ("requests", requests)) if v}
    return codec.convert({**told, **amounts}, PersistentVolumeClaimInfo)


@pytest.mark.parametrize(("info", "free", "expected"), [
    pytest.param(claim("64Mi"), PLENTY, 60 * MIB, id="the capacity without the overhead, in whole MiB"),
    pytest.param(claim("64Mi", overhead="0"), PLENTY, 64 * MIB, id="no overhead"),
    pytest.param(claim("64Mi", "32Mi", "0"), PLENTY, 64 * MIB, id="what was given counts, not what was asked for"),
    pytest.param(claim("", "32Mi", "0"), PLENTY, 32 * MIB, id="what was asked for, as long as nothing else is known"),
    pytest.param(claim("100Mi", overhead="0"), 95 * MIB, 94 * MIB, id="a little less is tolerated"),
    pytest.param(claim("100Mi", overhead="0"), 80 * MIB, None, id="much less is not"),
    pytest.param(claim(), PLENTY, None, id="nothing is known"),
])
def test_the_size_of_a_disk_in_an_empty_claim(info: PersistentVolumeClaimInfo, free: int, expected: int | None) -> None:
    assert disk_bytes(info, free_bytes=free) == expected


@pytest.mark.parametrize(("told", "kept"), [
    pytest.param(None, False, id="of which nothing is told"),
    pytest.param({}, False, id="allocated as it is written"),
    pytest.param({"preallocated": True}, True, id="preallocated"),
])
def test_the_blocks_of_a_claim_are_given_back_unless_it_was_preallocated(
    told: JsonObject | None, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(MIB))
    monkeypatch.setattr(paths, "block_device", lambda _: str(tmp_path / "absent"))
    monkeypatch.setattr(paths, "volume_file", lambda _: str(tmp_path / "disk.img"))
    volume = codec.convert({"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, Volume)
    info = None if told is None else codec.convert({"claimName": "data", **told}, PersistentVolumeClaimInfo)
    assert facts(volume, info).preallocated is kept


def test_a_disk_is_made(tmp_path: Path) -> None:
    make_disk(tmp_path / "disk.img", "data", claim("8Mi", overhead="0"))
    assert [(f.name, f.stat().st_size, f.stat().st_blocks) for f in tmp_path.iterdir()] == [("disk.img", 8 * MIB, 0)]


def test_a_disk_without_room_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no room"):
        make_disk(tmp_path / "disk.img", "data", claim("8Ei", overhead="0"))
    assert list(tmp_path.iterdir()) == []


def test_what_the_kubelet_keeps_for_itself_is_left_out(tmp_path: Path) -> None:
    kept = tmp_path / "..2026_01_01" / "sub"
    kept.mkdir(parents=True)
    (kept / "b").write_text("2")
    (kept.parent / "a").write_text("1")
    (tmp_path / "..data").symlink_to(kept.parent.name)
    (tmp_path / "a").symlink_to("..data/a")
    (tmp_path / "sub").symlink_to("..data/sub")
    assert contents(tmp_path) == {"a": b"1", "sub/b": b"2"}
    assert contents(tmp_path / "missing") == {}


@pytest.mark.parametrize(("source", "iso", "label"), [
    pytest.param({"configMap": {"name": "x"}}, "config-map-disks/v.iso", "cfgdata", id="ConfigMap"),
    pytest.param({"configMap": {"name": "x", "volumeLabel": "L"}}, "config-map-disks/v.iso", "L", id="its label"),
    pytest.param({"secret": {"secretName": "x"}}, "secret-disks/v.iso", "cfgdata", id="Secret"),
    pytest.param({"downwardAPI": {"fields": []}}, "downwardapi-disks/v.iso", "cfgdata", id="fields of the VMI"),
    pytest.param({"sysprep": {"secret": {"name": "x"}}}, "sysprep-disks/v.iso", "cfgdata", id="answer files"),
    pytest.param({"serviceAccount": {"serviceAccountName": "x"}}, "service-account-disk/service-account.iso", "cfgdata",
                 id="service account"),
])
def test_which_volumes_become_isos(source: dict[str, object], iso: str, label: str) -> None:
    disk = data_disk(codec.convert({"name": "v", **source}, Volume))
    assert disk is not None
    assert disk.iso.endswith(iso)
    assert disk.label == label
