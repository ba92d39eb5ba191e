"""The e-mail channel against real conversations: what a refusal means in each phase, and never without TLS."""

import asyncio
import email
import email.policy
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from receipt_service.delivery.channel import Absent, Attachment, Dispatch, Gone, MailContent, Pending
from receipt_service.delivery.channels.email_smtp import SmtpEmail
from receipt_service.delivery.channels.smtp_connections import MAILS_PER_CONNECTION, Security, SmtpSettings
from receipt_service.demo.certificates import ServerCertificate, make_certificate
from receipt_service.demo.mail_sink import MailSink
from receipt_service.domain.message import Accepted, Configuration, Permanent, Transient, Unknown
from receipt_service.errors import ConfigurationError
from tests.support.smtp_servers import DROP, HANG, Hostility, hostile_smtp

T = TypeVar("T")
CREATED = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
CONTENT = MailContent(
    subject="Récépissé de contrôle d'identité",
    text="Bonjour,\nvoici le récépissé : https://recepisse.example/r#ABC.DEF.GHI\n.\nligne seule\n",
    html="<p>Voici le récépissé</p>",
    attachments=(
        Attachment("recepisse.pdf", "application/pdf", b"%PDF-1.7 " + bytes(range(256)) * 40),
        Attachment("recepisse.sd-jwt", "application/dc+sd-jwt", b"leaf~one~two~"),
    ),
    language="fr, en",
)


def dispatch(to: str = "personne@exemple.fr", message_id: str = "42") -> Dispatch[MailContent]:
    return Dispatch(message_id=message_id, to=to, content=CONTENT, created_at=CREATED, validity=timedelta(hours=72))


def settings(port: int, certificate: ServerCertificate, **changes: Any) -> SmtpSettings:
    given = {
        "host": "localhost",
        "port": port,
        "sender": "recepisse@interieur.example",
        "sender_name": "Récépissé de contrôle",
        "ca_file": certificate.ca_file,
        "limit_seconds": 2.0,
    }
    return SmtpSettings(**{**given, **changes})


def using(chosen: SmtpSettings, use: Callable[[SmtpEmail], Awaitable[T]]) -> T:
    async def run() -> T:
        channel = SmtpEmail(chosen)
        try:
            return await use(channel)
        finally:
            await channel.aclose()

    return asyncio.run(run())


def send_to(how: Hostility, certificate: ServerCertificate, **changes: Any) -> object:
    with hostile_smtp(how, certificate) as port:
        return using(settings(port, certificate, **changes), lambda channel: channel.send(dispatch()))


@pytest.mark.parametrize("implicit_tls", [False, True])
def test_mail_arrives_whole_over_tls_with_a_password(mail_certificate: ServerCertificate, implicit_tls: bool):
    login = ("worker", "a mail password")
    with MailSink(mail_certificate, implicit_tls=implicit_tls, login=login) as sink:
        chosen = settings(
            sink.port,
            mail_certificate,
            security=Security.TLS if implicit_tls else Security.STARTTLS,
            username=login[0],
            password=login[1],
        )
        assert using(chosen, lambda channel: channel.send(dispatch())) == Accepted()

    (received,) = sink.mails
    mail = email.message_from_bytes(received.raw, policy=email.policy.default)
    assert received.encrypted
    assert received.recipients == ("personne@exemple.fr",)
    assert mail.get_content_type() == "multipart/mixed"
    body, pdf, receipt = mail.iter_parts()
    assert body.get_content_type() == "multipart/alternative"
    assert body.get_body(("plain",)).get_content().replace("\r\n", "\n") == CONTENT.text
    assert body.get_body(("html",)).get_content().strip() == CONTENT.html
    assert pdf.get_content() == CONTENT.attachments[0].data
    assert receipt.get_content() == CONTENT.attachments[1].data
    assert [pdf.get_filename(), receipt.get_filename()] == ["recepisse.pdf", "recepisse.sd-jwt"]
    assert str(mail["Subject"]) == CONTENT.subject
    assert str(mail["From"]) == "Récépissé de contrôle <recepisse@interieur.example>"
    assert received.raw.isascii()
    assert max(len(line) for line in received.raw.split(b"\r\n")) <= 998


