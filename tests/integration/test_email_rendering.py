"""The mail: words in two languages, two files, and nothing that reaches out."""

from html.parser import HTMLParser
from io import BytesIO

import pytest
from pypdf import PdfReader

from receipt_service.bootstrap.log_proofs import NO_LOG, proof_now
from receipt_service.delivery.rendering.email import render_email
from receipt_service.domain.person import EstablishedBy, IdentityEstablished
from receipt_service.domain.receipt import Receipt
from receipt_service.errors import Unavailable
from tests.support.rendered_receipts import REFUSED, Case, catalogues
from tests.support.small_log import SmallLog

HOSTILE = "<script>alert(1)</script>{{7*7}}\r\nBcc: x@evil.example\n\n1. IDENTITÉ"


def mail(case: Case, languages: tuple[str, ...] = ("fr", "en")):
    return render_email(case.receipt, case.url, catalogues(), languages)


class Page(HTMLParser):
    """Tags, attributes and words of an HTML text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag not in {"meta", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_it_has_the_words_the_pdf_and_the_signed_file():
    case = Case()
    content = mail(case)
    assert content.subject == "Récépissé de contrôle d’identité / Identity check receipt"
    assert content.language == "fr, en"
    pdf, signed = content.attachments
    assert (pdf.filename, pdf.media_type) == ("recepisse.pdf", "application/pdf")
    assert (signed.filename, signed.media_type) == ("receipt.sd-jwt", "application/dc+sd-jwt")
    assert Receipt.parse(signed.data.decode()) == case.receipt
    assert PdfReader(BytesIO(pdf.data)).attachments["receipt.sd-jwt"] == [signed.data]


def test_both_bodies_hold_the_five_groups_in_both_languages():
    content = mail(Case())
    html = " ".join(" ".join(Page(content.html).words).split())
    text = " ".join(content.text.split())
    for said in (
        "Base légale",
        "Legal basis",
        "N’Diaye-Lefèvre",
        "RIO 1234567",
        "Défenseur des droits",
        "lundi 23 novembre 2026 à 14 h 05 (heure de Paris, UTC+1)",
        "Monday 23 November 2026 at 14:05 (Paris time, UTC+1)",
    ):
        assert said in html, said
        assert said in text, said
    assert text.index("Base légale") < text.index("Legal basis")


def test_french_alone_is_french_alone():
    content = mail(Case(person=REFUSED), ("fr",))
    assert content.language == "fr"
    assert "Identity" not in content.html + content.text + content.subject
    assert "Non établie" in content.text


def test_the_link_is_in_both_bodies():
    case = Case()
    content = mail(case)
    assert content.text.count(case.url) == 2
    assert [value for name, value in Page(content.html).attributes if name == "href"] == [case.url] * 2


def test_nothing_is_loaded_and_nothing_runs():
    page = Page(mail(Case()).html)
    assert not page.open
    assert not {"script", "img", "link", "style", "iframe", "object", "form", "svg", "video"} & set(page.tags)
    assert not {"src", "srcset", "background", "onclick", "action"} & {name for name, _ in page.attributes}
    assert not any("url(" in (value or "") for _, value in page.attributes)


def test_it_reads_well_aloud():
    page = Page(mail(Case()).html)
    assert page.tags.count("h1") == 2
    assert page.tags.count("h2") == 10
    assert "table" not in page.tags
    assert ("lang", "fr") in page.attributes
    assert ("lang", "en") in page.attributes
    assert "title" in page.tags


def test_what_people_write_stays_text_on_one_line():
    person = IdentityEstablished(
        family_name="<b>x</b> & \"y\" 'z'",
        given_names="{% raw %}",
        birth_date="1990",
        birth_place="a\u2028b",
        established_by=EstablishedBy.WITNESS,
    )
    content = mail(Case(person=person, reason_text=HOSTILE))
    page = Page(content.html)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "<b>x</b> & \"y\" 'z'" in "".join(page.words)
    assert "{{7*7}}" in content.text
    assert "\nBcc:" not in content.text
    assert "\n1. IDENTITÉ" not in content.text
    assert "\r" not in content.subject + content.text


def test_no_identity_in_subject_or_file_names():
    content = mail(Case())
    outside = content.subject + "".join(each.filename for each in content.attachments)
    for name in ("Diaye", "Zoë", "1990", "3FQ7Z", "1234567"):
        assert name not in outside


@pytest.mark.parametrize("languages", [("fr",), ("fr", "en")])
def test_the_log_s_proof_comes_along_where_there_is_one(languages):
    case, proof = Case(), SmallLog().proof()
    content = render_email(case.receipt, case.url, catalogues(), languages, proof)
    assert [each.filename for each in content.attachments] == [
        "recepisse.pdf",
        "receipt.sd-jwt",
        "receipt.tlog-proof",
    ]
    assert content.attachments[2].data == proof
    for text in (content.text, content.html):
        assert text.count("receipt.tlog-proof") == len(languages)
    assert PdfReader(BytesIO(content.attachments[0].data)).attachments["receipt.tlog-proof"] == [proof]
    without = mail(case, languages)
    assert len(without.attachments) == 2
    assert "tlog-proof" not in without.text + without.html


def test_a_receipt_neither_waits_for_the_log_nor_fails_with_it():
    def broken(error):
        def proof_of(_leaf):
            raise error

        return proof_of

    leaf = Case().receipt.leaf
    assert proof_now(NO_LOG, leaf) is None
    assert proof_now(lambda given: given.encode(), leaf) == leaf.encode()
    assert proof_now(lambda _: b"\xff", leaf) is None
    for error in (Unavailable("no log"), PermissionError(13, "no folder")):
        assert proof_now(broken(error), leaf) is None
