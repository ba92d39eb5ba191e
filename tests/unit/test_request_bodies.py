import contextlib
import copy
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.domain.recipient import Channel
from receipt_service.errors import InvalidCheck
from receipt_service.web import fields, json_body
from receipt_service.web.example_files import example
from receipt_service.web.refusals import Refused
from receipt_service.web.requests import read_check

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
BODY = example("check-request")


def changed(pointer, value):
    body = copy.deepcopy(BODY)
    *path, last = pointer.split("/")[1:]
    part = body
    for name in path:
        part = part[int(name)] if isinstance(part, list) else part[name]
    last = int(last) if isinstance(part, list) else last
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return body


def read(body):
    return read_check(orjson.dumps(body), NOW)


def faults(body):
    with pytest.raises(InvalidCheck) as raised:
        read(body)
    return {(violation.field, violation.rule) for violation in raised.value.violations}


def test_a_body_becomes_domain_values():
    request, person, recipient = read(BODY)

    assert request.legal_bases[0].code == "CPP-78-2-AL7"
    assert request.legal_bases[0].requisition.communes == ("75110",)
    assert request.checked_at.utcoffset() == timedelta(hours=1)
    assert person.family_name == "Lefèvre"
    assert recipient.channels == (Channel.SMS, Channel.EMAIL, Channel.SCREEN)
    assert request.second_language == "en"


@pytest.mark.parametrize(
    ("pointer", "value", "rule"),
    [
        ("/legal_bases", [], "too_short"),
        ("/legal_bases", {}, "type"),
        ("/legal_bases", [BODY["legal_bases"][0]] * 6, "too_long"),
        ("/legal_bases/0/code", "CPP 78-2", "format"),
        ("/legal_bases/0/requisition/starts_at", "2026-11-23T12:00:00", "timestamp_offset"),
        ("/legal_bases/0/requisition/communes", ["75 110"], None),
        ("/reasons", ..., "required"),
        ("/reasons", None, "type"),
        ("/selection", "at_will", "not_allowed"),
        ("/checked_at", 1763903100, "timestamp"),
        ("/checked_at", "1763903100", "timestamp"),
        ("/checked_at", "2026-11-23 14:05:00+01:00", "timestamp"),
        ("/checked_at", "2026-02-30T14:05:00+01:00", "timestamp"),
        ("/checked_at", "2026-11-23T14:05:00+25:00", "timestamp"),
        ("/place/commune", "2A04", "format"),
        ("/place/public_place", "", "too_short"),
        ("/place/public_place", "   ", "too_short"),
        ("/place/public_place", "x" * 121, "too_long"),
        ("/place/public_place", "Gare\x00du Nord", "character"),
        ("/place/public_place", "Gare \u202edu Nord", "character"),
        ("/person", None, "type"),
        ("/person/family_name", "Le\x00fevre", "character"),
        ("/person/family_name", "Dupont2", "character"),
        ("/person/family_name", "Dup\u200bont", "character"),
        ("/person/family_name", "<b>", "character"),
        ("/person/family_name", "-", "no_letter"),
        ("/person/family_name", "x" * 61, "too_long"),
        ("/person/given_names", "x" * 81, "too_long"),
        ("/person/given_names", 3, "type"),
        ("/person/birth_place", "Lyon;Paris", "character"),
        ("/person/birth_date", "1990-02-30", "date"),
        ("/person/birth_date", "1990-13", "date"),
        ("/person/birth_date", "90-01-01", "format"),
        ("/person/birth_date", "1899-12-31", "date_too_old"),
        ("/person/birth_date", "2027", "date_in_future"),
        ("/person/birth_date", "2026-11-25", "date_in_future"),
        ("/person/established_by", "hearsay", "not_allowed"),
        ("/person/document_number", "12AB34567", "unknown_member"),
        ("/recipient/sms", "+33142345678", "phone_not_mobile"),
        ("/recipient/sms", "0612345678", "phone_international"),
        ("/recipient/sms", "+3361234567", "phone"),
        ("/recipient/sms", "+33612345678;ext=1", "phone_international"),
        ("/recipient/email", "camille", "email"),
        ("/recipient/email", "camille@localhost", "email"),
        ("/recipient/email", "a@b.fr\r\nBcc: c@d.fr", "email"),
        ("/recipient/email", '"a b"@example.org', "email"),
        ("/recipient/on_screen", "true", "type"),
        ("/recipient/on_screen", 1, "type"),
        ("/second_language", "EN", "format"),
        ("/ordered_by", "agent Dupont", "format"),
        ("/ethnicity", "x", "unknown_member"),
        ("/officer_number", "1234567", "unknown_member"),
        ("/reason_texte", "x", "unknown_member"),
    ],
)
def test_a_fault_is_named_by_place_and_rule(pointer, value, rule):
    found = faults(changed(pointer, value))

    if rule is None:
        assert {field for field, _ in found} == {pointer + "/0"}
    else:
        assert found == {(pointer, rule)}


