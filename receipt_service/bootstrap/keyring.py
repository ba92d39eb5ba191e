"""The issuer's keys: one signs now, those before stay published, so that old receipts still verify.

The folder holds one ``keyring.json`` (every key's public half and the period in which it signs) and
one ``KID.pem`` for each private key that may still sign. A change writes the new private key first
and then replaces ``keyring.json`` in one step: a crash in between leaves a private key that nothing
names, and the keyring as it was.

Rotation gives the old key an end, ``overlap`` after the new one begins, because processes that
loaded it go on until they are restarted. Private keys past their end are removed by the next
change; their public halves stay for ever.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from receipt_service.bootstrap.key_files import only_writer, read_private, read_public, remove_durably, write_durably
from receipt_service.crypto.keys import PublicKey
from receipt_service.crypto.signing import Signer
from receipt_service.domain.canonical import from_base64url, from_json
from receipt_service.errors import ConfigurationError, MalformedReceipt

OVERLAP: Final = timedelta(hours=24)
SHORTEST_PASSPHRASE: Final = 12

_MANIFEST: Final = "keyring.json"
_VERSION: Final = 1
_OURS: Final = re.compile(r"[A-Za-z0-9_-]{43}\.pem|\..+\.new")
_ENCRYPTED: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key's public half and the period in which it signs; ``not_after`` ``None``: no end known yet."""

    public_key: PublicKey
    created_at: datetime
    not_before: datetime
    not_after: datetime | None

    @property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return self.public_key.thumbprint

    def signs_at(self, now: datetime) -> bool:
        """Say whether the key may sign at that moment."""
        return self.not_before <= now and not self.ended_at(now)

    def ended_at(self, now: datetime) -> bool:
        """Say whether its period is over."""
        return self.not_after is not None and self.not_after <= now

    @property
    def jwk(self) -> dict[str, Any]:
        """The published form: a JWK with ``nbf`` and ``exp`` (seconds), the period in which it signs."""
        published: dict[str, Any] = {**self.public_key.jwk, "kid": self.kid, "alg": "ES256", "use": "sig"}
        published["nbf"] = int(self.not_before.timestamp())
        if self.not_after is not None:
            published["exp"] = int(self.not_after.timestamp())
        return published


@dataclass(frozen=True, slots=True)
class Keyring:
    """All published keys, and the signers of those that may sign now or later."""

    keys: tuple[IssuerKey, ...]
    """Newest period first."""
    signers: tuple[Signer, ...]
    active: Signer
    """The signer at the moment of loading."""

    @classmethod
    def load(cls, folder: Path, passphrase: bytes | None, now: datetime) -> Self:
        """Read the folder.

        Raises ``ConfigurationError`` when there is no key that signs at ``now``, when a key file is
        open to others, when the passphrase does not open it, or when one is given for a key that is
        not encrypted (whoever gave it believes otherwise).
        """
        keys = read_keys(folder)
        signers = tuple(_load_signer(folder, key, passphrase) for key in keys if not key.ended_at(now))
        return cls(keys, signers, _signer_at(keys, signers, now))

    def signer_at(self, now: datetime) -> Signer:
        """Find the signer of that moment: a long-running process passes from key to key by itself."""
        return _signer_at(self.keys, self.signers, now)

    def jwks(self) -> dict[str, Any]:
        """Write the published key set (RFC 7517 §5), old keys included."""
        return {"keys": [key.jwk for key in self.keys]}


def read_keys(folder: Path) -> tuple[IssuerKey, ...]:
    """Read the public part of the folder, newest first; needs no passphrase. Raises ``ConfigurationError``."""
    path = folder / _MANIFEST
    try:
        document = from_json(read_public(path))
        if document["version"] != _VERSION:
            raise ConfigurationError(f"{path}: written by another version of this program")
        keys = [_read_key(entry) for entry in document["keys"]]
    except (MalformedReceipt, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path}: not a keyring") from error
    return tuple(sorted(keys, key=lambda key: key.not_before, reverse=True))


def generate_key(folder: Path, passphrase: bytes | None, now: datetime) -> IssuerKey:
    """Make the first key. Raises ``ConfigurationError`` if the folder already has one: then it is a rotation."""
    with only_writer(folder):
        if (folder / _MANIFEST).exists():
            raise ConfigurationError(f"{folder} already has keys; use: receipt-service keys rotate")
        return _add_key(folder, (), passphrase, now, begins_at=now)


