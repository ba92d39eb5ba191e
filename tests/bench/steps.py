"""What each step of issuing one receipt costs by itself, in a hot loop: where to look first."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from receipt_service.crypto.derivation import derive
from receipt_service.crypto.sealing import Sealer
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.domain.epoch import epoch_of
from receipt_service.domain.groups import SALT_INFOS, claims_of
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.receipt import draft_receipt
from receipt_service.domain.recipient import Channel
from receipt_service.web.requests import read_check
from tests.bench.ground import body
from tests.support.checks import catalogue, situation
from tests.support.receipts import ISSUED_ON, ISSUER, RECEIPT_NUMBER, RECORDED_AT, SEED, SIGNER

TURNS = 2000


def _cost(work: Callable[[], object]) -> float:
    for _ in range(TURNS // 10):
        work()
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(TURNS // 5):
            work()
        best = min(best, (time.process_time() - began) / (TURNS // 5) * 1e6)
    return best


def measure_steps() -> dict[str, float]:
    """Microseconds of one core for each step, the best of five slices."""
    given = situation("CPP-78-2-AL2")
    check = given.check()
    now = datetime.now(UTC)
    request = orjson.dumps(body(1, now))
    claims = claims_of(
        check, given.person, receipt_number=RECEIPT_NUMBER, recorded_at=RECORDED_AT, catalogue=catalogue()
    )
    salts = derive(SEED, SALT_INFOS)
    draft = draft_receipt(claims, salts=salts, issuer=ISSUER, kid=SIGNER.kid, issued_on=ISSUED_ON)
    receipt = draft.signed(SIGNER.sign(draft.signing_input))
    envelope = Envelope(to="+33639980001", receipt=receipt.compact, seed=SEED, languages=("fr",)).encode()
    sealer = Sealer(X25519PrivateKey.generate().public_key().public_bytes_raw(), epoch_of(now))
    info = sealing_info(MessageId(1), sealer.epoch, Channel.SMS)
    return {
        "read and check the body's form": _cost(lambda: read_check(request, now)),
        "hold it against the law": _cost(given.check),
        "derive five salts": _cost(lambda: derive(SEED, SALT_INFOS)),
        "write five disclosures and the leaf": _cost(
            lambda: draft_receipt(claims, salts=salts, issuer=ISSUER, kid=SIGNER.kid, issued_on=ISSUED_ON)
        ),
        "sign (ES256)": _cost(lambda: SIGNER.sign(draft.signing_input)),
        "seal one message (HPKE)": _cost(lambda: sealer.seal(envelope, info)),
    }
