"""The compiled copy of the project's code: never a module beside the compiled form of an older one."""

from pathlib import Path

import pytest

from images import virt
from images.steps import CannotBuild
from images.virt_debian import CODE_AT


@pytest.fixture
def compiled_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A project of one module and a compiler that keeps a note of its work; returns the notes."""
    notes: list[str] = []

    def compile_python(_root: Path, places: list[str], *, mounts: dict[str, Path]) -> None:
        (staged,) = mounts.values()
        for place in places:
            name = place.removeprefix(f"/{CODE_AT}/")
            notes.append(name)
            if "broken" in (staged / name).read_text():
                raise CannotBuild("the compiler stopped", remedy="")
            target = virt.compiled(staged / name)
            target.parent.mkdir(exist_ok=True)
            target.write_text((staged / name).read_text())

    monkeypatch.setattr(virt, "ROOT", tmp_path)
    monkeypatch.setattr(virt, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(virt, "tree", lambda *_: tmp_path / "tree")
    monkeypatch.setattr(virt, "compile_python", compile_python)
    (tmp_path / "src/kubevirt").mkdir(parents=True)
    return notes


def test_what_did_not_change_is_not_compiled_again(tmp_path: Path, compiled_from: list[str]) -> None:
    (tmp_path / "src/kubevirt/one.py").write_text("1")
    virt.staged_code()
    (tmp_path / "src/kubevirt/two.py").write_text("2")
    virt.staged_code()
    assert compiled_from == ["one.py", "two.py"]


def test_a_build_that_was_broken_off_is_taken_up_again(tmp_path: Path, compiled_from: list[str]) -> None:
    module = tmp_path / "src/kubevirt/one.py"
    module.write_text("1")
    staged = virt.staged_code()
    module.write_text("broken")
    with pytest.raises(CannotBuild):
        virt.staged_code()
    assert not virt.compiled(staged / "one.py").exists()
    with pytest.raises(CannotBuild):  # it is tried again, although the copy is up to date
        virt.staged_code()
    module.write_text("2")
    virt.staged_code()
    assert virt.compiled(staged / "one.py").read_text() == "2"


def test_a_module_that_has_gone_leaves_nothing(tmp_path: Path, compiled_from: list[str]) -> None:
    (tmp_path / "src/kubevirt/one.py").write_text("1")
    staged = virt.staged_code()
    (tmp_path / "src/kubevirt/one.py").unlink()
    virt.staged_code()
    assert [path for path in staged.rglob("*") if path.is_file()] == []
