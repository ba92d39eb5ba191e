"""Architecture decision records: numbered without a gap, in one form, listed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
SECTIONS = ["Context", "Decision", "Consequences", "Alternatives"]


def test_numbers_have_no_gap():
    assert [path.name[:4] for path in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_record_has_the_form(path):
    text = path.read_text()

    assert text.startswith(f"# {path.name[:4]}. ")
    assert re.search(r"^(Accepted|Superseded by \[\d{4}\]\(.+\)), \d{4}-\d{2}-\d{2}\.$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_record_fits_on_a_page(path):
    assert len(path.read_text().split()) <= 700


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_record_names_the_files_it_is_about(path):
    named = re.findall(r"`([\w./-]+/[\w./-]+|[\w-]+\.\w+|Makefile)`", path.read_text())

    assert [name for name in named if (ROOT / name).exists() or (ROOT / "receipt_service" / name).exists()]


def test_every_record_is_listed():
    listed = (FOLDER / "index.md").read_text()

    assert [path.name for path in RECORDS if f"({path.name})" not in listed] == []


def test_decisions_that_the_code_refers_to_exist():
    sources = [*(ROOT / "receipt_service").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "pyproject.toml"]
    cited = {number for path in sources for number in re.findall(r"docs/adr/(\d{4})", path.read_text())}

    assert cited - {path.name[:4] for path in RECORDS} == set()