@pytest.mark.parametrize(
    ("recipient", "rule"),
    [
        ({}, "recipient_missing"),
        ({"on_screen": False}, "recipient_missing"),
        ({"declined": True, "on_screen": True}, "recipient_declined_and_chosen"),
        ({"declined": True, "sms": "+33639980001"}, "recipient_declined_and_chosen"),
    ],
)
def test_a_recipient_is_one_way_at_least_or_declined(recipient, rule):
    assert faults(changed("/recipient", recipient)) == {("/recipient", rule)}


def test_all_faults_come_at_once():
    body = changed("/reasons", [])
    body["person"]["birth_date"] = "x"
    body["recipient"]["email"] = "x"

    assert faults(body) == {("/reasons", "too_short"), ("/person/birth_date", "format"), ("/recipient/email", "email")}


@pytest.mark.parametrize(
    "name", ["Camille Lefèvre", "lefevre", "né_le_17_mai_1990", "Sarah", "06 39 98 00 01", "a" * 500]
)
def test_an_unknown_members_name_is_not_repeated(name):
    with pytest.raises(InvalidCheck) as raised:
        read({**BODY, name: "x"})

    (violation,) = raised.value.violations
    assert violation.field == ""
    assert name not in str(raised.value) + violation.fr + violation.en


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/person", {"identity": "CANARI"}),
        ("/person/family_name", "CANARI1"),
        ("/person/birth_date", "CANARI"),
        ("/recipient/sms", "+33CANARI0000"),
        ("/recipient/email", "CANARI"),
        ("/selection", "CANARI"),
        ("/checked_at", "CANARI"),
        ("/reasons", ["CANARI CANARI"]),
    ],
)
def test_no_fault_quotes_a_value(pointer, value):
    with pytest.raises(InvalidCheck) as raised:
        read(changed(pointer, value))

    assert "CANARI" not in repr(raised.value.violations) + str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "name",
    ["O'Brien", "N’Golo", "Jean-Éric", "Łukasz", "Nguyễn", "إبراهيم", "Иван", "José María", "St. John", "Pa‐Paul"],  # noqa: RUF001
)
def test_names_of_all_scripts_are_accepted(name):
    _, person, _ = read(changed("/person/family_name", name))

    assert person.family_name == unicodedata.normalize("NFC", name)


def test_texts_are_put_into_one_form():
    body = changed("/person/given_names", "  Zoe\u0308   Mae\u0308lle\u00a0Ann ")

    assert read(body)[1].given_names == "Zoë Maëlle Ann"


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+33(0)6 12 34 56 78", "+33612345678"),
        ("+33639980001", "+33639980001"),
        ("+262 692 12 34 56", "+262692123456"),
        ("+590690123456", "+590690123456"),
        ("+594694123456", "+594694123456"),
        ("+596696123456", "+596696123456"),
        ("+508551234", "+508551234"),
        ("+687751234", "+687751234"),
        ("+68987123456", "+68987123456"),
        ("+681821234", "+681821234"),
        ("+447911123456", "+447911123456"),
        ("+14155552671", "+14155552671"),
    ],
)
def test_mobile_numbers_of_everywhere_become_e164(written, e164):
    assert read(changed("/recipient/sms", written))[2].sms == e164


@pytest.mark.parametrize("region", ["FR", "RE", "YT", "GP", "MQ", "GF", "PM", "NC", "PF", "WF", "BE", "DZ", "MA", "SN"])
def test_the_example_mobile_of_each_region_is_accepted(region):
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    assert read(changed("/recipient/sms", written))[2].sms == written


@pytest.mark.parametrize(
    ("written", "address"),
    [("A.b+c@Example.ORG", "A.b+c@example.org"), ("a@bücher.example", "a@xn--bcher-kva.example")],
)
def test_addresses_are_written_in_ascii(written, address):
    assert read(changed("/recipient/email", written))[2].email == address


@pytest.mark.parametrize("date", ["1990", "1990-05", "1990-05-17", "2026-11-23", "2026-11", "1900-01-01"])
def test_birth_dates_may_be_incomplete(date):
    assert read(changed("/person/birth_date", date))[1].birth_date == date


