"""State on a claim: the places where libvirt and swtpm look for it lead there."""

from __future__ import annotations

from pathlib import Path

from kubevirt.machine import paths
from kubevirt.virt_launcher.kept_state import link


def test_links_lead_to_what_the_pod_has(tmp_path: Path) -> None:
    mounted, private = tmp_path / "state", tmp_path / "private"
    (mounted / "nvram").mkdir(parents=True)
    places = {"nvram": str(private / "qemu" / "nvram"), "swtpm": str(private / "qemu" / "swtpm")}
    assert link(mounted, places) == ["nvram"]
    (private / "qemu" / "nvram" / "web_VARS.fd").write_text("kept")
    assert (mounted / "nvram" / "web_VARS.fd").read_text() == "kept"
    assert not (private / "qemu" / "swtpm").exists()
    assert link(mounted, places) == ["nvram"], "again, and nothing changes"


def test_a_pod_without_such_a_claim_has_no_links(tmp_path: Path) -> None:
    assert link(tmp_path / "none", {"nvram": str(tmp_path / "nvram")}) == []
    assert list(tmp_path.iterdir()) == []


def test_the_variables_of_a_machine_are_among_what_is_kept() -> None:
    assert Path(paths.nvram("web")).is_relative_to(paths.KEPT[paths.STATE_OF_FIRMWARE])