def rotate_key(
    folder: Path,
    passphrase: bytes | None,
    now: datetime,
    *,
    starts_in: timedelta = timedelta(0),
    overlap: timedelta = OVERLAP,
) -> IssuerKey:
    """Make a new key that signs from ``now + starts_in`` on; the old one ends ``overlap`` after that.

    A key that had not begun yet is withdrawn: it has signed nothing. Raises ``ConfigurationError`` when
    the folder has no key, or when the present one can't be opened with this passphrase, which would
    leave the folder with two passphrases.
    """
    if starts_in < timedelta(0) or overlap < timedelta(0):
        raise ConfigurationError("a rotation starts now or later, and overlaps by nothing or more")
    with only_writer(folder):
        before = read_keys(folder)
        for key in before:
            if not key.ended_at(now):
                _load_signer(folder, key, passphrase)
        begins_at = _to_second(now + starts_in)
        after = tuple(_ended(key, begins_at + overlap) for key in before if key.not_before <= now)
        added = _add_key(folder, after, passphrase, now, begins_at=begins_at)
        _remove_unnamed(folder, tuple(key for key in (added, *after) if not key.ended_at(now)))
        return added


def _ended(key: IssuerKey, end: datetime) -> IssuerKey:
    return replace(key, not_after=end if key.not_after is None else min(key.not_after, end))


def _add_key(
    folder: Path, others: Sequence[IssuerKey], passphrase: bytes | None, now: datetime, *, begins_at: datetime
) -> IssuerKey:
    if passphrase is not None and len(passphrase) < SHORTEST_PASSPHRASE:
        raise ConfigurationError(f"a passphrase has at least {SHORTEST_PASSPHRASE} bytes")
    private_key = ec.generate_private_key(ec.SECP256R1())
    key = IssuerKey(PublicKey.of(private_key), _to_second(now), _to_second(begins_at), None)
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    write_durably(_private_path(folder, key), pem)
    document = {"version": _VERSION, "keys": [_written(entry) for entry in (key, *others)]}
    write_durably(folder / _MANIFEST, json.dumps(document, indent=2).encode() + b"\n")
    return key


def _remove_unnamed(folder: Path, kept: Sequence[IssuerKey]) -> None:
    """Remove private keys past their end, and what a crash between two writes left behind."""
    names = {_private_path(folder, key).name for key in kept}
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in names:
            remove_durably(path)


def _load_signer(folder: Path, key: IssuerKey, passphrase: bytes | None) -> Signer:
    path = _private_path(folder, key)
    pem = read_private(path, encrypted_marker=_ENCRYPTED)
    if _ENCRYPTED in pem and passphrase is None:
        raise ConfigurationError(f"{path} is encrypted and no passphrase is set (RECEIPT_ISSUER_KEY_PASSPHRASE)")
    if _ENCRYPTED not in pem and passphrase is not None:
        raise ConfigurationError(f"{path} is not encrypted although a passphrase is set")
    try:
        private_key = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is damaged, or the passphrase is wrong") from error
    if not isinstance(private_key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError(f"{path} is not a P-256 key")
    signer = Signer(private_key)
    if signer.kid != key.kid:
        raise ConfigurationError(f"{path} is not the key that the keyring names")
    return signer


def _signer_at(keys: Sequence[IssuerKey], signers: Sequence[Signer], now: datetime) -> Signer:
    by_kid = {signer.kid: signer for signer in signers}
    for key in keys:  # newest first
        if key.signs_at(now) and key.kid in by_kid:
            return by_kid[key.kid]
    raise ConfigurationError("no issuer key signs at this moment; use: receipt-service keys rotate")


def _private_path(folder: Path, key: IssuerKey) -> Path:
    return folder / f"{key.kid}.pem"


def _written(key: IssuerKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "alg": "ES256",
        "jwk": key.public_key.jwk,
        "created_at": _text(key.created_at),
        "not_before": _text(key.not_before),
        "not_after": None if key.not_after is None else _text(key.not_after),
    }


def _read_key(entry: dict[str, Any]) -> IssuerKey:
    jwk = entry["jwk"]
    key = IssuerKey(
        PublicKey(from_base64url(jwk["x"]), from_base64url(jwk["y"])),
        _moment(entry["created_at"]),
        _moment(entry["not_before"]),
        None if entry["not_after"] is None else _moment(entry["not_after"]),
    )
    if entry["kid"] != key.kid:
        raise ConfigurationError("the keyring names a key that it does not hold")
    return key


def _to_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ConfigurationError("a keyring's times carry their offset")
    return moment.astimezone(UTC)
