"""Screening as the rules do it: the quick pass and the thorough one, which have to agree."""

from receipt_service.domain.person import EstablishedBy, IdentityEstablished
from receipt_service.domain.recipient import Recipient
from receipt_service.domain.screening import REASONS, Profile, findings_in, suspicion_of
from receipt_service.domain.screening_names import IdentityMarks


def marks_of(
    family: str = "Benali",
    given: str = "Karim Yanis",
    birth_date: str = "1990-05-17",
    sms: str | None = "+33639980142",
    email: str | None = "kbenali75@example.org",
) -> IdentityMarks:
    person = IdentityEstablished(
        family_name=family,
        given_names=given,
        birth_date=birth_date,
        birth_place="Lille",
        established_by=EstablishedBy.PASSPORT,
    )
    return IdentityMarks.of(person, Recipient(sms=sms, email=email))


MARKS = marks_of()


def screened(text: str, profile: Profile = REASONS, marks: IdentityMarks = MARKS) -> set[str]:
    """Screen as the rules do: the quick pass first, and check that it cleared nothing wrongly."""
    thorough = set(findings_in(text, profile, marks))
    suspicion = suspicion_of([text], marks)
    quick = set() if suspicion is None else set(findings_in(text, profile, marks, suspicion))
    assert quick == thorough
    return thorough
