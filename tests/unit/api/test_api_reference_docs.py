"""The pages of docs/api are those that the types make."""

from pathlib import Path

from kubevirt.api.reference_docs import pages

FOLDER = Path(__file__).parents[3] / "docs" / "api"


def test_the_pages_are_up_to_date() -> None:
    committed = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    made = pages()
    assert sorted(committed) == sorted(made)
    stale = [name for name, text in made.items() if committed[name] != text]
    assert stale == [], "run: python -m kubevirt.api.reference_docs docs/api"


def test_every_link_leads_somewhere() -> None:
    made = pages()
    headings = {name: {line[3:].lower() for line in text.splitlines() if line.startswith("## ")} for name, text in
                made.items()}
    for name, text in made.items():
        for part in text.split("](")[1:]:
            page, _, anchor = part.split(")")[0].partition("#")
            assert page in made or not page
            assert not anchor or anchor in headings[page or name]


def test_every_field_says_what_it_does() -> None:
    rows = [(name, row.split(" | ")) for name, text in pages().items() for row in text.splitlines()
            if row.startswith("| `")]
    silent = [f"{name}: {cells[0][2:]}" for name, cells in rows if cells[-1].removesuffix("|").strip(" .") in
              ("", "Required")]
    assert len(rows) > 1000
    assert silent == []
