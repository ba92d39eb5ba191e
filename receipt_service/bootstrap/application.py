"""The API process put together: settings in, an ASGI application out, with all that it holds opened and closed."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from receipt_service.bootstrap.answering import answering
from receipt_service.bootstrap.audit_ports import AnsweringAudits, build_audits, build_closings
from receipt_service.bootstrap.database import require_current_schema, schema_is_current
from receipt_service.bootstrap.keyring import Keyring
from receipt_service.bootstrap.law import Law, load_law
from receipt_service.bootstrap.log_head import LogHeadReader
from receipt_service.bootstrap.log_records import record_signer
from receipt_service.bootstrap.log_shelf import LogShelf
from receipt_service.bootstrap.open_data import OpenDataShelf
from receipt_service.bootstrap.printing import Printer
from receipt_service.bootstrap.replay_keys import ReplayKeyFolder
from receipt_service.bootstrap.sealing_keys import SealingKeys
from receipt_service.bootstrap.supervision import area_names, build_sign_in, redirect_uri
from receipt_service.config.processes import ApiSettings
from receipt_service.delivery.rendering.qr import qr_svg
from receipt_service.domain.check import Officer
from receipt_service.domain.recipient import Channel
from receipt_service.errors import ConfigurationError, ReceiptServiceError
from receipt_service.issuance.amendments import Amendments
from receipt_service.issuance.correct import Corrector, cancel, correct
from receipt_service.issuance.directory import OfficerDirectory
from receipt_service.issuance.group_commit import GroupCommit
from receipt_service.issuance.issue import Issuer, issue
from receipt_service.issuance.reads import CheckReport, Reads, StubReport
from receipt_service.issuance.submission import Cancellation, Cancelled, Correction, Issued, Submission
from receipt_service.statistics.answers import Answer, Answers, Offer
from receipt_service.statistics.officers import OfficerScreens, OfficerStatistics, Purpose
from receipt_service.statistics.questions import Question
from receipt_service.storage.engine import open_engine
from receipt_service.storage.issuances import Register
from receipt_service.telemetry import logger
from receipt_service.transparency.log_folder import LogFolder
from receipt_service.transparency.proving import Proofs
from receipt_service.web.app import create_app
from receipt_service.web.authentication import TokenPolicy, TokenVerifier
from receipt_service.web.demo_issuer import DEMO_AUDIENCE, DemoIssuer
from receipt_service.web.services import CatalogueFile, Services
from receipt_service.web.token_keys import FetchedKeys

MAINTENANCE_SECONDS: Final = 30
_ALWAYS: Final = frozenset({Channel.SCREEN, Channel.PAPER, Channel.DECLINED})


def _now() -> datetime:
    return datetime.now(UTC)


class _Reads:
    """``issuance.reads`` with a database that may be away."""

    def __init__(self, reads: Reads) -> None:
        self._check = answering(reads.check)
        self._stub = answering(reads.stub)

    async def check(self, receipt_number: str, *, reader: Officer, supervises: bool) -> CheckReport:
        return await self._check(receipt_number, reader=reader, supervises=supervises)

    async def stub(self, receipt_number: str) -> StubReport:
        return await self._stub(receipt_number)


class _Statistics:
    """``statistics.answers`` with a database that may be away."""

    def __init__(self, answers: Answers) -> None:
        self._offer = answering(answers.offer)
        self._ask = answering(answers.ask)

    async def offer(self, reader: Officer) -> Offer:
        return await self._offer(reader)

    async def ask(self, question: Question, reader: Officer) -> Answer:
        return await self._ask(question, reader)


class _OfficerFigures:
    """``statistics.officers`` with a database that may be away."""

    def __init__(self, screens: OfficerScreens) -> None:
        self._read = answering(screens.read)

    async def read(
        self, *, reader: Officer, unit: str, period: str, purpose: Purpose, now: datetime
    ) -> OfficerStatistics:
        return await self._read(reader=reader, unit=unit, period=period, purpose=purpose, now=now)


class _Log:
    """``bootstrap.log_shelf`` with a database that may be away."""

    def __init__(self, shelf: LogShelf) -> None:
        self.file = shelf.file
        self._proof = answering(shelf.proof)

    async def proof(self, leaf_hash: bytes) -> bytes:
        return await self._proof(leaf_hash)


class WorkerBeside(Protocol):
    """A delivery worker in the same process (``bootstrap.embedded``)."""

    def start(self) -> None:
        """Return once its sealing keys are there."""

    def stop(self) -> None:
        """Return once it has finished what is in hand."""

    def wake(self) -> None:
        """Say that there is a message."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""


