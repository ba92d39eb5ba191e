"""Retention put together: the policy in the settings, the issuer's key that signs the records, the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from receipt_service.bootstrap.keyring import Keyring
from receipt_service.bootstrap.log_records import record_signer
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.parts import RetentionPolicySettings
from receipt_service.config.processes import RetentionSettings
from receipt_service.domain.log_entry import EntryKind
from receipt_service.transparency.retention import GROUPS, Retention, Term, due


@dataclass(frozen=True, slots=True)
class TermStatus:
    """How many stubs have outlived a term."""

    term: Term
    due: int


def terms(settings: RetentionPolicySettings) -> tuple[Term, Term]:
    """Return the terms of disclosures and of whole stubs."""
    named = tuple(group for group in GROUPS if group in settings.retention_groups)
    return Term(years=settings.retention_disclosures_years, groups=named), Term(years=settings.retention_stubs_years)


def retention_status(settings: RetentionPolicySettings, now: datetime) -> list[TermStatus]:
    """Count what is due by each term. Needs no key."""
    with opened_outbox(settings) as engine:
        return [TermStatus(term, due(engine, term, now)) for term in terms(settings) if term.groups or term.years]


def run_retention(settings: RetentionSettings, clock: Callable[[], datetime]) -> Iterator[tuple[Term, int]]:
    """Let go of what is due, a batch at a time; yield the term and how many stubs that were.

    Raises ``ConfigurationError`` for keys or a database that can't be used, and ``Unavailable``.
    """
    passphrase = settings.issuer_key_passphrase
    opened = None if passphrase is None else passphrase.get_secret_value().encode()
    keyring = Keyring.load(settings.issuer_keys, opened, clock())
    with opened_outbox(settings) as engine:
        retention = Retention(
            engine, partial(record_signer(settings.public_url, keyring.signer_at), EntryKind.DELETION), clock
        )
        for term in terms(settings):
            for stubs in retention.run(term):
                yield term, stubs
