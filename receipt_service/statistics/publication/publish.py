"""Publish a quarter, once: count, spend the budget, draw the noise, sign, freeze.

The order, and what a crash leaves:

1. One transaction reads the true counts and writes the quarter into the ledger. Its budget is spent from here on,
   whatever follows, and noise is drawn after it only: nobody gets a second draw by killing the first.
2. The files are written beside their place, each made durable before the next, the signed manifest last.
3. One transaction writes the manifest's hash into the ledger.
4. One rename puts the folder into its place.

A run that was stopped after the manifest was whole is finished by the next one, with the noise that was drawn. One
that was stopped before leaves a quarter that stays unpublished, and says so.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from sqlalchemy import Connection, Engine

from receipt_service.domain.publication import QUARTER
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST, SigningKey
from receipt_service.errors import ReceiptServiceError, VerificationError
from receipt_service.statistics.lattice import months_of
from receipt_service.statistics.publication import folder
from receipt_service.statistics.publication.files import Provenance, privacy_statement, publication_files
from receipt_service.statistics.publication.noise import add_noise
from receipt_service.statistics.publication.rows import public_rows
from receipt_service.statistics.publication.tables import BUDGET, PUBLIC_TABLES, Counts, PublicDomain
from receipt_service.storage import publications, rollup
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.publications import Publication

SETTLING: Final = timedelta(days=7)
"""After its last day a quarter waits: three days for checks recorded offline, half a day for the clocks of all
départements, and the rest for whoever looks after the service."""
_WIDEST_ZONE: Final = timedelta(hours=14)
"""No clock differs more from UTC."""
_MONTHS_OF_QUARTER: Final = 3


class PublicationRefused(ReceiptServiceError):
    """The quarter can't be published: not closed, not wholly counted, or its budget is spent."""


class DraftManifest(Protocol):
    """What the manifest of an unfinished run says, its signature checked."""

    @property
    def period(self) -> str:
        """The quarter."""

    @property
    def kid(self) -> str:
        """The key that signed."""

    @property
    def published_at(self) -> datetime:
        """When it was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What publishing needs; ``bootstrap`` fills it."""

    engine: Engine
    root: Path
    """The folder that is served under ``/open-data/``."""
    domain: PublicDomain
    issuer: str
    territory: str
    catalogues: Mapping[str, str]
    table_schema: bytes
    key: SigningKey
    verify: Callable[[Mapping[str, bytes]], DraftManifest]
    """Verifies a folder's files with the service's own keys; raises ``VerificationError``."""


@dataclass(frozen=True, slots=True)
class Published:
    """A quarter that stands in its place."""

    folder: Path
    manifest_sha256: str
    finished: bool
    """Whether an earlier run's files were put in place, instead of new ones made."""


def publish(press: Press, period: str, now: datetime) -> Published:
    """Publish a closed quarter (``2026-Q3``).

    Raises ``PublicationRefused`` when it may not be, or not again; ``Unavailable`` while another command publishes;
    ``ConfigurationError`` when the files can't be written, after which the budget may be spent.
    """
    check_closed(period, now)
    now = now.replace(microsecond=0)  # a manifest tells whole seconds
    with folder.only_publisher(press.root):
        with reading(press.engine) as connection:
            record = publications.find(connection, period)
        if record is not None:
            return _finish(press, record)
        for left in (folder.published_folder(press.root, period), folder.draft_folder(press.root, period)):
            if left.exists():
                raise PublicationRefused(
                    f"{left} is there and the ledger does not know of it: this database is older than that publication"
                )
        files = _make_files(press, period, _reserve(press, period, now), now)
        folder.write_draft(press.root, period, files)
        return _complete(press, period, files[MANIFEST], press.key.kid, now, finished=False)


def check_closed(period: str, now: datetime) -> None:
    """Raise ``PublicationRefused`` unless ``period`` is a quarter that ended ``SETTLING`` ago or earlier."""
    if QUARTER.fullmatch(period) is None:
        raise PublicationRefused("a quarter is written 2026-Q3")
    closes = _bounds(period)[1] + SETTLING
    if now < closes:
        raise PublicationRefused(
            f"{period} can be published from {closes:%Y-%m-%d} on: a quarter settles for {SETTLING.days} days"
        )


