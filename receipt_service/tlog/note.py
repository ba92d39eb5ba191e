"""Signed notes and the keys that sign them (C2SP signed-note).

A note is text, an empty line, and signature lines that each name a key. Which bytes a signature covers depends on
its type; for the timestamped types of checkpoints that is ``tlog.checkpoint``'s to say. This module does no
cryptography: whoever checks signatures hands in a function for each type.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from receipt_service.errors import ReceiptServiceError
from receipt_service.tlog.notation import MalformedLogText, base64, check_key_name, from_base64

LARGEST_NOTE: Final = 1 << 20
"""Bytes of the longest note that is looked at."""

MOST_SIGNATURES: Final = 64
"""Signatures of a note; the specification asks for 16 at least."""

KEY_ID_BYTES: Final = 4

_EM_DASH: Final = "\N{EM DASH} "


class MalformedNote(MalformedLogText):
    """The bytes are not a signed note in the one form that we accept."""


class MalformedKey(MalformedLogText):
    """The text is not a verifier key of a type that we know."""


class BadSignature(ReceiptServiceError):
    """A key that is known has signed something else, or nobody known has signed."""


class SignatureType(IntEnum):
    """What kind of signature a key makes (signed-note, Signature types): a byte of its key id."""

    ED25519 = 0x01
    """Ed25519 over the note's text."""
    COSIGNATURE_ED25519 = 0x04
    """A witness's Ed25519 over time and text (tlog-cosignature)."""
    COSIGNATURE_ML_DSA_44 = 0x06
    """ML-DSA-44 over names, time, size and root (tlog-cosignature); a log signs so too (tlog-checkpoint)."""

    @property
    def public_key_bytes(self) -> int:
        """Length of a raw public key: RFC 8032 §5.1.5, FIPS 204 table 2."""
        return 1312 if self is SignatureType.COSIGNATURE_ML_DSA_44 else 32

    @property
    def signature_bytes(self) -> int:
        """Length of the bare signature: RFC 8032 §5.1.6, FIPS 204 table 2."""
        return 2420 if self is SignatureType.COSIGNATURE_ML_DSA_44 else 64


SignatureCheck = Callable[[bytes, bytes, bytes], bool]
"""Say whether a signature is the key's: raw public key, bare signature, message."""

