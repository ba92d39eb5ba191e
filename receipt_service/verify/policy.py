"""What the verifier expects of a receipt, beside its being true."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from receipt_service.domain.attestation import VCT
from receipt_service.domain.groups import Group

EVERY_GROUP: Final = frozenset(Group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The caller's expectation; trust itself is the ``TrustRoot``."""

    issuer: str | None = None
    """The only issuer to accept; ``None``: any issuer of the trust root."""
    vct: str = VCT
    required: frozenset[Group] = frozenset()
    """Groups that must be shown. None by default: a holder may hide any of them."""
    clock_skew: timedelta = timedelta(minutes=5)
    """How far the issuer's clock may be ahead of ours."""