def test_headers_tell_machines_not_to_answer_and_stay_the_same_for_the_same_message(
    mail_certificate: ServerCertificate,
):
    async def twice(channel: SmtpEmail) -> None:
        await channel.send(dispatch())
        await channel.send(dispatch())
        await channel.send(dispatch(message_id="43"))

    with MailSink(mail_certificate) as sink:
        using(settings(sink.port, mail_certificate), twice)

    first, again, other = (email.message_from_bytes(mail.raw, policy=email.policy.default) for mail in sink.mails)
    assert first["Message-ID"] == again["Message-ID"] == "<receipt.42@interieur.example>"
    assert other["Message-ID"] == "<receipt.43@interieur.example>"
    assert first["Date"].datetime == again["Date"].datetime == CREATED
    assert (first["Auto-Submitted"], first["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert first["Content-Language"] == "fr, en"


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        (Hostility(greeting="554 no service"), Transient("554")),
        (Hostility(greeting="421 too busy"), Transient("421")),
        (Hostility(greeting=DROP), Transient("unreachable")),
        (Hostility(starttls="454 not now"), Transient("454")),
        (Hostility(starttls=DROP), Transient("unreachable")),
        (Hostility(mail="451 later"), Transient("451")),
        (Hostility(mail="452 full"), Transient("452")),
        (Hostility(mail="550 sender refused"), Configuration("550")),
        (Hostility(mail="552 too big"), Configuration("552")),
        (Hostility(mail="530 login first"), Configuration("530")),
        (Hostility(mail=DROP), Transient("disconnected")),
        (Hostility(rcpt="450 greylisted"), Transient("450")),
        (Hostility(rcpt="451 later"), Transient("451")),
        (Hostility(rcpt="452 full"), Transient("452")),
        (Hostility(rcpt="550 5.1.1 no such user"), Permanent("550")),
        (Hostility(rcpt="552 mailbox full"), Permanent("552")),
        (Hostility(rcpt="554 no"), Permanent("554")),
        (Hostility(rcpt=DROP), Transient("disconnected")),
        (Hostility(data="451 later"), Transient("451")),
        (Hostility(data="554 no"), Permanent("554")),
        (Hostility(end="451 later"), Transient("451")),
        (Hostility(end="452 full"), Transient("452")),
        (Hostility(end="552 too big"), Permanent("552")),
        (Hostility(end="554 content refused"), Permanent("554")),
        (Hostility(end=DROP), Unknown("disconnected")),
        (Hostility(data=DROP), Unknown("disconnected")),
    ],
    ids=str,
)
def test_refusal_means_what_its_phase_says(mail_certificate: ServerCertificate, how: Hostility, outcome: object):
    assert send_to(how, mail_certificate) == outcome
    assert how.connections == 1
    assert len(how.stored) <= 1


@pytest.mark.timeout(20)  # far from the limit, and from what the library would wait without one
@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        (Hostility(greeting=HANG), Transient("unreachable")),
        (Hostility(rcpt=HANG), Transient("timeout")),
        (Hostility(end=HANG), Unknown("timeout")),
    ],
    ids=str,
)
def test_silent_server_is_left_at_the_limit(mail_certificate: ServerCertificate, how: Hostility, outcome: object):
    assert send_to(how, mail_certificate, limit_seconds=0.5) == outcome


@pytest.mark.parametrize(("answer", "outcome"), [("535 wrong", Configuration("535")), ("454 later", Transient("454"))])
def test_refused_password_is_a_matter_of_configuration(
    mail_certificate: ServerCertificate, answer: str, outcome: object
):
    assert send_to(Hostility(auth=answer), mail_certificate, username="u", password="p") == outcome


def test_without_starttls_nothing_is_sent(mail_certificate: ServerCertificate):
    how = Hostility(extensions=("8BITMIME",))

    assert send_to(how, mail_certificate, username="u", password="p") == Transient("unreachable")
    assert not any(command.startswith(("AUTH", "MAIL")) for command in how.commands)


def test_certificate_of_a_stranger_is_refused(mail_certificate: ServerCertificate, tmp_path: Path):
    stranger = make_certificate(tmp_path)
    how = Hostility()
    with hostile_smtp(how, stranger) as port:
        outcome = using(settings(port, mail_certificate), lambda channel: channel.send(dispatch()))

    assert isinstance(outcome, Transient)
    assert not any(command.startswith("MAIL") for command in how.commands)


def test_certificate_for_another_name_is_refused(mail_certificate: ServerCertificate):
    how = Hostility()
    with hostile_smtp(how, mail_certificate) as port:
        chosen = settings(port, mail_certificate, host="127.0.0.2")
        outcome = using(chosen, lambda channel: channel.send(dispatch()))

    assert isinstance(outcome, Transient)
    assert not any(command.startswith("MAIL") for command in how.commands)


def test_refused_connection_was_surely_not_sent(mail_certificate: ServerCertificate):
    with hostile_smtp(Hostility(), mail_certificate) as port:
        pass

    assert using(settings(port, mail_certificate), lambda channel: channel.send(dispatch())) == Transient("unreachable")


def test_connection_is_used_again_also_after_a_refusal_and_not_for_ever(mail_certificate: ServerCertificate):
    how = Hostility()

    async def many(channel: SmtpEmail) -> set[object]:
        seen: set[object] = set()
        for number in range(MAILS_PER_CONNECTION + 1):
            how.rcpt = "550 no such user" if number == 3 else "250 ok"
            seen.add(await channel.send(dispatch()))
        return seen

    with hostile_smtp(how, mail_certificate) as port:
        seen = using(settings(port, mail_certificate), many)

    assert seen == {Accepted(), Permanent("550")}
    assert how.connections == 2