Checks = Mapping[SignatureType, SignatureCheck]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key, its name and what it signs. Raises ``MalformedKey``."""

    name: str
    type: SignatureType
    public_key: bytes

    def __post_init__(self) -> None:
        """Check what no key has."""
        try:
            check_key_name(self.name)
        except MalformedLogText as error:
            raise MalformedKey(str(error)) from error
        if len(self.public_key) != self.type.public_key_bytes:
            raise MalformedKey("a public key of another length than its type's")

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, say whose a signature is; a label, not a fingerprint."""
        return sha256(self.name.encode() + b"\n" + self._typed_key).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text: name, key id in hexadecimal, type and key in base64, joined by plus signs."""
        return f"{self.name}+{self.key_id.hex()}+{base64(self._typed_key)}"

    @property
    def _typed_key(self) -> bytes:
        return bytes((self.type,)) + self.public_key


def parse_vkey(text: str) -> VerifierKey:
    """Read a verifier key, whose key id must be its own. Raises ``MalformedKey``."""
    name, _, rest = text.partition("+")
    digits, _, encoded = rest.partition("+")
    try:
        typed_key = from_base64(encoded)
        key = VerifierKey(name, SignatureType(typed_key[0]), typed_key[1:])
    except (MalformedLogText, ValueError, IndexError) as error:
        raise MalformedKey("not a verifier key of a type that we know") from error
    if digits != key.key_id.hex():
        raise MalformedKey("the key id is not the key's")
    return key


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line, undecided: the name and the id of a key, and what follows them."""

    key_name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line, with its line end. Raises ``MalformedNote`` for a name or an id that no key has."""
        try:
            check_key_name(self.key_name)
        except MalformedLogText as error:
            raise MalformedNote(str(error)) from error
        if len(self.key_id) != KEY_ID_BYTES or not self.value:
            raise MalformedNote("a signature has a key id of four bytes and a value")
        return f"{_EM_DASH}{self.key_name} {base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """Text that ends in a line end, and at least one signature."""

    text: str
    signatures: tuple[Signature, ...]

    def signed_also(self, *signatures: Signature) -> "SignedNote":
        """Return the note with these signatures behind those it has, each one once."""
        new = [signature for signature in dict.fromkeys(signatures) if signature not in self.signatures]
        return SignedNote(self.text, (*self.signatures, *new))


def format_note(note: SignedNote) -> bytes:
    """Write a note, in the one form that ``parse_note`` reads. Raises ``MalformedNote``."""
    _check_text(note.text)
    if not 0 < len(note.signatures) <= MOST_SIGNATURES:
        raise MalformedNote(f"a note has 1 … {MOST_SIGNATURES} signatures")
    lines = "".join([signature.line for signature in note.signatures])
    try:
        return f"{note.text}\n{lines}".encode()
    except UnicodeEncodeError as error:
        raise MalformedNote("a note is UTF-8") from error


def parse_note(data: bytes) -> SignedNote:
    """Read a note; nothing in it is believed yet. Raises ``MalformedNote``."""
    if len(data) > LARGEST_NOTE:
        raise MalformedNote(f"longer than {LARGEST_NOTE} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedNote("a note is UTF-8") from error
    body, blank, lines = whole.rpartition("\n\n")
    if not blank:
        raise MalformedNote("no empty line before signatures")
    text = body + "\n"
    _check_text(text)
    return SignedNote(text, parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read one or more signature lines, as they end a note or are a witness's answer. Raises ``MalformedNote``."""
    if not lines.endswith("\n"):
        raise MalformedNote("a note ends in a signature line")
    written = lines[:-1].split("\n")
    if len(written) > MOST_SIGNATURES:
        raise MalformedNote(f"more than {MOST_SIGNATURES} signatures")
    return tuple([_parse_signature(line) for line in written])


def known_signatures(note: SignedNote, keys: Sequence[VerifierKey]) -> Iterator[tuple[VerifierKey, Signature]]:
    """Pick the signatures that claim to be one of these keys', with the key. The others mean nothing (signed-note).

    Raises ``MalformedKey`` when two keys share name and id, so that a signature could be either's.
    """
    by_id = {(key.name, key.key_id): key for key in keys}
    if len(by_id) != len(set(keys)):
        raise MalformedKey("two keys share a name and a key id")
    for signature in note.signatures:
        key = by_id.get((signature.key_name, signature.key_id))
        if key is not None:
            yield key, signature


def open_note(data: bytes, keys: Sequence[VerifierKey], check: SignatureCheck) -> tuple[SignedNote, list[VerifierKey]]:
    """Read a note that keys of type ``ED25519`` sign, and say which of them did.

    Raises ``MalformedNote``; ``BadSignature`` when a known key's signature does not hold or no known key signed;
    ``MalformedKey`` for a key of another type, whose signatures cover more than the text.
    """
    if any(key.type is not SignatureType.ED25519 for key in keys):
        raise MalformedKey("only Ed25519 keys sign the text alone")
    note = parse_note(data)
    signed_by = []
    for key, signature in known_signatures(note, keys):
        if not check(key.public_key, signature.value, note.text.encode()):
            raise BadSignature("a known key's signature does not hold")
        signed_by.append(key)
    if not signed_by:
        raise BadSignature("no known key has signed")
    return note, signed_by


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        raise MalformedNote("a note's text ends in a line end and has no other control character")


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_EM_DASH).partition(" ")
    try:
        value = from_base64(encoded)
    except MalformedLogText as error:
        raise MalformedNote(f"a signature is {error}") from error
    signature = Signature(name, value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])
    if signature.line != line + "\n":
        raise MalformedNote("a signature line in another form than its own")
    return signature
