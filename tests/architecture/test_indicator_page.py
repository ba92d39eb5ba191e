"""docs/indicators.md is what the sheet of indicators says."""

import importlib.util
import re
from pathlib import Path

from receipt_service.statistics.indicator_sheet import NOT_MEASURED, SHEET

ROOT = Path(__file__).parents[2]


def writer():
    spec = importlib.util.spec_from_file_location("write_indicators", ROOT / "docs" / "write_indicators.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_in_step():
    assert (ROOT / "docs" / "indicators.md").read_text() == writer().page(), "run `make schemas`"


def test_the_page_has_every_indicator_and_says_first_what_cannot_be_measured():
    page = (ROOT / "docs" / "indicators.md").read_text()

    assert re.findall(r"^`(\w+)` \(", page, re.MULTILINE) == [one.code for one in SHEET]
    assert page.index(NOT_MEASURED["en"]) < page.index("## ")
