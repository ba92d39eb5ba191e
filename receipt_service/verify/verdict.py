"""What verification found: passed, failed or indeterminate, with reasons that stay the same.

A verdict is data. Yes or no is for whoever reads it: ``passed`` alone means that the trusted issuer
signed exactly this; ``failed`` that it did not, or that the bytes are not in the one form accepted;
``indeterminate`` that nothing speaks against it and something needed for a "yes" is missing.
``docs/verdicts.md`` explains every reason.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from receipt_service.domain.canonical import base64url
from receipt_service.domain.groups import Group
from receipt_service.verify.log_standing import LogStanding


class Status(StrEnum):
    """The three outcomes (ETSI EN 319 102-1 §5.1.3 uses the same three)."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


class View(StrEnum):
    """How much of the receipt was presented."""

    LEAF = "leaf"
    STUB = "stub"
    RECEIPT = "receipt"
    PARTIAL = "partial"
    """Some groups, other than exactly the stub's four."""


class Reason(StrEnum):
    """Why a verdict is not ``passed``. Codes never change their meaning; new ones may come."""

    # The bytes are not in the one form accepted.
    TOO_LARGE = "too_large"
    NOT_SD_JWT = "not_sd_jwt"
    FINAL_TILDE_MISSING = "final_tilde_missing"
    KEY_BINDING_PRESENT = "key_binding_present"
    BASE64URL_NOT_CANONICAL = "base64url_not_canonical"
    JSON_NOT_STRICT = "json_not_strict"
    LINK_MALFORMED = "link_malformed"
    NO_RECEIPT_INSIDE = "no_receipt_inside"
    # The issuer-signed JWT.
    ALG_NOT_ALLOWED = "alg_not_allowed"
    TYP_UNEXPECTED = "typ_unexpected"
    HEADER_UNEXPECTED = "header_unexpected"
    PAYLOAD_UNEXPECTED = "payload_unexpected"
    ISSUER_UNEXPECTED = "issuer_unexpected"
    VCT_UNEXPECTED = "vct_unexpected"
    SD_ALG_NOT_ALLOWED = "sd_alg_not_allowed"
    ISSUED_AT_NOT_A_DAY = "issued_at_not_a_day"
    ISSUED_IN_FUTURE = "issued_in_future"
    DIGESTS_UNEXPECTED = "digests_unexpected"
    DIGEST_TWICE = "digest_twice"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_HIGH_S = "signature_high_s"
    SIGNATURE_INVALID = "signature_invalid"
    KEY_OUTSIDE_PERIOD = "key_outside_period"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    # The disclosures.
    DISCLOSURE_MALFORMED = "disclosure_malformed"
    DISCLOSURE_TWICE = "disclosure_twice"
    DISCLOSURE_NOT_REFERENCED = "disclosure_not_referenced"
    CLAIM_NAME_RESERVED = "claim_name_reserved"
    CLAIM_NAME_TWICE = "claim_name_twice"
    GROUP_UNKNOWN = "group_unknown"
    GROUP_REQUIRED = "group_required"
    SALT_TOO_SHORT = "salt_too_short"
    SALT_TWICE = "salt_twice"
    CLAIMS_NOT_VALID = "claims_not_valid"
    # A link and the stub it leads to.
    RECEIPT_NUMBER_MISMATCH = "receipt_number_mismatch"
    STUB_MISMATCH = "stub_mismatch"
    SALT_MISMATCH = "salt_mismatch"
    # Key binding, in the generic layer only.
    KEY_BINDING_INVALID = "key_binding_invalid"
    # Indeterminate: something needed is missing.
    ISSUER_UNKNOWN = "issuer_unknown"
    KEY_UNKNOWN = "key_unknown"
    STUB_UNREACHABLE = "stub_unreachable"
    STUB_NOT_FOUND = "stub_not_found"
    # The transparency log speaks against it.
    NEVER_LOGGED = "never_logged"
    LOG_PROOF_NOT_VALID = "log_proof_not_valid"
    # Indeterminate, where the caller asks for the log.
    NOT_YET_LOGGED = "not_yet_logged"
    LOG_NOT_WITNESSED = "log_not_witnessed"
    LOG_NOT_CHECKED = "log_not_checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, and a sentence for whoever looks into it. Never holds a value of the receipt."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of one verification."""

    status: Status
    findings: tuple[Finding, ...] = ()
    """Empty when passed. A failure stops at the first: behind it nothing can be relied on."""
    view: View | None = None
    shown: tuple[Group, ...] = ()
    issuer: str | None = None
    """As the leaf says; only a ``passed`` verdict makes it true."""
    kid: str | None = None
    issued_on: date | None = None
    """UTC day of issuance; set when the issuer's signature holds."""
    leaf: str | None = field(default=None, repr=False)
    """The leaf's exact characters, by which stub and log are matched; set when the issuer's signature holds."""
    claims: Mapping[Group, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """The groups shown; empty unless passed, so that nobody reads what nobody signed."""
    log: LogStanding | None = None
    """How it stands in the transparency log (``verify.log_check``); ``None`` until that was asked."""

    @property
    def passed(self) -> bool:
        """Whether the receipt holds."""
        return self.status is Status.PASSED

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The findings' codes."""
        return tuple(finding.reason for finding in self.findings)

    @property
    def hidden(self) -> tuple[Group, ...]:
        """The groups that were not shown; all five for a leaf, none where nothing could be read."""
        return () if self.view is None else tuple(group for group in Group if group not in self.shown)

    @property
    def leaf_sha256(self) -> str | None:
        """Digest of the leaf's exact characters, base64url."""
        return None if self.leaf is None else base64url(hashlib.sha256(self.leaf.encode("ascii")).digest())

    @property
    def receipt_number(self) -> str | None:
        """The number in ``when_where``, if that group is shown and the verdict passed."""
        when_where = self.claims.get(Group.WHEN_WHERE)
        return None if when_where is None else str(when_where["receipt_number"])

    def to_json(self) -> dict[str, Any]:
        """Write the verdict as ``schemas/verdict.v1.schema.json`` describes it."""
        return {
            "version": 1,
            "status": self.status.value,
            "reasons": [{"code": finding.reason.value, "message": finding.message} for finding in self.findings],
            "view": None if self.view is None else self.view.value,
            "shown": [group.value for group in self.shown],
            "hidden": [group.value for group in self.hidden],
            "issuer": self.issuer,
            "kid": self.kid,
            "issued_on": None if self.issued_on is None else self.issued_on.isoformat(),
            "leaf_sha256": self.leaf_sha256,
            "receipt_number": self.receipt_number,
            "claims": {group.value: dict(claims) for group, claims in self.claims.items()},
            "log": None if self.log is None else self.log.to_json(),
        }


def failed(reason: Reason, message: str, **known: Any) -> Verdict:
    """Write a verdict with one reason against the receipt."""
    return Verdict(status=Status.FAILED, findings=(Finding(reason, message),), **known)


def indeterminate(reason: Reason, message: str, **known: Any) -> Verdict:
    """Write a verdict that lacks one thing."""
    return Verdict(status=Status.INDETERMINATE, findings=(Finding(reason, message),), **known)