def test_fractions_of_a_second_are_dropped():
    assert read(changed("/checked_at", "2026-11-23T14:05:09.987Z"))[0].checked_at == datetime(
        2026, 11, 23, 14, 5, 9, tzinfo=UTC
    )


MALFORMED = {
    "empty": b"",
    "text": b"hello",
    "array": b"[]",
    "number": b"3",
    "null": b"null",
    "cut": orjson.dumps(BODY)[:-1],
    "trailing": orjson.dumps(BODY) + b"x",
    "two": orjson.dumps(BODY) * 2,
    "duplicate": b'{"reasons":[],"reasons":[]}',
    "duplicate, compact": b'{"a":1,"a":22,"b":1e5}',
    "duplicate deep": b'{"person":{"identity":"established","identity":"not_established"}}',
    "nan": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "huge": b'{"a":1e999}',
    "digits": b'{"a":' + b"9" * 5000 + b"}",
    "surrogate": b'{"a":"\\ud800"}',
    "latin-1": '{"a":"é"}'.encode("latin-1"),
    "utf-16": '{"a":1}'.encode("utf-16"),
    "bom": b"\xef\xbb\xbf{}",
    "control": b'{"a":"\x01"}',
    "deep": b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
    "very deep": b"[" * 30_000,
    "very deep object": b'{"a":' * 10_000,
    "comment": b"{/**/}",
    "single quotes": b"{'a':1}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_one_json_object_is_refused(body):
    with pytest.raises(Refused) as raised:
        read_check(body, NOW)

    assert raised.value.problem.slug == "malformed-request"
    assert raised.value.__cause__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
POINTERS = [
    "/person",
    "/recipient",
    "/place",
    "/legal_bases/0",
    "/legal_bases",
    "/checked_at",
    "/person/birth_date",
    "/recipient/sms",
    "/recipient/email",
    "/reasons",
    "/selection",
]


@given(pointer=st.sampled_from(POINTERS), value=JSON)
def test_any_value_anywhere_is_read_or_refused_and_nothing_else(pointer, value):
    body = json.dumps(changed(pointer, value)).encode()

    faults: set[str] = set()
    try:
        request, _, recipient = read_check(body, NOW)
        assert request.legal_bases
        assert recipient.channels
    except InvalidCheck as refused:
        faults = {"/" + found.field.split("/")[1] for found in refused.violations}
    except Refused:
        faults = {"not read"}

    assert faults <= {"/" + pointer.split("/")[1], "not read"}, "what was left as it was is never at fault"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(Refused):
        assert isinstance(json_body.read_object(body), dict)


@pytest.mark.parametrize("form", ['"{}"', "{}"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_an_idempotency_key_is_a_random_uuid(form, case):
    key = uuid4()

    assert fields.idempotency_key([form.format(case(str(key))).encode()]) == str(key)


@pytest.mark.parametrize(
    ("values", "slug"),
    [
        ([], "missing"),
        ([b""], "missing"),
        ([b'""'], "missing"),
        ([b"abc"], "invalid"),
        ([b'"00000000-0000-0000-0000-000000000000"'], "invalid"),
        ([b'"6ba7b810-9dad-11d1-80b4-00c04fd430c8"'], "invalid"),
        ([b"8e03978e40d543ddbc936894a57f9324"], "invalid"),
        ([b'"8e03978e-40d5-43dd-bc93-6894a57f9324'], "invalid"),
        ([b'"8e03978e-40d5-43dd-bc93-6894a57f9324"'] * 2, "invalid"),
        ([b'"8e03978e-40d5-43dd-bc93-6894a57f9324";a=1'], "invalid"),
        ([b"{8e03978e-40d5-43dd-bc93-6894a57f9324}"], "invalid"),
        ([b"\xff" * 30], "invalid"),
    ],
)
def test_anything_else_is_no_idempotency_key(values, slug):
    with pytest.raises(Refused) as raised:
        fields.idempotency_key(values)

    assert raised.value.problem.slug == f"idempotency-key-{slug}"


@pytest.mark.parametrize(
    "media", [b"application/json", b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"']
)
def test_json_is_taken(media):
    assert json_body.require_json(media, None) is None  # a refusal is raised


@pytest.mark.parametrize(
    ("media", "coding"),
    [
        (None, None),
        (b"text/plain", None),
        (b"application/jsonx", None),
        (b"application/problem+json", None),
        (b"application/json; charset=latin-1", None),
        (b"multipart/form-data", None),
        (b"application/json", b"gzip"),
    ],
)
def test_other_media_types_are_not(media, coding):
    with pytest.raises(Refused) as raised:
        json_body.require_json(media, coding)

    assert raised.value.problem.status == 415
