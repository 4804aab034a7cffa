"""Every command of virtctl is run by at least one end-to-end test: read from the tests' own text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import click

from kubevirt.virtctl.table import CommandTable, LazyGroup

WALKS = Path(__file__).parents[2] / "e2e"


def commands(group: LazyGroup) -> Iterator[tuple[str, ...]]:
    """The words of every command, without those of groups alone."""
    context = click.Context(group)
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        if isinstance(below, LazyGroup):
            yield from ((name, *words) for words in commands(below))
        else:
            yield (name,)


RUNNERS = {"virtctl", "run", "running", "shell", "started"}


def typed() -> set[str]:
    """What the tests run: words of calls that run virtctl, and beginnings of lists of arguments for such calls."""
    found: set[str] = set()
    for file in WALKS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.List):
                words = texts(node.elts)
                found |= {" ".join(words[:end]) for end in (1, 2)}
            elif isinstance(node, ast.Call) and name_of(node.func) in RUNNERS:
                words = texts(node.args)
                found |= {" ".join(words[start:end]) for start in range(len(words)) for end in (start + 1, start + 2)}
    return found


def texts(nodes: list[ast.expr]) -> list[str]:
    return [each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def name_of(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def test_somebody_runs_each_of_them() -> None:
    """What stands below `create` and `completion` is run in loops over their names."""
    looped = {"create": lambda words: words[1:], "completion": lambda words: words[:1]}
    known, run = sorted(commands(CommandTable())), typed()
    assert len(known) > 40
    assert [words for words in known if " ".join(looped.get(words[0], tuple)(words)) not in run] == []
