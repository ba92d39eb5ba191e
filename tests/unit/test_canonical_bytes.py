import base64
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.domain.canonical import (
    LARGEST_INTEGER,
    MalformedEncoding,
    MalformedJson,
    base64url,
    from_base64url,
    from_json,
    to_json,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_base64url_is_the_library_s_without_padding(data):
    text = base64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert from_base64url(text) == data


@given(st.text(alphabet=LETTERS + "+/= \n\té", max_size=40))
def test_only_one_text_stands_for_some_bytes(text):
    try:
        data = from_base64url(text)
    except MalformedEncoding:
        return
    assert base64url(data) == text


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAB", "AA==", "AA=", "AAA=", "A A", "AAAA\n", "+/+/", "AAAAA", "é", "AA\0A"]
)
def test_other_spellings_are_refused(text):
    with pytest.raises(MalformedEncoding):
        from_base64url(text)


@given(JSON)
def test_what_we_write_we_read(value):
    assert from_json(to_json(value)) == value


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_both_readers_read_alike(value, indent, escaped):
    """Our own form takes a fast way, any other the slow one: the value is the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    assert from_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":{"b":1,"b":2}}',
        '[{"a":1, "\\u0061":2}]',
        "NaN",
        "[Infinity]",
        "-Infinity",
        str(LARGEST_INTEGER + 1),
        str(-LARGEST_INTEGER - 1),
        "9" * 5000,
        "1e400",
        "-1e999",
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '{"\\ud800":1}',
        "",
        "{",
        "[1,]",
        "{'a':1}",
        '"\n"',
        "01",
        "[]x",
        "[" * 100_000,
        "[" * 5000 + "]" * 5000,
    ],
)
def test_json_that_readers_understand_differently_is_refused(text):
    with pytest.raises(MalformedJson):
        from_json(text.encode())


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf[]", b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', '"a"'.encode("utf-16")]
)
def test_bytes_that_are_not_utf_8_are_refused(data):
    with pytest.raises(MalformedJson):
        from_json(data)


def test_a_surrogate_pair_is_a_character():
    assert from_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize("value", [object(), {1: 2}, b"x", "\ud800", {"a": {1, 2}}])
def test_only_json_s_own_types_are_written(value):
    with pytest.raises(MalformedJson):
        to_json(value)


def test_members_keep_their_order_and_accents_their_form():
    assert to_json({"z": "é", "a": [1, True, None]}) == '{"z":"é","a":[1,true,null]}'.encode()
    assert math.isclose(from_json(b"1.5"), 1.5)
