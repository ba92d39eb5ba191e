"""Key binding, RFC 9901 §7.3: the presenter holds the key that the issuer wrote into ``cnf``.

Receipts are never bound to a key (whoever shows one shows a document, not themselves) and the
receipt profile refuses a key binding JWT. The generic layer knows it, so that the RFC's examples and
later wallet credentials verify.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from receipt_service.crypto.verification import holds
from receipt_service.domain.disclosure import digest_of
from receipt_service.errors import ConfigurationError, VerificationError
from receipt_service.verify.sd_jwt import check_signature_form, decode, json_object, parse
from receipt_service.verify.trust_root import TrustedKey
from receipt_service.verify.verdict import Reason

_MEMBERS: Final = frozenset({"iat", "aud", "nonce", "sd_hash"})
_JWS_PARTS: Final = 3


def verify_key_binding(
    compact: str,
    claims: Mapping[str, Any],
    *,
    audience: str,
    nonce: str,
    now: datetime,
    max_age: timedelta,
    high_s_allowed: bool = False,
) -> dict[str, Any]:
    """Verify the key binding JWT at the end of ``compact`` and return its payload.

    ``claims`` is what ``verify_sd_jwt`` returned for the same text; its ``cnf.jwk`` is the holder's key.

    1. There is a key binding JWT, and the issuer named the holder's key.
    2. ``alg`` is ES256 and ``typ`` is ``kb+jwt``.
    3. The signature is the holder's.
    4. ``iat`` lies within ``max_age`` before ``now``.
    5. ``nonce`` and ``aud`` are the expected ones.
    6. ``sd_hash`` is the digest of everything before the key binding JWT.

    Raises ``VerificationError``.
    """
    text = parse(compact).key_binding
    if text is None:  # (1)
        raise _invalid("there is no key binding JWT")
    payload = _signed_payload(text, _holder_key(claims), high_s_allowed=high_s_allowed)  # (2), (3)
    issued = payload.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not payload.keys() >= _MEMBERS:
        raise _invalid("the key binding JWT lacks a required member")
    if not 0 <= now.timestamp() - issued <= max_age.total_seconds():  # (4)
        raise _invalid("the key binding JWT is too old, or from the future")
    if payload["nonce"] != nonce or payload["aud"] != audience:  # (5)
        raise _invalid("the key binding JWT was made for somebody else")
    algorithm = parse(compact).payload.get("_sd_alg", "sha-256")
    if payload["sd_hash"] != digest_of(compact[: len(compact) - len(text)], algorithm):  # (6)
        raise _invalid("the key binding JWT was made for another presentation")
    return payload


def _signed_payload(text: str, key: TrustedKey, *, high_s_allowed: bool) -> dict[str, Any]:
    parts = text.split(".")
    if len(parts) != _JWS_PARTS:
        raise _invalid("the key binding JWT is not a JWS in compact form")
    header, payload, signature = json_object(parts[0], "header"), json_object(parts[1], "payload"), decode(parts[2])
    if header.get("alg") != "ES256" or header.get("typ") != "kb+jwt" or "crit" in header:
        raise _invalid("the key binding JWT is not an ES256 kb+jwt")
    r, s = check_signature_form(signature, high_s_allowed=high_s_allowed)
    if not holds(key.public_key, r, s, f"{parts[0]}.{parts[1]}".encode("ascii")):
        raise _invalid("the key binding JWT is not signed by the holder's key")
    return payload


def _holder_key(claims: Mapping[str, Any]) -> TrustedKey:
    confirmation = claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, Mapping) else None
    if not isinstance(jwk, Mapping):
        raise _invalid("the issuer named no holder's key")
    try:
        return TrustedKey.from_jwk(jwk)
    except ConfigurationError as error:
        raise _invalid("the issuer named a holder's key that we cannot use") from error


def _invalid(message: str) -> VerificationError:
    return VerificationError(Reason.KEY_BINDING_INVALID, message)
