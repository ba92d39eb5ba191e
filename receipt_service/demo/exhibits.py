"""What people received, and what the service kept: text, mails, paper, QR code, stub."""

from http import HTTPStatus
from typing import Final

import orjson

from receipt_service.demo.api_client import ApiClient
from receipt_service.demo.received import link_in, read_link, read_mail
from receipt_service.demo.story import Story
from receipt_service.demo.stub_book import StoredStub, count_envelopes, read_stub

_LONGEST_SHOWN: Final = 60
_SHOWN: Final = 40
_MAIL_LINES: Final = 14


def show_phone(story: Story) -> None:
    """Show the texts on the telephone, and keep their links for the verdicts."""
    texts = {str(read_link(link_in(arrival.text)).receipt_number): arrival for arrival in story.stage.store.phone}
    wanted = story.by("sms")
    story.tell.heading(f"The telephone: {len(story.stage.store.phone)} text messages")
    if len(story.stage.store.phone) != len(wanted):
        story.fail(f"{len(story.stage.store.phone)} text messages instead of {len(wanted)}")
    for shown, issued in enumerate(wanted):
        arrival = texts.get(issued.number)
        if arrival is None or arrival.to != issued.case.body["recipient"]["sms"]:
            story.fail(f"no text message: {issued.case.title}")
            continue
        story.arrived("text message", link_in(arrival.text), issued.number)
        if shown == 0:
            story.tell.field("to", f"{arrival.to}, from {arrival.sender}, {arrival.segments} segments, all GSM-7")
            story.tell.quote(arrival.text)
    path = story.stage.received / "phone.txt"
    path.write_text(
        "\n\n".join(f"{a.at:%H:%M:%S} to {a.to} from {a.sender}\n{a.text}" for a in story.stage.store.phone),
        encoding="utf-8",
    )
    story.saved("all of them", path)
    story.tell.say("At the provider the texts are erased once delivered; on the phone they stay, of course.")


def show_mailbox(story: Story) -> None:
    """Show the mails, and save the PDF and the receipt file of each."""
    wanted = story.by("email")
    story.tell.heading(f"The mailbox: {len(story.stage.mails)} mails")
    if len(story.stage.mails) != len(wanted):
        story.fail(f"{len(story.stage.mails)} mails instead of {len(wanted)}")
    numbers = {issued.number: issued for issued in wanted}
    for index, kept in enumerate(list(story.stage.mails)):
        mail = read_mail(kept.raw)
        number = read_link(link_in(mail.text)).receipt_number
        issued = numbers.pop(number, None)
        if issued is None or list(kept.recipients) != [issued.case.body["recipient"]["email"]]:
            story.fail("a mail that nobody asked for")
            continue
        pdf = story.stage.received / f"mail-{index + 1:06}.pdf"
        receipt = story.stage.received / f"mail-{index + 1:06}.sd-jwt"
        pdf.write_bytes(mail.pdf)
        receipt.write_text(mail.receipt, encoding="ascii")
        story.arrived("PDF in the mail", str(pdf), number)
        story.arrived("file in the mail", str(receipt), number)
        if index == 0:
            story.tell.field("subject", mail.subject)
            story.tell.field("encrypted", "yes, STARTTLS" if kept.encrypted else "NO")
            story.tell.quote(mail.text, most=_MAIL_LINES)
        story.saved("mail", story.stage.received / f"mail-{index + 1:06}.eml")
    for issued in numbers.values():
        story.fail(f"no mail: {issued.case.title}")
    story.tell.say("Beside each .eml: the PDF and the receipt file (.sd-jwt) that were attached.")


async def show_paper(story: Story, client: ApiClient) -> None:
    """Ask for the PDFs that the officer's printer would print."""
    story.tell.heading("Paper: the officer's portable printer asks for a PDF")
    for issued in story.by("on_paper"):
        assert issued.case.officer is not None  # noqa: S101 - accepted cases have one
        body = {"receipt": issued.created["receipt"], "link": issued.created["link"]}
        body |= {"second_language": issued.case.body.get("second_language")}
        answer = await client.request(
            "POST",
            "/v1/receipts/pdf",
            officer=issued.case.officer.subject,
            content=orjson.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        if answer.status != HTTPStatus.OK:
            story.fail(f"no PDF: {issued.case.title}: {answer.status}")
            continue
        path = story.stage.received / f"paper-{len(story.arrivals):02}.pdf"
        path.write_bytes(answer.content)
        story.arrived("printed PDF", str(path), issued.number)
        story.saved(f"{len(answer.content) // 1024} kB", path)


def show_screen(story: Story) -> None:
    """Save the QR codes of the officer's screen."""
    story.tell.heading("The officer's screen: a QR code to scan")
    for issued in story.by("on_screen"):
        path = story.stage.received / f"screen-{len(story.arrivals):02}.svg"
        path.write_text(issued.created["qr_svg"], encoding="utf-8")
        story.arrived("QR code's link", issued.created["link"], issued.number)
        story.saved("QR code", path)


def show_stub(story: Story) -> None:
    """Show one row of the stub-book, and that no sealed message is left."""
    story.tell.heading("The stub, as it stands in the database")
    if not story.issued:
        return
    stored = read_stub(story.stage.database, story.issued[0].number)
    _columns(story, stored)
    left = count_envelopes(story.stage.database)
    if left:
        story.fail(f"{left} sealed messages are still stored")
    story.tell.field("sealed messages", f"{left} left: shredded as soon as the provider had taken them")


def _columns(story: Story, stored: StoredStub) -> None:
    for name, value in stored.columns.items():
        if name != "disclosures":
            story.tell.field(name, _cut(value))
    story.tell.field("disclosures", "four, readable; the leaf holds five digests, and the fifth is the person's:")
    for line in stored.disclosures:
        story.tell.quote(line)


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_SHOWN else f"{value[:_SHOWN]}… ({len(value)} characters)"
