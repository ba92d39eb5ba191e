"""Flip any bit of a receipt, and it never passes."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.verify.verdict import Reason, Status
from tests.support.receipts import NOW, sample_receipt, sample_verifier

_VERIFIER = sample_verifier()


@cache
def _texts():
    receipt = sample_receipt()
    return {"receipt": receipt.compact, "stub": receipt.stub.compact, "leaf": f"{receipt.leaf}~"}


@pytest.mark.parametrize("view", ["receipt", "stub", "leaf"])
def test_no_single_bit_flip_passes(view):
    text = _texts()[view]
    assert _VERIFIER.verify(text, NOW).passed
    raw = text.encode("ascii")
    passed = []
    for position in range(len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[position] ^= 1 << bit
            if _VERIFIER.verify(flipped.decode("latin-1"), NOW).passed:
                passed.append((position, bit))
    assert passed == []


@pytest.mark.parametrize("view", ["receipt", "stub", "leaf"])
def test_no_single_character_change_passes(view):
    """Every position, every letter of the alphabet of an SD-JWT: more than bits can reach."""
    text = _texts()[view]
    alphabet = "AQgwz9-_.~="
    for position, letter in enumerate(text):
        for other in alphabet:
            if other != letter:
                changed = f"{text[:position]}{other}{text[position + 1 :]}"
                assert not _VERIFIER.verify(changed, NOW).passed, (position, other)


@given(data=st.data())
def test_no_cut_and_paste_passes_except_a_view(data):
    """Dropping whole disclosures is the holder's right; every other deletion, repetition or swap fails."""
    text = _texts()["receipt"]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    kind = data.draw(st.sampled_from(["delete", "repeat", "insert", "reverse"]))
    middle = text[start:end]
    junk = data.draw(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FF), max_size=20))
    new = {"delete": "", "repeat": middle * 2, "insert": middle + junk, "reverse": middle[::-1]}[kind]
    changed = text[:start] + new + text[end:]
    verdict = _VERIFIER.verify(changed, NOW)
    leaf, *parts = text.split("~")
    left = changed.split("~")
    is_view = left[0] == leaf and left[-1] == "" and len(set(left)) == len(left) and set(left) <= {leaf, *parts}
    assert verdict.passed == is_view


@given(text=st.text() | st.text(alphabet='AZaz09-_.~{}[]":,=', max_size=400))
def test_any_text_gets_a_verdict_and_none_passes(text):
    assert _VERIFIER.verify(text, NOW).status in {Status.FAILED, Status.INDETERMINATE}


def test_a_flip_in_the_name_of_the_key_leaves_it_open():
    """Nothing is wrong in itself with a key that nobody told us of, so the verdict waits (docs/adr/0012)."""
    text = _texts()["leaf"]
    statuses = set()
    for position in range(text.index(".")):
        for other in "AQgwz9":
            if other != text[position]:
                verdict = _VERIFIER.verify(f"{text[:position]}{other}{text[position + 1 :]}", NOW)
                statuses.add(verdict.status)
                assert verdict.status is not Status.INDETERMINATE or verdict.reasons == (Reason.KEY_UNKNOWN,)
    assert statuses == {Status.FAILED, Status.INDETERMINATE}
