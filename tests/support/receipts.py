"""Signed receipts for tests: a fixed key, a full check, and every part of it replaceable."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from receipt_service.crypto.derivation import derive
from receipt_service.crypto.signing import Signer
from receipt_service.domain.check import BasisUse, Check, Officer, Place, Quality, Requisition, SelectionMode, Service
from receipt_service.domain.correction import CorrectionReason, Replaced
from receipt_service.domain.groups import ORDINARY, SALT_INFOS, Group, Moment, claims_of
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.log_head import LogHead
from receipt_service.domain.person import EstablishedBy, IdentityEstablished, Person
from receipt_service.domain.receipt import Draft, Receipt, draft_receipt
from receipt_service.domain.receipt_number import ReceiptNumber
from receipt_service.verify.policy import Policy
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verifier import Verifier

ISSUER = "https://recepisse.example"
SEED = bytes(range(16))
RECEIPT_NUMBER = ReceiptNumber("3FQ7Z2M9K4T8W1XC5VB6ND0RHJ")
RECORDED_AT = datetime(2026, 11, 23, 13, 9, 42, tzinfo=UTC)
ISSUED_ON = date(2026, 11, 23)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

_TEST_SCALAR = 0x1D2C3B4A59687786_95A4B3C2D1E0F00F_1E2D3C4B5A697887_96A5B4C3D2E1F001
_OTHER_SCALAR = 0x77665544332211_0099AABBCCDDEEFF_0123456789ABCDEF_1032547698BADCFE

SIGNER = Signer(ec.derive_private_key(_TEST_SCALAR, ec.SECP256R1()))
OTHER_SIGNER = Signer(ec.derive_private_key(_OTHER_SCALAR, ec.SECP256R1()))


@dataclass(frozen=True)
class _Basis:
    article: str


@dataclass(frozen=True)
class SampleCatalogue:
    """Just enough of a catalogue for the claims; the real one is ``schemas/catalogue``."""

    version: str = "2026.1"
    sha256: str = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"

    @property
    def bases(self) -> dict[str, _Basis]:
        return _EveryCode()


class _EveryCode(dict[str, _Basis]):
    def __missing__(self, code: str) -> _Basis:
        return _Basis("CPP, art. 78-2, al. 7")


PERSON = IdentityEstablished(
    family_name="N’Diaye-Lefèvre",
    given_names="Zoë Maëlle",
    birth_date="1990-05-17",
    birth_place="Saint-Étienne (42)",
    established_by=EstablishedBy.IDENTITY_CARD,
)

_AT = datetime.fromisoformat

CHECK = Check(
    catalogue_version="2026.1",
    bases=(
        BasisUse(
            code="CPP-78-2-AL7",
            requisition=Requisition(
                reference="2026/1187",
                court="TJ Paris",
                signed_at=_AT("2026-11-22T18:00:00+01:00"),
                offences=("STUPEFIANTS", "ARMES"),
                communes=("75110",),
                places="Gare du Nord et ses abords",
                starts_at=_AT("2026-11-23T12:00:00+01:00"),
                ends_at=_AT("2026-11-23T20:00:00+01:00"),
            ),
        ),
    ),
    reasons=("REQUISITION",),
    reason_text="Contrôle au point de sortie n° 3, une personne sur dix.",
    selection=SelectionMode.REQUISITION,
    checked_at=_AT("2026-11-23T14:05:00+01:00"),
    ended_at=_AT("2026-11-23T14:09:00+01:00"),
    place=Place(
        public_place="Parvis de la gare du Nord",
        commune="75110",
        commune_name="Paris 10e Arrondissement",
        department="75",
        zone="Europe/Paris",
    ),
    officer=Officer(
        number="1234567",
        rank="PN-GARDIEN-DE-LA-PAIX",
        quality=Quality.APJ,
        service=Service(code="PN-75-CSP10", name="Commissariat du 10e", force="PN", department="75", commune="75110"),
    ),
    ordered_by="7654321",
    measures=("PALPATION",),
    outcomes=("LIBRE",),
    possible_consequences=("LIBRE_DE_PARTIR", "VERIF_4H"),
    remedies=("DDD", "IGPN", "PROCUREUR"),
)


LATE_CORRECTION = Moment(
    late_from=_AT("2026-11-23T14:10:00+01:00"),
    replaces=Replaced(
        receipt_number="2ZK7Z2M9K4T8W1XC5VB6ND0RHJ",
        reason=CorrectionReason.WRONG_PLACE,
        checked_at=CHECK.checked_at,
        recorded_at=_AT("2026-11-23T14:12:00+01:00"),
    ),
    log=LogHead(1_187_204, "GdiA__zHtExZT5SwJ7DCbLDkIXtSh6Nr80pfaR3GdVs"),
)
"""Everything that an attestation may say of its place in time."""


def sample_claims(
    check: Check = CHECK, person: Person = PERSON, moment: Moment = ORDINARY
) -> dict[Group, dict[str, Any]]:
    return claims_of(
        check,
        person,
        receipt_number=RECEIPT_NUMBER,
        recorded_at=RECORDED_AT,
        catalogue=SampleCatalogue(),
        moment=moment,
    )


def sample_draft(
    claims: dict[Group, dict[str, Any]] | None = None, *, signer: Signer = SIGNER, **changed: Any
) -> Draft:
    arguments = {"salts": derive(SEED, SALT_INFOS), "issuer": ISSUER, "kid": signer.kid, "issued_on": ISSUED_ON}
    return draft_receipt(claims or sample_claims(), **(arguments | changed))


def sample_receipt(
    check: Check = CHECK,
    person: Person = PERSON,
    *,
    signer: Signer = SIGNER,
    receipt_number: ReceiptNumber = RECEIPT_NUMBER,
    catalogue: Any = None,
    moment: Moment = ORDINARY,
    **changed: Any,
) -> Receipt:
    """A signed receipt that verifies against ``sample_trust_root``.

    ``changed`` replaces arguments of ``draft_receipt`` (``salts``, ``issuer``, ``issued_on`` …); with a
    real ``catalogue`` the articles and digest are its own.
    """
    claims = claims_of(
        check,
        person,
        receipt_number=receipt_number,
        recorded_at=RECORDED_AT,
        catalogue=catalogue or SampleCatalogue(),
        moment=moment,
    )
    draft = sample_draft(claims, signer=signer, **changed)
    return draft.signed(signer.sign(draft.signing_input))


def sample_link(person: Person = PERSON, *, receipt_number: ReceiptNumber = RECEIPT_NUMBER) -> ReceiptLink:
    return ReceiptLink(receipt_number, SEED, person)


def sample_trust_root() -> TrustRoot:
    """Trusts ``SIGNER`` as ``ISSUER``, without limits of time."""
    return TrustRoot().with_issuer(ISSUER, {"keys": [{**SIGNER.public_key.jwk, "kid": SIGNER.kid}]})


def sample_verifier(policy: Policy | None = None) -> Verifier:
    return Verifier(sample_trust_root(), policy or Policy())
