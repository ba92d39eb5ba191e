"""Figures about officers are read in one place, which writes down who did, and appear in no other product."""

import ast
import re
from pathlib import Path

import pytest

from receipt_service.statistics.lattice import Dimension

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "receipt_service"
READS = {"officer_cells", "OfficerCellRow", "officer_cell"}
MAY_READ = {
    "statistics/officers.py": "the officer view",
    "storage/rollup.py": "the table itself, and its queries",
    "storage/schema.py": "all tables, for the migrations",
}
VIEW = {"receipt_service.statistics.officers", "receipt_service.statistics.method.funnel"}
MAY_SHOW = {
    "bootstrap/application.py",
    "cli/statistics_readings.py",
    "statistics/officers.py",
    "web/officer_answers.py",
    "web/routes/officer_statistics.py",
    "web/services.py",
}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text())


def without_documentation(tree):
    """Every node but the texts that say what a module, class or function is for, or an attribute means."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return (node for node in ast.walk(tree) if not (isinstance(node, ast.Constant) and id(node) in told))


def used(tree):
    """What is called, imported or defined, and the table's name in a text: a statement is one."""
    for node in without_documentation(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name
            case ast.Attribute(value=ast.Name(id="rollup"), attr=name):
                yield name
            case ast.alias(name=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Name(id="OfficerCellRow" | "writing" as name):
                yield name
            case ast.Constant(value=str(words)):
                yield from {"officer_cell"} & set(re.split(r"[^a-z_]+", words))
            case _:
                pass


def imported(tree):
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case _:
                pass


@pytest.mark.parametrize(
    "line",
    [
        "rollup.officer_cells(connection, months=months, units=units)",
        "read = rollup.officer_cells",
        "from receipt_service.storage.rollup import officer_cells as cells",
        "table = table_of(OfficerCellRow)",
        "connection.execute(text('SELECT n, outcome FROM officer_cell WHERE n > 1'))",
    ],
)
def test_every_way_of_reading_them_is_noticed(line):
    assert READS & set(used(ast.parse(line)))


def test_one_module_reads_what_officers_did():
    readers = {name for name, tree in modules() if READS & set(used(tree))}

    assert readers == set(MAY_READ)


def test_the_officer_view_is_shown_by_its_own_route_alone():
    users = {name for name, tree in modules() if VIEW & set(imported(tree))}

    assert users == MAY_SHOW


def test_what_reads_officers_counts_writes_the_reading_down_first():
    tree = ast.parse((PACKAGE / "statistics" / "officers.py").read_text())
    reading = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and "officer_cells" in set(used(node))
    ]

    assert len(reading) == 1
    assert any(
        isinstance(block, ast.With) and {"officer_cells", "note", "writing"} <= set(used(block))
        for block in ast.walk(reading[0])
    )


def test_no_table_of_the_lattice_is_by_officer():
    assert [dimension for dimension in Dimension if "officer" in dimension] == []
