"""Claims that no check can have, rightly signed: part of the receipts that must not pass."""

from typing import Any

from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.verify.verdict import Reason
from tests.support.forging import Bogus, altered, bent, written


def bent_claims(receipt: Receipt) -> list[Bogus]:
    def changed(name: str, comment: str, group: Group, **members: Any) -> Bogus:
        return Bogus(name, bent(receipt, group, altered(receipt, group, **members)), Reason.CLAIMS_NOT_VALID, comment)

    number = receipt.receipt_number
    person = receipt.disclosure(Group.PERSON)
    return [
        changed("number-lower-case", "the number in another case", Group.WHEN_WHERE, receipt_number=number.lower()),
        changed("number-alias", "O for 0", Group.WHEN_WHERE, receipt_number=number.replace("0", "O")),
        changed("number-beyond-128-bits", "the top bits set", Group.WHEN_WHERE, receipt_number="8" + number[1:]),
        changed(
            "time-without-offset",
            "a time that depends on the reader",
            Group.WHEN_WHERE,
            checked_at="2026-11-23T14:05:00",
        ),
        changed("time-in-zulu", "not the time of the place", Group.WHEN_WHERE, checked_at="2026-11-23T13:05:00Z"),
        changed("commune-unknown-form", "not an INSEE code", Group.WHEN_WHERE, commune="Paris"),
        changed("control-character", "an escape sequence for terminals", Group.WHEN_WHERE, place="\x1b[2J"),
        changed("late-false", "late is said or left out", Group.WHEN_WHERE, late=False),
        changed("log-size-zero", "no tree", Group.WHEN_WHERE, log={"size": 0, "root": "A" * 43}),
        changed("log-size-text", "a text for a number", Group.WHEN_WHERE, log={"size": "7", "root": "A" * 43}),
        changed("log-root-short", "not a hash", Group.WHEN_WHERE, log={"size": 7, "root": "A" * 42}),
        changed("replaces-nothing", "without a reason", Group.WHEN_WHERE, replaces={"receipt_number": number}),
        changed("extra-member", "a member that the schema does not know", Group.PERSON, phone="+33639980001"),
        changed("document-number", "a document's number never stands on a receipt", Group.PERSON, document_number="X"),
        changed("birth-date-form", "17/05/1990", Group.PERSON, birth_date="17/05/1990"),
        changed("no-basis", "a check without a legal basis", Group.LEGAL_BASIS, bases=[]),
        changed("codes-twice", "the same code twice", Group.CONSEQUENCES, outcomes=["LIBRE", "LIBRE"]),
        changed("code-number", "a number for a code", Group.OFFICER, rank=3),
        changed(
            "service-missing-member", "a service without a name", Group.OFFICER, service={"code": "X", "force": "PN"}
        ),
        Bogus(
            "person-not-an-object",
            bent(receipt, Group.PERSON, written(person.salt, "person", "Durand")),
            Reason.CLAIMS_NOT_VALID,
            "a text where the person should be",
        ),
    ]
