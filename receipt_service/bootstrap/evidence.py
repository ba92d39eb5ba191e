"""Evidence files put together: here alone does the signing key come in."""

from datetime import datetime

from receipt_service.audit.evidence import Exhibit, make_evidence
from receipt_service.audit.matching import Outcome, Presented
from receipt_service.bootstrap.audit import Auditing
from receipt_service.bootstrap.keyring import Keyring
from receipt_service.config.processes import AuditSettings
from receipt_service.domain.receipt_number import ReceiptNumber
from receipt_service.errors import ConfigurationError, NotFound
from receipt_service.storage import stubs
from receipt_service.storage.engine import reading
from receipt_service.verify.sd_jwt import parse


def stub_of_number(auditing: Auditing, number: ReceiptNumber) -> str:
    """Return the stub of a receipt number as an SD-JWT. Raises ``NotFound``."""
    with reading(auditing.engine) as connection:
        stub = stubs.find_by_number(connection, number)
    if stub is None:
        raise NotFound("no stub has this number")
    return "~".join([stub.leaf, *stub.disclosures, ""])


def evidence_of(
    auditing: Auditing, settings: AuditSettings, compact: str, presented: Presented, now: datetime
) -> bytes:
    """Match what was presented and write the evidence file.

    Raises ``NotFound`` for something that is not authentic or not in the log, ``ConfigurationError`` without a key.
    """
    match = auditing.matcher.match(presented, now)
    if match.outcome in {Outcome.FORGED, Outcome.SIGNER_UNKNOWN}:
        raise NotFound("it is not signed by a trusted key, so there is nothing to prove of it")
    leaf = parse(compact)
    key = auditing.trust_root.key(leaf.payload["iss"], leaf.header["kid"])
    if key is None:
        raise ConfigurationError("the trust root lost a key")
    passphrase = settings.issuer_key_passphrase
    keyring = Keyring.load(
        settings.issuer_keys, None if passphrase is None else passphrase.get_secret_value().encode(), now
    )
    exhibit = Exhibit(
        presented=compact,
        match=match,
        policy=auditing.policy(),
        trust_root=auditing.trust_root.to_json(),
        leaf_key=key.public_key,
        issuer=settings.public_url,
    )
    return make_evidence(exhibit, keyring.signer_at(now), now)
