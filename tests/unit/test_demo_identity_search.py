import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.identity_search import identities_of, search, spellings

NAMES = st.text(st.characters(categories=["L"]), min_size=7, max_size=30)


@given(name=NAMES, before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_base64_of_a_text_that_holds_a_name_is_found(name, before, after):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        hidden = encode(before + name.encode() + after)
        assert any(form in hidden for form in spellings(name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_name_is_found_in_every_encoding_and_case(tmp_path, encoding):
    (tmp_path / "deep").mkdir()
    for number, name in enumerate(["Dupont-Lévêque", "DUPONT-LÉVÊQUE", "dupont-lévêque"]):
        (tmp_path / "deep" / f"{number}.bin").write_bytes(b"\x01" * 9 + name.encode(encoding) + b"\x01")
    assert len(search([tmp_path], frozenset({"Dupont-Lévêque"})).hits) == 3


def test_a_name_on_the_seam_of_two_pieces_is_found(tmp_path):
    (tmp_path / "large").write_bytes(b"." * ((1 << 20) - 3) + b"Quemeneur" + b"." * 100)
    result = search([tmp_path], frozenset({"Quemeneur"}))
    assert [path.name for path in result.hits] == ["large"]
    assert result.bytes_read == (1 << 20) - 3 + 9 + 100


def test_what_is_not_there_is_not_found(tmp_path):
    (tmp_path / "file").write_bytes(b"Quemeneu")
    result = search([tmp_path], frozenset({"Quemeneur"}))
    assert (result.hits, result.files, result.identities) == ((), 1, 1)


def test_every_field_that_names_or_reaches_someone_is_looked_for():
    body = {
        "person": {
            "identity": "established",
            "family_name": "Quéméneur",
            "given_names": "Éléonore",
            "birth_date": "1990-05-17",
            "birth_place": "Brest",
            "established_by": "passport",
        },
        "recipient": {"sms": "+33639980001", "email": "e@example.org"},
    }
    nobody = {"person": {"identity": "not_established", "reason": "refused"}, "recipient": {"declined": True}}
    assert identities_of([body, nobody]) == {
        "Quéméneur",
        "Éléonore",
        "1990-05-17",
        "Brest",
        "+33639980001",
        "e@example.org",
    }
