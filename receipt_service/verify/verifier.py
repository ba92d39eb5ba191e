"""The strict verifier of receipts, stubs and leaves: trusts the keys it is given, and nobody else."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from receipt_service.crypto.verification import holds
from receipt_service.domain.attestation import ALG, DIGESTS, SD_ALG, TYP
from receipt_service.domain.disclosure import SALT_BYTES, Disclosure, digest_of
from receipt_service.domain.groups import STUB_GROUPS, Group
from receipt_service.errors import VerificationError
from receipt_service.verify.claims import valid_claims
from receipt_service.verify.policy import Policy
from receipt_service.verify.sd_jwt import check_signature_form, parse
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Reason, Status, Verdict, View, failed, indeterminate

LARGEST: Final = 1 << 16
"""Characters of the longest receipt that is looked at; a real one has about 3,000."""

_HEADER: Final = frozenset({"alg", "kid", "typ"})
_PAYLOAD: Final = frozenset({"iss", "vct", "iat", "_sd", "_sd_alg"})
_DIGEST: Final = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
"""32 bytes in base64url; the last letter's two spare bits are zero."""
_ALL_DIGESTS: Final = re.compile(" ".join([_DIGEST] * DIGESTS))
_DAY: Final = 86_400
_LAST_DAY: Final = 253_402_214_400
"""Midnight of 9999-12-31, the last day that a date can name."""
_SHORTEST_SALT: Final = -(-SALT_BYTES * 8 // 6)
_IN_ORDER: Final = tuple(Group)
_GROUPS: Final[Mapping[str, Group]] = {group.value: group for group in Group}
_DEFAULT_POLICY: Final = Policy()


class _Statement(NamedTuple):
    """What a leaf says, once its form is checked."""

    issuer: str
    kid: str
    issued_on: date
    digests: frozenset[str]


class Verifier:
    """Verifies any number of receipts under one trust root and one policy; safe to share."""

    def __init__(self, trust_root: TrustRoot, policy: Policy = _DEFAULT_POLICY) -> None:
        """``trust_root`` says who may sign, ``policy`` what the caller expects."""
        self._trust_root = trust_root
        self._policy = policy

    def verify(self, compact: str, now: datetime) -> Verdict:
        """Verify a leaf, a stub, a receipt, or a receipt with groups hidden, in SD-JWT form.

        The steps; a step that fails ends with the verdict ``failed`` unless it says otherwise.

        1. The text is short enough, ASCII, ends with ``~`` and carries no key binding JWT; every part is
           canonical base64url, every JSON text unambiguous, no disclosure comes twice (RFC 9901 §7.1 step 1).
        2. The header is ``alg: ES256``, ``typ: dc+sd-jwt``, a ``kid``, and nothing else.
        3. The payload is ``iss``, ``vct``, ``iat``, ``_sd``, ``_sd_alg`` and nothing else; ``iat`` is a UTC
           midnight; there are five different digests, sorted.
        4. Issuer and type are those the policy expects.
        5. Every disclosure names one of the five groups, no group twice, has a salt of 128 bits or more
           that no other one has, and is referenced by a digest of the leaf (RFC 9901 §7.1 steps 3 to 5).
        6. Every group shown has the shape that the claims schema gives it.
        7. The groups that the policy requires are shown.
        8. The signature has its one form: 64 bytes, r and s in range, s the smaller of the two.
        9. The trust root has a key of this issuer by this ``kid``; otherwise ``indeterminate``.
        10. The signature is that key's over the exact characters of the leaf (RFC 9901 §7.1 step 2).
        11. The day of issuance is not in the future and lies in the period in which that key signs.

        Steps 1 to 8 come before the key is looked for, so that ``indeterminate`` means that the key
        is all that is missing. ``now`` is aware. Never raises.
        """
        known: dict[str, Any] = {}
        try:
            return self._verify(compact, now, known)
        except VerificationError as error:
            return failed(Reason(error.reason), str(error), **known)

    def _verify(self, compact: str, now: datetime, known: dict[str, Any]) -> Verdict:
        sd_jwt = parse(compact, largest=LARGEST)  # (1)
        if sd_jwt.key_binding is not None:
            raise _key_binding_or_no_tilde(sd_jwt.key_binding)
        kid = _check_header(sd_jwt.header)  # (2)
        statement = _check_payload(sd_jwt.payload, kid)  # (3)
        known.update(issuer=statement.issuer, kid=kid)
        self._check_expected(sd_jwt.payload)  # (4)
        disclosed = _check_disclosures(sd_jwt.disclosures, statement.digests)  # (5)
        _check_claims(disclosed)  # (6)
        shown = tuple([group for group in _IN_ORDER if group in disclosed])
        known.update(view=_view(shown), shown=shown)
        if not self._policy.required <= disclosed.keys():  # (7)
            raise VerificationError(Reason.GROUP_REQUIRED, "a group that the policy requires is hidden")
        r, s = check_signature_form(sd_jwt.signature)  # (8)
        key = self._trust_root.key(statement.issuer, kid)  # (9)
        if key is None:
            if self._trust_root.knows(statement.issuer):
                return indeterminate(Reason.KEY_UNKNOWN, "the trust root has no such key of this issuer", **known)
            return indeterminate(Reason.ISSUER_UNKNOWN, "the trust root does not know this issuer", **known)
        if not holds(key.public_key, r, s, sd_jwt.signing_input):  # (10)
            raise VerificationError(Reason.SIGNATURE_INVALID, "the signature is not the key's over these bytes")
        if statement.issued_on > (now + self._policy.clock_skew).astimezone(UTC).date():  # (11)
            raise VerificationError(Reason.ISSUED_IN_FUTURE, "issued on a day that has not come yet")
        if not key.signs_on(statement.issued_on):
            raise VerificationError(Reason.KEY_OUTSIDE_PERIOD, "issued on a day on which this key does not sign")
        return Verdict(
            status=Status.PASSED,
            issued_on=statement.issued_on,
            leaf=sd_jwt.leaf,
            claims={group: disclosed[group].value for group in shown},
            **known,
        )

    def _check_expected(self, payload: Mapping[str, Any]) -> None:
        if self._policy.issuer is not None and payload["iss"] != self._policy.issuer:
            raise VerificationError(Reason.ISSUER_UNEXPECTED, "issued by another issuer than expected")
        if payload["vct"] != self._policy.vct:
            raise VerificationError(Reason.VCT_UNEXPECTED, "a credential of another type")


def _key_binding_or_no_tilde(after: str) -> VerificationError:
    if after.count(".") == 2:  # noqa: PLR2004  looks like header.payload.signature
        return VerificationError(Reason.KEY_BINDING_PRESENT, "a receipt carries no key binding")
    return VerificationError(Reason.FINAL_TILDE_MISSING, "the final ~ is missing")


def _check_header(header: Mapping[str, Any]) -> str:
    if header.get("alg") != ALG:
        raise VerificationError(Reason.ALG_NOT_ALLOWED, "the algorithm is not ES256")
    if header.get("typ") != TYP:
        raise VerificationError(Reason.TYP_UNEXPECTED, "the type is not dc+sd-jwt")
    kid = header.get("kid")
    if header.keys() != _HEADER or not isinstance(kid, str) or not kid:
        raise VerificationError(Reason.HEADER_UNEXPECTED, "the header has other members than alg, kid, typ")
    return kid


def _check_payload(payload: Mapping[str, Any], kid: str) -> _Statement:
    if payload.keys() != _PAYLOAD:
        raise VerificationError(Reason.PAYLOAD_UNEXPECTED, "the payload has other members than the leaf's five")
    issuer, vct, day = payload["iss"], payload["vct"], payload["iat"]
    if not isinstance(issuer, str) or not isinstance(vct, str) or not issuer:
        raise VerificationError(Reason.PAYLOAD_UNEXPECTED, "iss and vct are texts")
    if payload["_sd_alg"] != SD_ALG:
        raise VerificationError(Reason.SD_ALG_NOT_ALLOWED, "the hash is not sha-256")
    if type(day) is not int or day % _DAY or not 0 <= day <= _LAST_DAY:
        raise VerificationError(Reason.ISSUED_AT_NOT_A_DAY, "iat is not midnight of a day")
    return _Statement(issuer, kid, _day(day), _check_digests(payload["_sd"]))


def _check_digests(digests: Any) -> frozenset[str]:
    if not isinstance(digests, list) or len(digests) != DIGESTS:
        raise VerificationError(Reason.DIGESTS_UNEXPECTED, "there are not five digests")
    try:
        well_formed = _ALL_DIGESTS.fullmatch(" ".join(digests))
    except TypeError:  # one is not a text
        well_formed = None
    if well_formed is None:
        raise VerificationError(Reason.DIGESTS_UNEXPECTED, "a digest is not 32 bytes in base64url")
    different = frozenset(digests)
    if len(different) != DIGESTS:
        raise VerificationError(Reason.DIGEST_TWICE, "a digest comes twice")
    if digests != sorted(digests):
        raise VerificationError(Reason.DIGESTS_UNEXPECTED, "the digests are not sorted")
    return different


@lru_cache(maxsize=64)
def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, tz=UTC).date()