def test_concurrent_senders_never_share_a_connection(mail_certificate: ServerCertificate):
    async def many(channel: SmtpEmail) -> list[object]:
        return list(await asyncio.gather(*(channel.send(dispatch(message_id=str(n))) for n in range(40))))

    with MailSink(mail_certificate) as sink:
        outcomes = using(settings(sink.port, mail_certificate, connections=4, limit_seconds=20), many)

    assert outcomes == [Accepted()] * 40
    identifiers = {email.message_from_bytes(mail.raw)["Message-ID"] for mail in sink.mails}
    assert len(identifiers) == len(sink.mails) == 40


def test_connection_that_the_server_closed_meanwhile_costs_no_mail(
    mail_certificate: ServerCertificate, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("receipt_service.delivery.channels.email_smtp.TRUSTED_SECONDS", -1.0)
    how = Hostility()

    async def twice(channel: SmtpEmail) -> list[object]:
        first = await channel.send(dispatch())
        how.rset = DROP
        return [first, await channel.send(dispatch())]

    with hostile_smtp(how, mail_certificate) as port:
        assert using(settings(port, mail_certificate), twice) == [Accepted(), Accepted()]
    assert (how.connections, len(how.stored)) == (2, 2)


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b@c", "a@exemple.fr\r\nRCPT TO:<other@exemple.fr>", "a b@c.fr", "@x.fr"]
)
def test_what_is_no_address_never_reaches_the_server(mail_certificate: ServerCertificate, address: str):
    how = Hostility()
    with hostile_smtp(how, mail_certificate) as port:
        outcome = using(settings(port, mail_certificate), lambda channel: channel.send(dispatch(address)))

    assert outcome == Permanent("address")
    assert how.commands == []


def test_address_with_accents_goes_by_its_ascii_domain_and_smtputf8(mail_certificate: ServerCertificate):
    how = Hostility()

    async def both(channel: SmtpEmail) -> list[object]:
        return [await channel.send(dispatch("a@exémple.fr")), await channel.send(dispatch("élise@exemple.fr"))]

    with hostile_smtp(how, mail_certificate) as port:
        assert using(settings(port, mail_certificate), both) == [Accepted(), Accepted()]
    recipients = [command for command in how.commands if command.startswith("RCPT")]
    assert recipients == ["RCPT TO:<a@xn--exmple-cva.fr>", "RCPT TO:<élise@exemple.fr>"]
    assert [("SMTPUTF8" in command) for command in how.commands if command.startswith("MAIL")] == [False, True]


def test_address_with_accents_at_an_old_server_can_never_be_reached(mail_certificate: ServerCertificate):
    how = Hostility(extensions=("STARTTLS",))
    with hostile_smtp(how, mail_certificate) as port:
        outcome = using(settings(port, mail_certificate), lambda channel: channel.send(dispatch("élise@exemple.fr")))

    assert outcome == Permanent("smtputf8")


def test_bounce_is_asked_to_return_headers_only(mail_certificate: ServerCertificate):
    how = Hostility()
    send_to(how, mail_certificate)

    (command,) = (command for command in how.commands if command.startswith("MAIL"))
    assert "RET=HDRS" in command
    assert "ENVID=42" in command


def test_mail_can_be_sent_again_and_has_nothing_to_follow_or_erase(mail_certificate: ServerCertificate):
    async def ask(channel: SmtpEmail) -> list[object]:
        return [await channel.look_up(dispatch()), await channel.status("x"), await channel.redact("x")]

    assert using(settings(1, mail_certificate), ask) == [Absent(), Pending(), Gone()]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"security": Security.NONE}, "TLS"),
        ({"security": Security.NONE, "plain_allowed": True, "username": "u", "password": "p"}, "without TLS"),
        ({"username": "u"}, "come together"),
        ({"ca_file": Path("/nonexistent/ca.pem")}, "CA file"),
        ({"sender": "no address"}, "plain address"),
        ({"sender_name": "a\r\nBcc: x@y.fr"}, "control character"),
        ({"limit_seconds": 0}, "positive"),
    ],
)
def test_unsafe_settings_stop_the_start(mail_certificate: ServerCertificate, changes: dict[str, Any], why: str):
    async def build() -> None:
        SmtpEmail(settings(25, mail_certificate, **changes))

    with pytest.raises(ConfigurationError, match=why):
        asyncio.run(build())


def test_no_log_names_the_recipient(
    mail_certificate: ServerCertificate, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        for how in (Hostility(), Hostility(rcpt="550 personne@exemple.fr unknown"), Hostility(end=DROP)):
            send_to(how, mail_certificate)

    written = caplog.text + "".join(capfd.readouterr())
    assert "personne" not in written
    assert "recepisse.example" not in written
