from email.message import EmailMessage
from email.policy import SMTP

import pytest

from receipt_service.demo.received import NothingReceived, link_in, read_link, read_mail, receipt_in_pdf
from receipt_service.errors import MalformedReceipt
from tests.support.pdf_files import pdf_with
from tests.support.receipts import ISSUER, sample_link, sample_receipt


def mail(*, attachments):
    message = EmailMessage(policy=SMTP)
    message["To"], message["Subject"] = "a@example.org", "Récépissé"
    message.set_content("Voici votre récépissé.\n", cte="quoted-printable")
    message.add_alternative("<p>Voici</p>", subtype="html")
    for kind, content in attachments:
        main, _, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename="file")
    return message.as_bytes()


def test_a_link_is_found_among_words():
    url = sample_link().url(ISSUER)
    assert link_in(f"Détail: {url}\nAgent 1234567") == url
    assert read_link(url) == sample_link()


@pytest.mark.parametrize("text", ["", "no link", f"{ISSUER}/r", f"{ISSUER}/r#"])
def test_a_message_without_a_link_brings_nothing(text):
    with pytest.raises(NothingReceived):
        link_in(text)


@pytest.mark.parametrize("fragment", ["", "a", "a.b.c", "0" * 26])
def test_a_link_that_is_none_is_refused(fragment):
    with pytest.raises(MalformedReceipt):
        read_link(f"{ISSUER}/r#{fragment}")


def test_a_mail_is_taken_apart():
    receipt = sample_receipt().compact
    raw = mail(attachments=[("application/pdf", b"%PDF-"), ("application/dc+sd-jwt", receipt.encode())])
    read = read_mail(raw)
    assert (read.to, read.subject, read.receipt, read.pdf) == ("a@example.org", "Récépissé", receipt, b"%PDF-")
    assert "Voici votre récépissé." in read.text


@pytest.mark.parametrize(
    "attachments",
    [
        [],
        [("application/pdf", b"%PDF-")],
        [("application/dc+sd-jwt", b"x~")],
        [("application/pdf", b"%PDF-"), ("application/dc+sd-jwt", b"x~"), ("image/png", b"x")],
    ],
)
def test_a_mail_without_both_files_brings_nothing(attachments):
    with pytest.raises(NothingReceived):
        read_mail(mail(attachments=attachments))


def test_the_receipt_is_taken_out_of_a_pdf():
    assert receipt_in_pdf(pdf_with(("receipt.sd-jwt", b"leaf~d~"))) == "leaf~d~"


@pytest.mark.parametrize("content", [b"", b"not a PDF", pdf_with(), pdf_with(("other.txt", b"x"))])
def test_a_pdf_without_a_receipt_brings_nothing(content):
    with pytest.raises(NothingReceived):
        receipt_in_pdf(content)
