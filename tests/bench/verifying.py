"""Verification against one bare ES256 verification, turn by turn, and the command's cold start."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from receipt_service.domain.canonical import from_base64url
from receipt_service.domain.receipt import Receipt
from receipt_service.verify.verdict import Status
from tests.support.checks import catalogue, situation
from tests.support.receipts import NOW, SIGNER, sample_receipt, sample_trust_root, sample_verifier

SLICE = 400
"""Verifications of one kind before the other has its turn."""


@dataclass(frozen=True)
class VerifyingResult:
    """Microseconds of one core, the best slice of each."""

    form: str
    bare_us: float
    receipt_us: float

    @property
    def ratio(self) -> float:
        """Receipts a second over bare ES256 verifications a second."""
        return self.bare_us / self.receipt_us


def _slice(work: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(SLICE):
        work()
    return (time.process_time() - began) / SLICE * 1e6


def _bare(receipt: Receipt) -> Callable[[], object]:
    signing_input, _, signature = receipt.leaf.rpartition(".")
    raw = from_base64url(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    algorithm = ec.ECDSA(hashes.SHA256())
    key = ec.EllipticCurvePublicNumbers(
        int.from_bytes(from_base64url(SIGNER.public_key.jwk["x"]), "big"),
        int.from_bytes(from_base64url(SIGNER.public_key.jwk["y"]), "big"),
        ec.SECP256R1(),
    ).public_key()
    message = signing_input.encode()
    return lambda: key.verify(der, message, algorithm)


def measure_verifying(rounds: int) -> list[VerifyingResult]:
    """Verify the receipt of a suspicion and the longer one of a requisition."""
    verifier = sample_verifier()
    results = []
    for form, code in (("suspicion", "CPP-78-2-AL2"), ("requisition", "CPP-78-2-AL7")):
        given = situation(code)
        receipt = sample_receipt(given.check(), given.person, catalogue=catalogue())
        compact, bare = receipt.compact, _bare(receipt)
        if verifier.verify(compact, NOW).status is not Status.PASSED:
            raise RuntimeError(f"the sample of {code} does not verify")
        slices = [(_slice(bare), _slice(lambda text=compact: verifier.verify(text, NOW))) for _ in range(rounds)]  # type: ignore[misc]
        results.append(VerifyingResult(form, min(one for one, _ in slices), min(other for _, other in slices)))
    return results


def measure_cold_start(rounds: int) -> float:
    """Median seconds of ``receipt-service verify FILE`` from the shell, interpreter's start included."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "receipt.sd-jwt").write_text(sample_receipt().compact)
        (folder / "trust.json").write_bytes(sample_trust_root().to_json())
        command = [sys.executable, "-m", "receipt_service", "verify", str(folder / "receipt.sd-jwt")]
        command += ["--trust-root", str(folder / "trust.json")]
        seconds = []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=os.environ)
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
