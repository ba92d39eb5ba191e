"""The verifier's own shapes and the published schemas say the same."""

import copy
import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from referencing import Registry, Resource

from receipt_service.domain.canonical import to_json
from receipt_service.domain.groups import ORDINARY, Group
from receipt_service.errors import MalformedReceipt
from receipt_service.verify.claims import _WRITTEN, LONGEST_LINE, LONGEST_TEXT, MOST_ITEMS, valid_claims
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Reason
from tests.support.forgery import bogus_receipts
from tests.support.receipts import (
    LATE_CORRECTION,
    NOW,
    sample_claims,
    sample_receipt,
    sample_trust_root,
    sample_verifier,
)

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
NAMES = ("receipt-claims", "stub", "trust-root", "verdict")
EXAMPLES = {
    "receipt-claims.v1.json": "receipt-claims",
    "stub.v1.json": "stub",
    "trust-root.v1.json": "trust-root",
    "verdict.v1.passed.json": "verdict",
    "verdict.v1.failed.json": "verdict",
    "verdict.v1.indeterminate.json": "verdict",
}


@cache
def document(name):
    return json.loads((SCHEMAS / f"{name}.v1.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name):
    registry = Registry().with_resources(
        (document(each)["$id"], Resource.from_contents(document(each))) for each in NAMES
    )
    return jsonschema.Draft202012Validator(document(name), registry=registry)


def by_schema(group, value):
    return validator("receipt-claims").is_valid({group.value: value})


def paths(value, at=()):
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield from paths(member, (*at, key))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


TEXTS = [
    "",
    "A",
    "LIBRE",
    "é",
    "\t",
    "a\nb",
    "\u2028",
    "\x7f",
    "A,B",
    "A\0B",
    "2A004",
    "75110",
    "2C004",
    "976",
    "99",
    "2A",
    "97",
    "established",
    "not_established",
    "Europe/Paris",
    "/",
]
LENGTHS = ["x" * size for size in (64, 65, LONGEST_LINE, LONGEST_LINE + 1, LONGEST_TEXT, LONGEST_TEXT + 1)]
TIMES = [
    "2026-11-23T14:05:00+01:00",
    "2026-13-23T14:05:00+01:00",
    "2026-11-23T14:05:00Z",
    "2026-11-23T14:05:00.5+01:00",
    "1990",
    "1990-05",
    "1990-13",
]
LISTS = [["A", "A"], ["A", 1], ["A"] * (MOST_ITEMS + 1), [f"A{n}" for n in range(MOST_ITEMS)]]
OTHERS = [None, True, False, 0, 1, 2**53 - 1, 2**53, 1.5, [], {}, "0" * 26, "8" + "0" * 25]
LIKELY = st.sampled_from([*TEXTS, *LENGTHS, *TIMES, *LISTS, *OTHERS])
ANY = LIKELY | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(data=st.data(), group=st.sampled_from(Group))
def test_shapes_and_schema_take_and_refuse_the_same(data, group):
    moment = data.draw(st.sampled_from([ORDINARY, LATE_CORRECTION]))
    value = copy.deepcopy(sample_claims(moment=moment)[group])
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(paths(value))))
        if not path:
            value = copy.deepcopy(data.draw(ANY))
            continue
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        kind = data.draw(st.sampled_from(["replace", "delete", "add"]))
        if kind == "replace":
            parent[path[-1]] = copy.deepcopy(data.draw(ANY))
        elif kind == "delete":
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[data.draw(st.sampled_from(["consent", "ended_at", "reason_text", "phone", "ordered_by"]))] = (
                copy.deepcopy(data.draw(ANY))
            )
        else:
            parent.append(copy.deepcopy(data.draw(ANY)))
    # Python's $ stands before a last line break too; ECMA-262's, which JSON Schema means, does not.
    assume(not any(text.endswith("\n") for text in strings(value)))
    assert valid_claims(group, value) == by_schema(group, value)
    assert valid_claims(group, value, text_of(group, value)) == by_schema(group, value), "the fast way says the same"


def text_of(group, value):
    try:
        return to_json(["AAECAwQFBgcICQoLDA0ODw", group.value, value]).decode()
    except MalformedReceipt:
        return ""


def test_what_we_write_takes_the_fast_way():
    for group, value in sample_claims().items():
        assert _WRITTEN[group].fullmatch(text_of(group, value))


@pytest.mark.parametrize("group", Group)
def test_members_may_come_in_any_order(group):
    value = sample_claims()[group]
    backwards = dict(reversed(value.items()))
    assert valid_claims(group, backwards)
    assert by_schema(group, backwards)


def test_what_is_bent_in_its_claims_is_bent_by_the_schema_too():
    verifier = sample_verifier()
    found = 0
    for item in bogus_receipts():
        if item.reason is Reason.CLAIMS_NOT_VALID:
            assert verifier.verify(item.text, NOW).reasons == (Reason.CLAIMS_NOT_VALID,)
            found += 1
    assert found >= 10


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(document(name))
    assert document(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_examples(example):
    content = json.loads((SCHEMAS / "examples" / example).read_text(encoding="utf-8"))
    assert [error.message for error in validator(EXAMPLES[example]).iter_errors(content)] == []


def test_every_verdict_is_as_its_schema_says():
    verifier = sample_verifier()
    receipt = sample_receipt()
    texts = [receipt.compact, receipt.stub.compact, f"{receipt.leaf}~", *(item.text for item in bogus_receipts())]
    for text in texts:
        assert validator("verdict").is_valid(verifier.verify(text, NOW).to_json())


def test_a_written_trust_root_is_as_its_schema_says_and_reads_back():
    root = sample_trust_root()
    validator("trust-root").validate(json.loads(root.to_json()))
    assert TrustRoot.from_json(root.to_json()) == root


def test_the_stub_example_is_the_sample_s():
    content = json.loads((SCHEMAS / "examples" / "stub.v1.json").read_text(encoding="utf-8"))
    assert content["stub"] == sample_receipt().stub.compact
