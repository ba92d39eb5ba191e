"""What a verifier starts from: which issuer signs with which key, and when; and which log it believes.

A file (``schemas/trust-root.v1.schema.json``) that whoever verifies keeps, not something a receipt
brings along. Keys come from the issuer's metadata (SD-JWT VC §5, ``/.well-known/jwt-vc-issuer``), whose
JWKs carry ``nbf`` and ``exp``: the period in which the key signs, in seconds from the epoch. An issuer may have a log
policy (C2SP tlog-policy): the keys of its log, the witnesses, and how many of them must agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from receipt_service.crypto.keys import PublicKey
from receipt_service.domain.canonical import from_base64url, from_json, to_json
from receipt_service.errors import ConfigurationError, MalformedReceipt

if TYPE_CHECKING:
    from receipt_service.tlog.policy import Policy as LogPolicy

VERSION: Final = 1
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and the period in which it signs; ``None`` leaves that side open."""

    kid: str
    public_key: PublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None

    def signs_on(self, day: date) -> bool:
        """Say whether the period touches that UTC day: a leaf tells the day alone."""
        if self.not_before is not None and day < self.not_before.astimezone(UTC).date():
            return False
        return self.not_after is None or day <= self.not_after.astimezone(UTC).date()

    @property
    def jwk(self) -> dict[str, Any]:
        """The key in the form in which it is published."""
        written: dict[str, Any] = {**self.public_key.jwk, "kid": self.kid, "alg": "ES256", "use": "sig"}
        if self.not_before is not None:
            written["nbf"] = int(self.not_before.timestamp())
        if self.not_after is not None:
            written["exp"] = int(self.not_after.timestamp())
        return written

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a P-256 key. Raises ``ConfigurationError``, for a private key above all."""
        if not _PRIVATE_MEMBERS.isdisjoint(jwk):
            raise ConfigurationError("a trust root holds public keys; this one is private")
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or jwk.get("alg", "ES256") != "ES256":
            raise ConfigurationError("a trusted key is an ES256 key on P-256")
        if jwk.get("use", "sig") != "sig":
            raise ConfigurationError("a trusted key is for signatures")
        try:
            public_key = PublicKey(from_base64url(jwk["x"]), from_base64url(jwk["y"]))
            kid = jwk.get("kid", public_key.thumbprint)
            not_before, not_after = _moment(jwk.get("nbf")), _moment(jwk.get("exp"))
        except (KeyError, TypeError, AttributeError, MalformedReceipt) as error:
            raise ConfigurationError("a trusted key is a JWK with coordinates") from error
        if not isinstance(kid, str) or not kid:
            raise ConfigurationError("a trusted key's id is text")
        return cls(kid, public_key, not_before, not_after)


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """Issuers and their keys. Empty, it trusts nobody, and every verdict is indeterminate at best."""

    issuers: Mapping[str, Mapping[str, TrustedKey]] = field(default_factory=dict)
    """Issuer (``iss``, exactly) → key id → key."""
    log_policies: Mapping[str, str] = field(default_factory=dict)
    """Issuer → its log policy, the file's whole text; only issuers above have one."""

    def knows(self, issuer: str) -> bool:
        """Say whether there is any key of the issuer."""
        return issuer in self.issuers

    def key(self, issuer: str, kid: str) -> TrustedKey | None:
        """Find a key of the issuer: a key of somebody else's never counts."""
        return self.issuers.get(issuer, {}).get(kid)

    def with_issuer(self, issuer: str, jwks: Mapping[str, Any]) -> Self:
        """Add an issuer with its key set, or replace the keys that it had. Raises ``ConfigurationError``."""
        return type(self)(MappingProxyType({**self.issuers, issuer: _key_set(jwks)}), self.log_policies)

    def log_policy(self, issuer: str) -> "LogPolicy | None":
        """Read the issuer's log policy; ``None`` where there is none. Raises ``ConfigurationError``."""
        text = self.log_policies.get(issuer)
        return None if text is None else read_log_policy(text.encode())

    def with_log_policy(self, issuer: str, text: bytes) -> Self:
        """Give an issuer a log policy, or another one. Raises ``ConfigurationError``, for an unknown issuer too."""
        if not self.knows(issuer):
            raise ConfigurationError(f"the trust root does not know {issuer}: fetch its keys first")
        read_log_policy(text)
        return type(self)(self.issuers, MappingProxyType({**self.log_policies, issuer: text.decode()}))

    def to_json(self) -> bytes:
        """Write the file."""
        issuers = []
        for issuer, keys in self.issuers.items():
            entry: dict[str, Any] = {"issuer": issuer, "jwks": {"keys": [key.jwk for key in keys.values()]}}
            if issuer in self.log_policies:
                entry["log_policy"] = self.log_policies[issuer]
            issuers.append(entry)
        return to_json({"version": VERSION, "issuers": issuers})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file, or an issuer's metadata saved as it was published. Raises ``ConfigurationError``."""
        document = _object(data)
        if "version" not in document and isinstance(document.get("issuer"), str):
            return cls.from_issuer_metadata(data, document["issuer"])
        entries = document.get("issuers")
        if document.get("version") != VERSION or not isinstance(entries, list):
            raise ConfigurationError("not a trust root of version 1")
        root = cls()
        for entry in entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("issuer"), str):
                raise ConfigurationError("a trust root names its issuers")
            if root.knows(entry["issuer"]):
                raise ConfigurationError("a trust root names each issuer once")
            root = root.with_issuer(entry["issuer"], entry.get("jwks", {}))
            policy = entry.get("log_policy")
            if policy is not None:
                root = root.with_log_policy(entry["issuer"], _policy_bytes(policy))
        return root

    @classmethod
    def from_issuer_metadata(cls, data: bytes, issuer: str) -> Self:
        """Read ``/.well-known/jwt-vc-issuer``; it must speak of ``issuer`` itself. Raises ``ConfigurationError``."""
        document = _object(data)
        if document.get("issuer") != issuer:
            raise ConfigurationError("the metadata is another issuer's")
        return cls().with_issuer(issuer, document.get("jwks", {}))


def read_log_policy(text: bytes) -> "LogPolicy":
    """Read a log policy that a trust root can keep: UTF-8, with a log. Raises ``ConfigurationError``."""
    from receipt_service.tlog.policy import MalformedPolicy, parse_policy  # noqa: PLC0415  most files have none

    try:
        text.decode()
        policy = parse_policy(text)
    except (UnicodeDecodeError, MalformedPolicy) as error:
        raise ConfigurationError(f"not a log policy ({error})") from error
    if not policy.logs:
        raise ConfigurationError("not a policy to keep: it names no log")
    return policy


def _policy_bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ConfigurationError("a log policy is text")
    return text.encode()


def _key_set(jwks: Any) -> Mapping[str, TrustedKey]:
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise ConfigurationError("an issuer has a key set with at least one key")
    keys: dict[str, TrustedKey] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise ConfigurationError("a key set holds JWKs")
        key = TrustedKey.from_jwk(entry)
        if key.kid in keys:
            raise ConfigurationError("a key set names each key once")
        keys[key.kid] = key
    return MappingProxyType(keys)


def _object(data: bytes) -> dict[str, Any]:
    try:
        document = from_json(data)
    except MalformedReceipt as error:
        raise ConfigurationError("not a JSON document") from error
    if not isinstance(document, dict):
        raise ConfigurationError("not a JSON object")
    return document


def _moment(seconds: Any) -> datetime | None:
    if seconds is None:
        return None
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise ConfigurationError("a key's period is in whole seconds")
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise ConfigurationError("a key's period is in whole seconds") from error
