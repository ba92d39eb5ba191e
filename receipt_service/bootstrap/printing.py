"""Printing a receipt that an officer hands back: only one of ours, whole, with its own link."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from receipt_service.delivery.rendering.labels import FRENCH
from receipt_service.delivery.rendering.pdf import render_pdf
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import Receipt
from receipt_service.errors import MalformedReceipt
from receipt_service.verify.links import verify_link
from receipt_service.verify.policy import Policy
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verifier import Verifier


class Printer:
    """Sets receipts of one issuer as PDF; keeps nothing."""

    def __init__(self, issuer: str, jwks: Callable[[], Mapping[str, Any]], catalogues: Mapping[str, Catalogue]) -> None:
        self._issuer = issuer
        self._jwks = jwks
        self._catalogues = catalogues

    def print(self, receipt: Receipt, link: str, second_language: str | None) -> bytes:
        """Return the PDF.

        Raises ``MalformedReceipt`` when the link is not one of ours, is not this receipt's, or when the
        receipt does not verify under our own keys: the service prints nothing that it has not signed.
        """
        base, _, fragment = link.partition("#")
        if base != f"{self._issuer}/r":
            raise MalformedReceipt("the link leads elsewhere")
        given = ReceiptLink.parse_fragment(fragment)
        verifier = Verifier(TrustRoot().with_issuer(self._issuer, self._jwks()), Policy(issuer=self._issuer))
        verdict, rebuilt = verify_link(verifier, given, receipt.stub.compact, datetime.now(UTC))
        if not verdict.passed or rebuilt is None or rebuilt.compact != receipt.compact:
            raise MalformedReceipt("not an intact receipt of this service")
        languages = (FRENCH,) if second_language is None else (FRENCH, second_language)
        return render_pdf(receipt, link, self._catalogues, languages)
