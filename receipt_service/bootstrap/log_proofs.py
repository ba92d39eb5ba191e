"""The log's proofs for what is sent, where the worker reaches the log's folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from receipt_service.errors import NotFound, ReceiptServiceError, Unavailable
from receipt_service.telemetry import logger
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.transparency.log_folder import CHECKPOINT, LogFolder
from receipt_service.transparency.proving import Proofs

ProofOf = Callable[[str], bytes | None]
"""Find the log's proof (a tlog-proof file) of a leaf, given as its exact characters; ``None`` while there is none."""

NO_LOG: Final[ProofOf] = lambda _leaf: None  # noqa: E731  a port's default
"""For a worker that does not reach a log: receipts go out without a proof, which can be fetched later."""


def proof_now(proof_of: ProofOf, leaf: str) -> bytes | None:
    """Return the proof if there is one this moment: a receipt never waits for the log, nor fails with it."""
    try:
        proof = proof_of(leaf)
        return None if proof is None else proof.decode().encode()  # what is no text would stop the PDF
    except (ReceiptServiceError, OSError, UnicodeDecodeError):
        logger().warning("delivery.proof_not_read")
        return None


def proofs_in(root: Path, engine: Engine) -> ProofOf:
    """Find proofs by the folder at ``root``; none while nothing is published there."""
    folder = LogFolder(root)
    proofs = Proofs(engine, folder)

    def proof_of(leaf: str) -> bytes | None:
        if folder.read(CHECKPOINT) is None:
            return None
        try:
            return proofs.of_leaf(leaf_hash(leaf.encode()))
        except NotFound:
            return None
        except SQLAlchemyError as error:
            raise Unavailable("the database does not tell where the leaf stands") from error

    return proof_of
