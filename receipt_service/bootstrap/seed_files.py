"""The two keys of a log or of a witness, as files: the 32 bytes that each grows from, readable by their owner alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from receipt_service.bootstrap.key_files import create_once, read_private
from receipt_service.crypto.note_signing import Ed25519Signer, MlDsa44Signer, new_seed
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.checkpoint import SigningKey
from receipt_service.tlog.notation import MalformedLogText, base64, from_base64
from receipt_service.tlog.note import SignatureType, VerifierKey

_ED25519: Final = "ed25519.seed"
_ML_DSA_44: Final = "ml-dsa-44.seed"
_SIGNERS: Final[dict[str, Callable[[bytes], Ed25519Signer | MlDsa44Signer]]] = {
    _ED25519: Ed25519Signer,
    _ML_DSA_44: MlDsa44Signer,
}
_ENCRYPTED: Final = b"-----BEGIN ENCRYPTED"  # no such file is ours: an encrypted one isn't read


def make_seeds(folder: Path) -> None:
    """Draw both seeds and write them, mode 0600; one that is there stays. Raises ``ConfigurationError``."""
    for file in _SIGNERS:
        try:
            create_once(folder / file, base64(new_seed()).encode() + b"\n")
        except OSError as error:
            raise ConfigurationError(f"cannot write {folder / file}: {error.strerror}") from error


def load_signing_keys(folder: Path, name: str, *, ed25519: SignatureType) -> list[SigningKey]:
    """Read both keys under a name. A log signs with ``ED25519``, a witness with ``COSIGNATURE_ED25519``.

    Raises ``ConfigurationError`` when one is missing or damaged, or others may read it.
    """
    types = {_ED25519: ed25519, _ML_DSA_44: SignatureType.COSIGNATURE_ML_DSA_44}
    signers = {file: signer_of(_read_seed(folder / file)) for file, signer_of in _SIGNERS.items()}
    return [
        SigningKey(VerifierKey(name, types[file], signer.public_key), signer.sign) for file, signer in signers.items()
    ]


def _read_seed(path: Path) -> bytes:
    data = read_private(path, encrypted_marker=_ENCRYPTED)
    try:
        return from_base64(data.decode("ascii").removesuffix("\n"))
    except (MalformedLogText, UnicodeDecodeError):
        raise ConfigurationError(f"{path}: not a private key") from None
