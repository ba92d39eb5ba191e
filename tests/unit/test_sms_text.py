"""The text message: what it must hold, and that it never costs more than four segments."""

import base64
import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.delivery.rendering import gsm7
from receipt_service.delivery.rendering.labels import FOLDER, languages
from receipt_service.delivery.rendering.sheet import CatalogueUnknown
from receipt_service.delivery.rendering.sms import MAX_SEGMENTS, LinkTooLong, SmsText, render_sms
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.person import EstablishedBy, IdentityEstablished
from tests.support.receipts import ISSUER, RECEIPT_NUMBER, SEED
from tests.support.rendered_receipts import (
    GENTLE,
    MAYOTTE,
    REFUSED,
    REQUISITION,
    SUSPICION,
    Case,
    catalogue,
    catalogues,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "met_stops_2024-09_2025-04.csv.gz"


def sms(case: Case, tags: tuple[str, ...] = ("fr",)) -> SmsText:
    return render_sms(case.receipt, case.url, catalogues(), tags)


def test_it_says_basis_reason_outcome_time_place_officer_and_link():
    case = Case()
    text = sms(case).text
    for said in (
        "Récépissé de controle d'identité",
        "23/11/2026 14:05, Parvis de la gare du Nord, Paris 10e Arrondissement (75)",
        "Base: CPP 78-2 al.2",
        "Motif: ",
        "Regarde dans les voitures",
        "Issue: Libre",
        "Agent 1234567, Commissariat du 10e",
    ):
        assert said in text
    assert text.endswith(case.url)


def test_the_time_is_that_of_the_place():
    assert "23/11/2026 16:05" in sms(Case(place=MAYOTTE)).text


def test_the_identity_is_in_the_link_alone_and_not_in_the_clear():
    case = Case()
    text = sms(case, ("fr", "en")).text
    for name in ("Lefèvre", "Lefevre", "Zoë", "Maëlle", "1990", "Étienne"):
        assert name not in text
    link = ReceiptLink.parse_fragment(text.rpartition("#")[2])
    assert link.person == case.person


def test_a_second_language_gets_its_line_when_there_is_room():
    short = Case(reason_text=None, person=REFUSED)
    assert "English: see the link" in sms(short, ("fr", "en")).text
    assert "English" not in sms(short, ("fr",)).text
    assert "English" not in sms(short, ("fr", "xx")).text


def test_a_control_of_regulations_is_not_called_an_identity_check():
    code = next(code for code, basis in catalogue().bases.items() if str(basis.family) == "regulation")
    text = sms(Case(bases=(replace(SUSPICION, code=code),))).text
    assert "identité" not in text.split("\n")[0]


def test_long_words_are_cut_with_a_mark_and_facts_are_not():
    place = replace(GENTLE, public_place="Le long de la promenade " + "x" * 200)
    case = Case(reason_text="mot " * 400, place=place, service={"name": "Direction " * 20})
    message = sms(case)
    assert message.segments == MAX_SEGMENTS
    assert message.text.count("...") == 3
    for kept in ("14:05", "Paris 10e", "CPP 78-2 al.2", "Libre", "1234567", case.url):
        assert kept in message.text


def long_person(length: int) -> IdentityEstablished:
    return IdentityEstablished(
        family_name="É" * length,
        given_names="N" * length,
        birth_date="1990-05-17",
        birth_place="B" * length,
        established_by=EstablishedBy.PASSPORT,
    )


def test_a_long_name_takes_room_from_the_text_and_the_link_stays_whole():
    case = Case(person=long_person(65))
    message = sms(case)
    assert message.segments <= MAX_SEGMENTS
    assert message.text.endswith(case.url)
    assert all(kept in message.text for kept in ("14:05", "CPP 78-2 al.2", "Libre", "1234567"))


def test_a_name_that_fills_the_message_leaves_the_link_to_the_stub_and_says_so():
    message = sms(Case(person=long_person(200)))
    assert message.segments <= MAX_SEGMENTS
    assert message.text.endswith(f"/r#{RECEIPT_NUMBER}")
    assert "sans identité" in message.text


def test_an_address_too_long_for_any_message_is_refused():
    case = Case()
    with pytest.raises(LinkTooLong):
        render_sms(case.receipt, case.link.url("https://" + "a" * 700), catalogues())


def test_another_catalogue_than_the_receipts_is_refused():
    case = Case()
    for wrong in ({}, {catalogue().version: replace(catalogue(), sha256="A" * 43)}):
        with pytest.raises(CatalogueUnknown):
            render_sms(case.receipt, case.url, wrong)


def test_nothing_of_the_message_is_in_its_repr():
    assert ISSUER not in repr(sms(Case()))


FREE = st.text(max_size=400)


@given(reason=FREE, place=FREE, service=FREE, names=st.text(st.characters(exclude_characters="\n"), max_size=120))
def test_whatever_people_write_it_is_gsm7_and_fits(reason, place, service, names):
    person = IdentityEstablished(
        family_name=_plain(names),
        given_names="x",
        birth_date="1990",
        birth_place="y",
        established_by=EstablishedBy.WITNESS,
    )
    case = Case(
        reason_text=_plain(reason) or None,
        place=replace(GENTLE, public_place=_plain(place)),
        service={"name": _plain(service)},
        person=person,
    )
    message = sms(case, ("fr", "en"))
    assert gsm7.is_gsm7(message.text)
    assert message.segments == gsm7.count(message.text).segments <= MAX_SEGMENTS
    assert "1234567" in message.text
    assert f"#{RECEIPT_NUMBER}" in message.text
    assert message.text.count("\n") <= 8


def _plain(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8")


def test_every_basis_reason_and_outcome_fits_three_segments_on_a_common_check():
    texts = catalogue()
    for code in texts.bases:
        basis = replace(REQUISITION if texts.bases[code].requires_requisition else SUSPICION, code=code)
        assert sms(Case(bases=(basis,), reason_text=None)).segments <= 3, code
    for outcome in texts.outcomes:
        assert sms(Case(outcomes=(outcome,), reason_text=None)).segments <= 3, outcome
    for reason in texts.reasons:
        assert sms(Case(reasons=(reason,), reason_text=None)).segments <= 3, reason


def test_every_short_label_is_in_the_alphabet_as_the_catalogue_promises():
    texts = json.loads(Path(FOLDER / "fr.json").read_text("utf-8"))
    assert languages()[0] == "fr"
    for kind in ("bases", "reasons", "outcomes"):
        for code in getattr(catalogue(), kind):
            folded = gsm7.fold(catalogue().short(kind, code, "fr"))
            assert len(folded) <= 40, (kind, code)
    assert gsm7.is_gsm7(gsm7.fold(texts["sms.link"]))


@pytest.mark.needs_shared
def test_the_longest_and_typical_texts_of_the_sample():
    """The bar: ten longest and ten typical, at most four segments, three as a rule, all GSM-7."""
    if not SHARED.exists():
        pytest.skip("no ../shared")
    with gzip.open(SHARED, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    reasons = {(row["object_of_search"], row["legislation"], row["street_name"]) for row in rows}
    texts = sorted((f"Recherche : {what}. {law}", where) for what, law, where in reasons)
    by_length = sorted(texts, key=lambda each: len(each[0]) + len(each[1]))
    middle = len(by_length) // 2
    sample = [*by_length[-10:], *by_length[middle - 5 : middle + 5]]
    messages = [
        sms(Case(reason_text=reason, reasons=("REPERAGE",), place=replace(GENTLE, public_place=where)), ("fr", "en"))
        for reason, where in sample
    ]
    assert all(gsm7.is_gsm7(message.text) for message in messages)
    assert max(message.segments for message in messages) <= MAX_SEGMENTS
    assert median(message.segments for message in messages) == 3


def test_the_link_is_as_long_as_reckoned():
    """The room for names: four segments less the facts; measured once here so that nobody guesses."""
    case = Case(person=REFUSED)
    assert len(case.url) == len(ISSUER) + len("/r#") + 26 + 1 + len(base64.b64encode(SEED).rstrip(b"=")) + 1 + 4