class ApiProcess:
    """What one API process holds. Build it, give its ``services`` to the application, and it closes with it."""

    def __init__(self, settings: ApiSettings, law: Law, engine: Engine, worker: WorkerBeside | None = None) -> None:
        """Open everything that issuing needs; nothing listens yet. Raises ``ConfigurationError``."""
        now = _now()
        passphrase = settings.issuer_key_passphrase
        self._settings = settings
        self._engine = engine
        _require_schema(self._engine)
        self._keyring = Keyring.load(
            settings.issuer_keys, None if passphrase is None else passphrase.get_secret_value().encode(), now
        )
        self._replay_keys = ReplayKeyFolder(
            settings.replay_keys, window=timedelta(hours=settings.replay_window_hours), now=now
        )
        self._sealing_keys = SealingKeys(settings.sealing_keys)
        self._register = Register(self._engine)
        self._group_commit = GroupCommit(
            self._register,
            waiting_limit=settings.issuance_queue_limit,
            timeout_seconds=settings.issuance_timeout_seconds,
        )
        self._directory = OfficerDirectory(self._engine)
        self._reads = Reads(self._engine)
        self._officer_screens = OfficerScreens(self._engine)
        self._audits = build_audits(settings, self._engine, law.territory)
        self._worker = worker
        self._demo_issuer = _demo_issuer(settings)
        tls = _issuer_tls(settings)
        self._tokens = _token_verifier(settings, self._demo_issuer, tls)
        self._sign_in = build_sign_in(settings, self._demo_issuer, self._tokens.keys, tls)
        self._maintenance: asyncio.Task[None] | None = None
        self._issuer = self._make_issuer(law)
        self._corrector = Corrector(
            issuer=self._issuer,
            amendments=Amendments(engine),
            sign_record=record_signer(settings.public_url, self._keyring.signer_at),
            own_check=timedelta(hours=settings.correction_hours),
        )
        self.services = self._make_services(law)

    def _make_issuer(self, law: Law) -> Issuer:
        return Issuer(
            url=self._settings.public_url,
            catalogue=law.current,
            territory=law.territory,
            officers=self._directory,
            earlier=self._reads,
            replay_keys=self._replay_keys,
            signer_at=self._keyring.signer_at,
            sealer_at=self._sealing_keys.sealer_at,
            commit=self._group_commit.commit,
            log_head=LogHeadReader(LogFolder(self._settings.log)),
            late_after=timedelta(seconds=self._settings.late_after_seconds),
            offered=_ALWAYS | {Channel(name) for name in self._settings.channels},
        )

    def _make_services(self, law: Law) -> Services:
        settings = self._settings
        log_folder = LogFolder(settings.log)
        printer = Printer(settings.public_url, self._keyring.jwks, law.catalogues)
        return Services(
            public_url=settings.public_url,
            channels=frozenset(settings.channels),
            tokens=self._tokens,
            issue=answering(self._issue),
            correct=answering(self._correct),
            cancel=answering(self._cancel),
            officer=answering(self._directory.by_subject),
            reads=_Reads(self._reads),
            statistics=_Statistics(Answers(self._engine)),
            officer_figures=_OfficerFigures(self._officer_screens),
            catalogues={
                version: CatalogueFile(version, law.catalogues[version].sha256, document)
                for version, document in law.documents.items()
            },
            current_catalogue=law.current.version,
            jwks=self._keyring.jwks,
            open_data=OpenDataShelf(settings.open_data),
            log=_Log(LogShelf(log_folder, Proofs(self._engine, log_folder))),
            audits=AnsweringAudits(self._audits),
            closings=build_closings(settings.public_url, self._engine, self._keyring.signer_at, law.territory),
            readiness=self._readiness,
            print_receipt=printer.print,
            qr_svg=qr_svg,
            clock=_now,
            area_name=area_names(law.territory),
            noise_variance=settings.statistics_variance_checks,
            requisition_bases=_requisition_bases(law),
            sign_in=self._sign_in,
            request_limit_bytes=settings.request_limit_bytes,
            issuance_queue_limit=settings.issuance_queue_limit,
            demo_issuer=self._demo_issuer,
            start=self._start,
            stop=self._stop,
        )

    async def _issue(self, submission: Submission, now: datetime) -> Issued:
        issued = await issue(submission, issuer=self._issuer, now=now)
        if self._worker is not None and not issued.replayed:
            self._worker.wake()
        return issued

    async def _correct(self, correction: Correction, now: datetime) -> Issued:
        issued = await correct(correction, corrector=self._corrector, now=now)
        if self._worker is not None and not issued.replayed:
            self._worker.wake()
        return issued

    async def _cancel(self, cancellation: Cancellation, now: datetime) -> Cancelled:
        return await cancel(cancellation, corrector=self._corrector, now=now)

    async def _start(self) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.start)
        self._maintenance = asyncio.create_task(self._maintain())
        logger().info("api_started", kid=self._keyring.active.kid)

    async def _stop(self) -> None:
        if self._maintenance is not None:
            self._maintenance.cancel()
            with suppress(asyncio.CancelledError):
                await self._maintenance
        await asyncio.to_thread(self._group_commit.close, self._settings.shutdown_grace_seconds)
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop)
        self._register.close()
        self._engine.dispose()
        logger().info("api_stopped")

    async def _maintain(self) -> None:
        """Make and destroy replay keys as the hours go by."""
        while True:
            await asyncio.sleep(MAINTENANCE_SECONDS)
            try:
                destroyed = await asyncio.to_thread(self._replay_keys.maintain, _now())
                if destroyed:
                    logger().info("replay_keys_destroyed", count=destroyed)
            except (ReceiptServiceError, OSError) as error:
                logger().error("replay_keys_not_maintained", exc_info=error)
            await self._forget_readings()

    async def _forget_readings(self) -> None:
        """Delete what is on record of readings of officers' figures and of audits, kept its three years."""
        try:
            forgotten = await asyncio.to_thread(self._officer_screens.forget_outlived, _now())
            if forgotten:
                logger().info("officer_readings_forgotten", count=forgotten)
            audits = await asyncio.to_thread(self._audits.forget_outlived, _now())
            if audits:
                logger().info("audit_readings_forgotten", count=audits)
        except (DBAPIError, PoolTimeout) as error:
            logger().warning("officer_readings_not_forgotten", exc_info=error)

    async def _readiness(self) -> Mapping[str, bool]:
        """Try each part that issuing needs."""
        now = _now()
        checks = {
            "database": await asyncio.to_thread(_succeeds, lambda: schema_is_current(self._engine)),
            "writer": self._group_commit.is_alive,
            "signing_key": _succeeds(lambda: self._keyring.signer_at(now) is not None),
            "sealing_key": not self._settings.channels
            or _succeeds(lambda: self._sealing_keys.sealer_at(now) is not None),
            "replay_key": _succeeds(lambda: self._replay_keys.current(now) is not None),
            "token_keys": await self._tokens.keys.ready(),
        }
        if self._worker is not None:
            checks["worker"] = self._worker.is_alive
        return checks


