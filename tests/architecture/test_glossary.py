"""The glossary's words are the code's words."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "receipt_service"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()
    if line.startswith("| ") and line.count("|") == 5 and not line.startswith("| word ")
]
IN_CODE = [(row[0], word) for row in ROWS for word in re.findall(r"`([^`]+)`", row[2])]
NEVER = [(row[0], word) for row in ROWS for word in re.findall(r"`([^`]+)`", row[3])]


@cache
def names() -> set[str]:
    """Every name that the package defines: modules, classes, functions, parameters, attributes, variables."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        found.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                    found.add(name)
                case _:
                    pass
    return found


def words_of(name: str) -> str:
    """A name in snake case, so that parts of it can be found: CheckRequest, check_request."""
    return "_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_") + "_"


@pytest.mark.parametrize(("word", "name"), IN_CODE, ids=[name for _, name in IN_CODE])
def test_word_is_used(word, name):
    assert name in names(), f"the glossary says that {word!r} is {name} in the code"


@pytest.mark.parametrize(("word", "name"), NEVER, ids=[name for _, name in NEVER])
def test_other_word_is_not(word, name):
    used = sorted(found for found in names() if f"_{name}_" in words_of(found))

    assert used == [], f"say {word!r}"


def test_the_table_was_read():
    assert len(IN_CODE) > 30 and len(NEVER) > 10  # noqa: PT018 - one fact
