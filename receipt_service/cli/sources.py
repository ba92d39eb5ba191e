"""What ``receipt-service verify`` is given: a receipt file, a PDF with one inside, or a link."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import click

from receipt_service.cli.fetch import is_acceptable
from receipt_service.domain.link import ReceiptLink
from receipt_service.errors import MalformedReceipt, VerificationError
from receipt_service.verify.verdict import Reason

LARGEST: Final = 20 << 20
ATTACHMENT: Final = "receipt.sd-jwt"
PROOF_ATTACHMENT: Final = "receipt.tlog-proof"
PROOF_SUFFIX: Final = ".tlog-proof"
_LONGEST_LINK: Final = 4096
_PDF: Final = b"%PDF-"


@dataclass(frozen=True, slots=True)
class Source:
    """A compact SD-JWT, or a link with the origin that serves its stub."""

    compact: str | None = field(default=None, repr=False)
    link: ReceiptLink | None = None
    base: str | None = None
    embedded_proof: bytes | None = field(default=None, repr=False)
    """The log's proof that a PDF carries."""
    beside: Path | None = None
    """Where the log's proof would lie beside the file: ``X.tlog-proof`` for ``X.sd-jwt``."""


def read_source(argument: str) -> Source:
    """Read a file, ``-`` (standard input) or a link.

    Raises ``click.UsageError`` when there is nothing to read, ``VerificationError`` when what was read
    cannot hold a receipt.
    """
    if argument.startswith(("http://", "https://")):
        return _from_link(argument)
    try:
        if argument == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(argument).open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read the file: {error.strerror}") from error
    if len(data) > LARGEST:
        raise VerificationError(Reason.TOO_LARGE, "too large to be a receipt")
    source = _from_bytes(data)
    return source if argument == "-" else replace(source, beside=Path(argument).with_suffix(PROOF_SUFFIX))


def _from_bytes(data: bytes) -> Source:
    if data.startswith(_PDF):
        return _from_pdf(data)
    text = _one_line(data)
    return _from_link(text) if text.startswith(("http://", "https://")) else Source(compact=text)


def _one_line(data: bytes) -> str:
    """Drop the one line break that an editor puts at the end of a file; everything else is the receipt's."""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    return line.decode("utf-8", "replace")


def _from_pdf(data: bytes) -> Source:
    from io import BytesIO  # noqa: PLC0415  reading PDF takes as long to import as all the rest

    from pypdf import PdfReader  # noqa: PLC0415

    try:
        attachments = PdfReader(BytesIO(data)).attachments
        found = attachments.get(ATTACHMENT, [])
        proofs = attachments.get(PROOF_ATTACHMENT, [])
    except Exception as error:
        raise VerificationError(Reason.NO_RECEIPT_INSIDE, "the PDF cannot be read") from error
    if len(found) != 1:
        raise VerificationError(Reason.NO_RECEIPT_INSIDE, f"the PDF does not hold one file {ATTACHMENT}")
    proof = b"".join(proofs) if proofs else None  # two of them in a row are no proof, and are told so
    return Source(compact=_one_line(found[0]), embedded_proof=proof)


def _from_link(text: str) -> Source:
    address, hash_sign, fragment = text.partition("#")
    base = address.removesuffix("/").removesuffix("/r")
    if len(text) > _LONGEST_LINK or not hash_sign or base == address.removesuffix("/") or not is_acceptable(address):
        raise VerificationError(Reason.LINK_MALFORMED, "a link is https://HOST/r#NUMBER.SEED.PERSON")
    try:
        return Source(link=ReceiptLink.parse_fragment(fragment), base=base)
    except MalformedReceipt as error:
        raise VerificationError(Reason.LINK_MALFORMED, str(error)) from error