def _requisition_bases(law: Law) -> frozenset[str]:
    """Return the legal bases of all catalogues that need a requisition."""
    return frozenset(
        code
        for catalogue in law.catalogues.values()
        for code, basis in catalogue.bases.items()
        if basis.requires_requisition
    )


def _succeeds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is not ready
        logger().warning("not_ready", exc_info=error)
        return False


def _require_schema(engine: Engine) -> None:
    try:
        require_current_schema(engine)
    except (OperationalError, OSError):
        raise ConfigurationError("the database does not answer, or its file cannot be opened") from None


def _demo_issuer(settings: ApiSettings) -> DemoIssuer | None:
    if not settings.built_in_issuer:
        return None
    return DemoIssuer(settings.public_url, demo=settings.demo, redirect_uri=redirect_uri(settings))


def _issuer_tls(settings: ApiSettings) -> ssl.SSLContext | None:
    try:
        return None if settings.oidc_ca_file is None else ssl.create_default_context(cafile=str(settings.oidc_ca_file))
    except (OSError, ssl.SSLError):
        raise ConfigurationError("RECEIPT_OIDC_CA_FILE: not a readable CA file") from None


def _token_verifier(settings: ApiSettings, demo_issuer: DemoIssuer | None, tls: ssl.SSLContext | None) -> TokenVerifier:
    if demo_issuer is not None:
        policy = TokenPolicy(issuer=demo_issuer.issuer, audience=DEMO_AUDIENCE, algorithms=("ES256",))
        return TokenVerifier(policy, demo_issuer.keys)
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        raise ConfigurationError("RECEIPT_OIDC_ISSUER, RECEIPT_OIDC_AUDIENCE: required")
    policy = TokenPolicy(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        algorithms=settings.oidc_algorithms,
        subject_claim=settings.oidc_subject_claim,
        roles_claim=settings.oidc_roles_claim,
        clock_skew_seconds=settings.oidc_clock_skew_seconds,
        max_age_seconds=settings.oidc_token_max_age_seconds,
    )
    keys = FetchedKeys(
        settings.oidc_issuer,
        settings.oidc_algorithms,
        jwks_url=settings.oidc_jwks_url,
        timeout_seconds=settings.oidc_timeout_seconds,
        max_age_seconds=settings.jwks_max_age_seconds,
        tls=tls,
    )
    return TokenVerifier(policy, keys)


def build_application(settings: ApiSettings) -> FastAPI:
    """Build the API. Raises ``ConfigurationError`` for whatever would keep it from issuing receipts."""
    engine = open_engine(settings.database, pool_size=settings.database_connections)
    return create_app(ApiProcess(settings, load_law(), engine).services)
