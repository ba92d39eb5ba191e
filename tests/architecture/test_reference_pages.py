"""docs/errors.md, docs/api.md and docs/events.md are what the code says; its rules and fields are in registries."""

import importlib.util
import re
from pathlib import Path

import pytest

from receipt_service.domain.rule_texts import RULES
from receipt_service.telemetry import FIELDS
from receipt_service.web.problems import PROBLEMS, Problem
from receipt_service.web.refusals import Refused, refusal_of
from receipt_service.web.shape_faults import _RULE_OF_TYPE, SHAPE_RULES

ROOT = Path(__file__).parents[2]


def reference():
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "docs" / "write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["errors", "api", "events"])
def test_the_page_is_in_step(name):
    assert (ROOT / "docs" / f"{name}.md").read_text() == getattr(reference(), name)(), "run `make schemas`"


def test_every_problem_is_documented_and_every_documented_problem_exists():
    page = (ROOT / "docs" / "errors.md").read_text().partition("## Problems")[2].partition("## Rules of form")[0]

    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == set(PROBLEMS)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_speaks_both_languages(problem: Problem):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.slug)
    assert 400 <= problem.status < 600
    for texts in (problem.title, problem.detail):
        assert set(texts) == {"fr", "en"}
        assert texts["fr"] != texts["en"]


def test_every_rule_that_a_fault_of_form_can_have_is_registered():
    source = (ROOT / "receipt_service" / "web" / "fields.py").read_text()
    source += (ROOT / "receipt_service" / "web" / "requests.py").read_text()
    named = set(re.findall(r'(?:_fault|PydanticCustomError)\("([a-z_]+)"', source))

    assert named
    assert named | set(_RULE_OF_TYPE.values()) <= set(SHAPE_RULES)


def test_no_rule_means_two_things():
    assert set(SHAPE_RULES) & set(RULES) == set()


def test_a_refusal_is_itself():
    refused = Refused(PROBLEMS["not-found"])

    assert refusal_of(refused) is refused


def test_every_event_has_a_plain_name_and_allowed_fields():
    events = list(reference().calls())

    assert len(events) > 10
    assert [event for event in events if not re.fullmatch(r"[a-z0-9_.]{1,64}", event.name)] == []
    assert [event for event in events if not set(event.fields) <= set(FIELDS)] == []
