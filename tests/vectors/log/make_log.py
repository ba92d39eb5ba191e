"""Write the conformance vectors of this folder: proofs of a small log, good and bogus, with the policies.

Keys, texts and times are fixed. ML-DSA-44 signatures are other ones each time (FIPS 204, hedged), so those that were
made once are kept in ``ml-dsa-signatures.json`` and used again as long as they hold: running it again changes nothing.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from receipt_service.crypto.note_verification import ml_dsa_44_holds  # noqa: E402
from receipt_service.tlog.notation import base64, from_base64  # noqa: E402
from tests.support.log_keys import LogKey  # noqa: E402
from tests.support.receipts import NOW  # noqa: E402
from tests.support.small_log import (  # noqa: E402
    IMPOSTOR,
    LOG,
    LOG_PQ,
    NORTH,
    ORIGIN,
    OTHER_LOG,
    SOUTH,
    STRANGER,
    WEST,
)
from tests.vectors.log.bogus_proofs import absences, bogus  # noqa: E402
from tests.vectors.log.good_proofs import POLICIES, TEXTS, good  # noqa: E402
from tests.vectors.log.not_before_proofs import not_before  # noqa: E402

KEPT = "ml-dsa-signatures.json"


class _Kept:
    """ML-DSA-44 signatures that were made once."""

    def __init__(self, path: Path) -> None:
        self._known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        self.used: dict[str, str] = {}

    def sign(self, key: LogKey, message: bytes) -> bytes:
        name = sha256(key.vkey.encode() + b"\n" + message).hexdigest()
        kept = from_base64(self.used.get(name) or self._known.get(name, ""))
        signature = kept if ml_dsa_44_holds(key.key.public_key, kept, message) else key.signer.sign(message)
        self.used[name] = base64(signature)
        return signature


def documents() -> dict[str, bytes]:
    """Every file of this folder that the generator writes, by name."""
    kept = _Kept(HERE / KEPT)
    for key in (LOG_PQ, WEST):
        key.signing = lambda message, key=key: kept.sign(key, message)
    try:
        vectors, missing = [*good(), *not_before(), *bogus()], absences()
    finally:
        for key in (LOG_PQ, WEST):
            key.signing = key.signer.sign
    manifest = {
        "now": NOW.isoformat().replace("+00:00", "Z"),
        "origin": ORIGIN,
        "leaves": TEXTS,
        "proofs": [vector.entry() for vector in vectors],
        "absences": missing,
    }
    keys = {key.key.vkey: key.seed.hex() for key in (LOG, LOG_PQ, NORTH, SOUTH, WEST, STRANGER, OTHER_LOG, IMPOSTOR)}
    return {
        **{f"{vector.name}.tlog-proof": vector.proof for vector in vectors},
        **{name: text.encode() for name, text in POLICIES.items()},
        **{
            name: (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
            for name, value in {"vectors.json": manifest, "private-keys.json": keys, KEPT: kept.used}.items()
        },
    }


def main() -> None:
    written = documents()
    for path in [*HERE.glob("*.tlog-proof"), *HERE.glob("*.txt")]:
        if path.name not in written:
            path.unlink()
    for name, content in written.items():
        (HERE / name).write_bytes(content)


if __name__ == "__main__":
    main()