def _check_disclosures(disclosures: tuple[Disclosure, ...], digests: frozenset[str]) -> dict[Group, Disclosure]:
    found: dict[Group, Disclosure] = {}
    salts = set()
    for disclosure in disclosures:
        if digest_of(disclosure.encoded) not in digests:
            raise VerificationError(
                Reason.DISCLOSURE_NOT_REFERENCED, "a disclosure was altered, or belongs to another receipt"
            )
        if disclosure.name is None:
            raise VerificationError(Reason.DISCLOSURE_MALFORMED, "a disclosure has no name")
        group = _GROUPS.get(disclosure.name)
        if group is None:
            raise VerificationError(Reason.GROUP_UNKNOWN, "a disclosure is none of the five groups")
        if group in found:
            raise VerificationError(Reason.CLAIM_NAME_TWICE, "a group comes twice")
        if len(disclosure.salt) < _SHORTEST_SALT:
            raise VerificationError(Reason.SALT_TOO_SHORT, "a salt has less than 128 bits")
        found[group] = disclosure
        salts.add(disclosure.salt)
    if len(salts) != len(disclosures):
        raise VerificationError(Reason.SALT_TWICE, "two groups share a salt")
    return found


def _check_claims(disclosed: Mapping[Group, Disclosure]) -> None:
    for group, disclosure in disclosed.items():
        if not valid_claims(group, disclosure.value, disclosure.text):
            raise VerificationError(Reason.CLAIMS_NOT_VALID, f"the group {group.value} is not in its form")


def _view(shown: tuple[Group, ...]) -> View:
    if not shown:
        return View.LEAF
    if shown == STUB_GROUPS:
        return View.STUB
    return View.RECEIPT if len(shown) == len(Group) else View.PARTIAL
