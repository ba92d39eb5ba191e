"""The delivery worker put together: engine, epoch keys, the channels that are offered, and its way to stop."""

import asyncio
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from receipt_service.bootstrap.database import require_current_schema
from receipt_service.bootstrap.law import load_catalogues
from receipt_service.bootstrap.log_proofs import NO_LOG, ProofOf, proof_now, proofs_in
from receipt_service.bootstrap.statistics import folding_beside
from receipt_service.config.processes import WorkerSettings
from receipt_service.delivery.channel import MailContent, SmsContent
from receipt_service.delivery.channels.email_smtp import SmtpEmail
from receipt_service.delivery.channels.sms_twilio import TwilioSettings, TwilioSms
from receipt_service.delivery.channels.smtp_connections import Security, SmtpSettings
from receipt_service.delivery.rendering.email import render_email
from receipt_service.delivery.rendering.sms import render_sms
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.delivery.worker.faults import NO_FAULT, After
from receipt_service.delivery.worker.loop import Worker
from receipt_service.delivery.worker.pace import Outlet, Pace
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.envelope import Envelope
from receipt_service.domain.groups import Group, person_from
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import Receipt
from receipt_service.domain.recipient import Channel
from receipt_service.errors import ConfigurationError
from receipt_service.storage.engine import open_engine
from receipt_service.telemetry import logger

_UPKEEP_AFTER_LEASE = 2


def opened(envelope: Envelope, public_url: str) -> tuple[Receipt, str]:
    """Return the receipt of an opened envelope and the link that carries it. Raises ``MalformedReceipt``."""
    receipt = Receipt.parse(envelope.receipt)
    person = person_from(receipt.disclosure(Group.PERSON).value)
    return receipt, ReceiptLink(receipt.receipt_number, envelope.seed, person).url(public_url)


def _sms(settings: WorkerSettings, catalogues: Mapping[str, Catalogue]) -> Outlet[SmsContent]:
    if settings.sms_sender is None or settings.twilio_account_sid is None or settings.twilio_auth_token is None:
        raise ConfigurationError("SMS is offered without its settings")

    def render(envelope: Envelope) -> SmsContent:
        receipt, url = opened(envelope, settings.public_url)
        return SmsContent(render_sms(receipt, url, catalogues, envelope.languages).text)

    channel = TwilioSms(
        TwilioSettings(
            account_sid=settings.twilio_account_sid,
            secret=settings.twilio_auth_token.get_secret_value(),
            sender=settings.sms_sender,
            key_sid=settings.twilio_api_key_sid,
            base_url=settings.twilio_url,
            limit_seconds=settings.twilio_timeout_seconds,
            connections=settings.worker_concurrency,
            plain_http_allowed=settings.demo,
        )
    )
    return Outlet(channel, render, in_thread=False)


def _email(settings: WorkerSettings, catalogues: Mapping[str, Catalogue], proof_of: ProofOf) -> Outlet[MailContent]:
    if settings.smtp_host is None or settings.email_sender is None:
        raise ConfigurationError("e-mail is offered without its settings")

    def render(envelope: Envelope) -> MailContent:
        receipt, url = opened(envelope, settings.public_url)
        return render_email(receipt, url, catalogues, envelope.languages, proof_now(proof_of, receipt.leaf))

    password = settings.smtp_password
    channel = SmtpEmail(
        SmtpSettings(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.email_sender,
            sender_name=settings.email_sender_name,
            security=Security(settings.smtp_security),
            ca_file=settings.smtp_ca_file,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
            limit_seconds=settings.smtp_timeout_seconds,
            plain_allowed=settings.demo,
        )
    )
    return Outlet(channel, render)


def _pace(settings: WorkerSettings) -> Pace:
    limit = max(settings.twilio_timeout_seconds, settings.smtp_timeout_seconds)
    return Pace(
        concurrency=settings.worker_concurrency,
        lease=timedelta(seconds=settings.lease_seconds),
        call_limit=timedelta(seconds=min(limit, settings.lease_seconds / _UPKEEP_AFTER_LEASE)),
        grace=timedelta(seconds=settings.unknown_grace_seconds),
        poll=timedelta(seconds=settings.worker_poll_seconds),
    )


def build_worker(
    settings: WorkerSettings, engine: Engine, *, proof_of: ProofOf = NO_LOG, after: After = NO_FAULT
) -> Worker:
    """Put a worker together, with the keys of the hours ahead; call it within the event loop that will run it.

    ``proof_of`` is asked from threads, once for each mail, when it is written.
    ``after`` is where a test makes it crash (``delivery.worker.faults``). Raises ``ConfigurationError``.
    """
    catalogues, _, _ = load_catalogues()
    outlets: dict[Channel, Outlet[Any]] = {}
    if "sms" in settings.channels:
        outlets[Channel.SMS] = _sms(settings, catalogues)
    if "email" in settings.channels:
        outlets[Channel.EMAIL] = _email(settings, catalogues, proof_of)
    keys = EpochKeys(settings.epoch_keys, settings.sealing_keys, after=after)
    keys.prepare(datetime.now(UTC))
    return Worker(engine, keys, outlets, pace=_pace(settings), heartbeat_folder=settings.sealing_keys, after=after)


async def run_worker(settings: WorkerSettings, *, after: After = NO_FAULT) -> None:
    """Run a worker until SIGTERM or SIGINT, then let it finish what is in hand. Raises ``ConfigurationError``."""
    engine = open_engine(settings.database, pool_size=settings.database_connections)
    require_current_schema(engine)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = build_worker(settings, engine, proof_of=proofs_in(settings.log, engine), after=after)
    logger().info("worker_started", count=len(settings.channels))
    try:
        with folding_beside(settings, engine):
            await worker.run(stop)
    finally:
        engine.dispose()
        logger().info("worker_stopped", attempts=worker.totals.attempts)
