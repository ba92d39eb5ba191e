"""What a person reads on a receipt that takes another one's place, and that every reason has its words."""

import json

import pytest

from receipt_service.delivery.rendering.email import render_email
from receipt_service.delivery.rendering.labels import FOLDER, labels, languages
from receipt_service.delivery.rendering.sheet import grouped, sheet
from receipt_service.delivery.rendering.sms import render_sms
from receipt_service.domain.correction import CancellationReason, CorrectionReason
from receipt_service.domain.groups import Group
from receipt_service.domain.person import IdentityNotEstablished, NotEstablishedReason
from tests.support.receipts import LATE_CORRECTION
from tests.support.rendered_receipts import Case, catalogues

OLD = LATE_CORRECTION.replaces.receipt_number
CORRECTED = Case(person=IdentityNotEstablished(reason=NotEstablishedReason.NOT_CARRIED_OVER), moment=LATE_CORRECTION)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("reason", [*CorrectionReason, *CancellationReason])
def test_every_reason_has_its_words(language, reason):
    assert labels(language)(f"correction.{reason.value}")


def test_reasons_are_told_apart_by_their_codes():
    assert not {*map(str, CorrectionReason)} & {*map(str, CancellationReason)}


def test_the_text_message_says_which_receipt_it_replaces_and_of_which_day():
    message = render_sms(CORRECTED.receipt, CORRECTED.url, catalogues())
    assert f"Remplace le récépissé {OLD} du 23/11/2026".replace("ê", "e") in message.text
    assert message.segments <= 4
    assert "Remplace" not in render_sms(Case().receipt, Case().url, catalogues()).text


def test_mail_and_pdf_say_it_first_in_both_languages():
    written = sheet(CORRECTED.receipt, catalogues(), ("fr", "en"))
    french, english = written.leads
    assert f"Il remplace le récépissé n° {grouped(OLD)}, enregistré le 23 novembre 2026" in french
    assert "Motif : lieu erroné." in french
    assert f"It replaces receipt no. {grouped(OLD)}, recorded on" in english
    assert "Reason: wrong place." in english
    mail = render_email(CORRECTED.receipt, CORRECTED.url, catalogues(), ("fr", "en"))
    assert grouped(OLD) in mail.text
    assert grouped(OLD) in mail.html
    assert "non reprise ici" in mail.text


def test_a_late_entry_shows_both_times():
    rows = {row.key: row.values[0] for row in sheet(CORRECTED.receipt, catalogues(), ("fr",)).sections[3].rows}
    assert "14 h 10" in rows["recorded_by_device_at"][0]
    assert rows["recorded_at"] != rows["recorded_by_device_at"]
    assert rows["replaces"] == (grouped(OLD),)


def test_the_page_has_every_text_that_its_script_asks_for():
    said = json.loads((FOLDER / "fr.json").read_text("utf-8"))
    for state in ("replaced", "cancelled", "erased"):
        assert {f"page.succession_{state}", f"page.succession_{state}_how"} <= said.keys()
    assert list(CORRECTED.receipt.claims()[Group.WHEN_WHERE])[-4:] == [
        "recorded_by_device_at",
        "late",
        "replaces",
        "log",
    ]