def _bounds(period: str) -> tuple[datetime, datetime]:
    """Return the first moments of a quarter and of the next one, in UTC."""
    first = months_of(period)[0]
    year, month = divmod(first, 100)
    begins = datetime(year, month, 1, tzinfo=UTC)
    last = month + _MONTHS_OF_QUARTER > 12  # noqa: PLR2004 - months of a year
    ends = datetime(year + last, 1 if last else month + _MONTHS_OF_QUARTER, 1, tzinfo=UTC)
    return begins, ends


def _reserve(press: Press, period: str, now: datetime) -> dict[str, Counts]:
    """Spend the budget and read the true counts, in one transaction."""
    mechanism = json.dumps(privacy_statement(press.domain)["tables"], separators=(",", ":"))
    begins, ends = _bounds(period)
    with writing(press.engine) as connection:
        if publications.stubs_are_waiting(connection, since=begins - _WIDEST_ZONE, until=ends + _WIDEST_ZONE):
            raise PublicationRefused(
                f"checks of {period} are still to be counted: see `receipt-service statistics status`"
            )
        if not publications.reserve(connection, period=period, epsilon=float(BUDGET), mechanism=mechanism, now=now):
            raise PublicationRefused(f"{period}: another command has just spent its privacy budget")
        return true_counts(connection, press.domain, period)


def true_counts(connection: Connection, domain: PublicDomain, period: str) -> dict[str, Counts]:
    """Add up the rollup's cells of a quarter. Never shown: the noise is still to come."""
    found = rollup.cells(
        connection,
        months=months_of(period),
        areas=[area.code for area in domain.departments],
        tables=[table.code for table in PUBLIC_TABLES],
    )
    return domain.counts([(cell.table_code, cell.area, cell.a, cell.n) for cell in found])


def _make_files(press: Press, period: str, counts: Mapping[str, Counts], now: datetime) -> dict[str, bytes]:
    rows = public_rows(press.domain, add_noise(counts), period)
    about = Provenance(
        issuer=press.issuer,
        period=period,
        published_at=now,
        territory=press.territory,
        catalogues=press.catalogues,
    )
    return publication_files(rows, press.domain, about, press.table_schema, press.key)


def _complete(
    press: Press, period: str, manifest: bytes, kid: str, published_at: datetime, *, finished: bool
) -> Published:
    digest = hashlib.sha256(manifest).hexdigest()
    with writing(press.engine) as connection:
        if not publications.complete(
            connection, period=period, manifest_sha256=digest, kid=kid, published_at=published_at
        ):
            raise PublicationRefused(f"{period}: another command has just published it")
    return Published(folder.put_in_place(press.root, period), digest, finished)


def _finish(press: Press, record: Publication) -> Published:
    """Finish what an earlier run left, or say why that can't be."""
    if record.manifest_sha256 is None:
        return _finish_draft(press, record)
    if _digest_of(folder.published_folder(press.root, record.period)) == record.manifest_sha256:
        raise PublicationRefused(
            f"{record.period} was published on {record.published_at:%Y-%m-%d} and is frozen:"
            " its privacy budget is spent"
        )
    if _digest_of(folder.draft_folder(press.root, record.period)) == record.manifest_sha256:
        place = folder.put_in_place(press.root, record.period)
        return Published(place, record.manifest_sha256, finished=True)
    raise PublicationRefused(
        f"{record.period} was published on {record.published_at:%Y-%m-%d} and its files are gone or altered."
        f" Its privacy budget is spent, so they are not made again: put back a copy whose {MANIFEST} has the SHA-256"
        f" {record.manifest_sha256}"
    )


def _finish_draft(press: Press, record: Publication) -> Published:
    files = folder.read_files(folder.draft_folder(press.root, record.period))
    if SIGNED_MANIFEST not in files:
        _refuse_unfinished(record)
    try:
        manifest = press.verify(files)
    except VerificationError:
        _refuse_unfinished(record)
    if manifest.period != record.period:
        _refuse_unfinished(record)
    return _complete(press, record.period, files[MANIFEST], manifest.kid, manifest.published_at, finished=True)


def _refuse_unfinished(record: Publication) -> NoReturn:
    raise PublicationRefused(
        f"the privacy budget of {record.period} was spent on {record.reserved_at:%Y-%m-%d} by a run that was stopped"
        " before its files were whole. Noise is not drawn a second time: the quarter stays unpublished"
    )


def _digest_of(place: Path) -> str | None:
    manifest: Any = folder.read_files(place).get(MANIFEST)
    return None if manifest is None else hashlib.sha256(manifest).hexdigest()
