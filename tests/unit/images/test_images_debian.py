"""Which mirror a build takes from the machine's apt settings. That packages are fetched from it: every build."""

import pytest

from images import debian
from images.steps import CannotBuild

MIRROR = "http://mirror.example.org/debian"
SECURITY = "http://mirror.example.org/debian-security"
OTHER = "https://packages.example.com/apt"


@pytest.mark.parametrize(
    ("settings", "mirror", "security"),
    [
        pytest.param("", None, None, id="no settings, no mirror"),
        pytest.param(f"deb {OTHER} cloud-tools main", None, None, id="another archive is not Debian"),
        pytest.param(f"deb {OTHER} stable contrib", None, None, id="a Debian suite without main"),
        pytest.param(f"# deb {MIRROR} trixie main", None, None, id="comments do not count"),
        pytest.param(f"deb-src {MIRROR} trixie main", None, None, id="source packages do not count"),
        pytest.param(f"deb {MIRROR} bookworm main contrib\n", MIRROR, None, id="one-line format"),
        pytest.param(f"deb [arch=amd64 signed-by=/k.gpg] {MIRROR} sid main", MIRROR, None, id="one-line with options"),
        pytest.param(f"deb {OTHER} x main\ndeb {MIRROR} trixie main", MIRROR, None, id="Debian after another archive"),
        pytest.param(
            f"deb {MIRROR} trixie main\ndeb {SECURITY} trixie-security main", MIRROR, SECURITY, id="a security archive"
        ),
        pytest.param(f"deb {MIRROR} trixie-updates main", None, None, id="updates alone are no mirror"),
        pytest.param(
            f"Types: deb\nURIs: {MIRROR}\nSuites: bookworm bookworm-updates\nComponents: main\n",
            MIRROR, None, id="deb822",
        ),
        pytest.param(
            f"Types: deb\nURIs: {MIRROR}\nSuites: trixie\nComponents: main\n\n"
            f"Types: deb deb-src\n# why\nURIs: {SECURITY}\nSuites: trixie-security\nComponents: main\n",
            MIRROR, SECURITY, id="deb822 with a security archive",
        ),
        pytest.param(
            f"Types: deb\nEnabled: no\nURIs: {MIRROR}\nSuites: trixie\nComponents: main\n",
            None, None, id="switched off",
        ),
        pytest.param(f"Types: deb\nURIs: {OTHER}\nSuites: stable\nComponents: tools\n", None, None, id="tools"),
    ],
)  # fmt: skip
def test_mirror(settings: str, mirror: str | None, security: str | None) -> None:
    assert debian.find_mirror(settings, security=False) == mirror
    assert debian.find_mirror(settings, security=True) == security


def test_a_mirror_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(debian.MIRROR_VARIABLE, MIRROR)
    monkeypatch.setattr(debian, "apt_settings", lambda: "")
    assert debian.sources("trixie") == [f"deb {MIRROR} trixie main"]


def test_no_mirror_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(debian, "apt_settings", lambda: "")
    with pytest.raises(CannotBuild, match=debian.MIRROR_VARIABLE):
        debian.sources("trixie")


def test_every_part_of_a_recipe_counts() -> None:
    recipe = debian.Recipe(name="a", suite="trixie", packages=("x",), installed=False)
    others = [
        debian.Recipe(name="a", suite="sid", packages=("x",), installed=False),
        debian.Recipe(name="a", suite="trixie", packages=("x", "y"), installed=False),
        debian.Recipe(name="a", suite="trixie", packages=("x",), installed=True),
        debian.Recipe(name="a", suite="trixie", packages=("x",), installed=False, architecture="i386"),
        debian.Recipe(name="a", suite="trixie", packages=("x",), installed=False, finish="more"),
    ]
    assert len({r.directory for r in [recipe, *others]}) == len(others) + 1
