"""The folder of a witness, which is all that it has: name, seeds, the keys of the logs it follows, what it has seen.

``name``, ``ed25519.seed`` and ``ml-dsa-44.seed`` are made once; ``logs`` holds a verifier key a line; ``seen`` is
``witness.last_seen``'s and ``evidence`` is ``witness.evidence``'s.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from receipt_service.bootstrap.key_files import only_writer, read_public, write_durably
from receipt_service.bootstrap.seed_files import load_signing_keys, make_seeds
from receipt_service.errors import ConfigurationError
from receipt_service.tlog.notation import MalformedLogText, check_key_name
from receipt_service.tlog.note import SignatureType, VerifierKey, parse_vkey
from receipt_service.tlog.policy import LOG_TYPES
from receipt_service.verify.note_checks import NOTE_CHECKS
from receipt_service.witness.answering import Witness
from receipt_service.witness.cosigning import Cosigner
from receipt_service.witness.evidence import Evidence
from receipt_service.witness.last_seen import LastSeen, RecordDamaged

_NAME: Final = "name"
_LOGS: Final = "logs"
_LONGEST_NAME: Final = 255
"""Bytes of the longest name or origin that ML-DSA-44 can cosign (C2SP tlog-cosignature)."""


def make_witness(folder: Path, name: str) -> Cosigner:
    """Make a witness's keys, mode 0600, in a folder of its own.

    Raises ``ConfigurationError`` when it has some already: with other keys it is another witness.
    """
    _check_name(name)
    with only_writer(folder):
        if (folder / _NAME).exists():
            raise ConfigurationError(f"{folder} already has a witness; with new keys it would be another one")
        make_seeds(folder)
        write_durably(folder / _LOGS, b"")
        write_durably(folder / _NAME, f"{name}\n".encode())  # last: what has a name is whole
    return load_cosigner(folder)


def load_cosigner(folder: Path) -> Cosigner:
    """Read the keys. Raises ``ConfigurationError`` where there are none, or they can't be used."""
    return Cosigner(load_signing_keys(folder, _read_name(folder), ed25519=SignatureType.COSIGNATURE_ED25519))


def follow_logs(folder: Path, vkeys: Sequence[str]) -> tuple[VerifierKey, ...]:
    """Trust these keys of logs from now on, and return those that are new. All of them, or none.

    Raises ``ConfigurationError`` for a key that is no log's, or that can't be told from another.
    """
    own = {key.public_key for key in load_cosigner(folder).verifiers}
    new = [_log_key(vkey) for vkey in vkeys]
    with only_writer(folder):
        known = _read_logs(folder)
        added = tuple(key for key in dict.fromkeys(new) if key not in known)
        for key in added:
            if key.public_key in own:
                raise ConfigurationError("a witness does not follow itself")
        keys = [*known, *added]
        if len({(key.name, key.key_id) for key in keys}) != len(keys):
            raise ConfigurationError("two keys share a name and a key id")
        for key in added:  # the record first: a followed log without one counts as forgotten, and is never cosigned
            _last_seen(folder).begin(key.name)
        write_durably(folder / _LOGS, "".join([f"{key.vkey}\n" for key in keys]).encode())
    return added


def load_witness(folder: Path) -> Witness:
    """Make ready to answer. Raises ``ConfigurationError``, also where what was seen of a log is not known any more."""
    cosigner = load_cosigner(folder)
    logs: dict[str, list[VerifierKey]] = {}
    for key in _read_logs(folder):
        logs.setdefault(key.name, []).append(key)
    evidence = Evidence(folder / "evidence")
    witness = Witness(cosigner, logs, _last_seen(folder), evidence, NOTE_CHECKS)
    try:
        witness.followed()
    except RecordDamaged as error:
        raise ConfigurationError(f"{folder}: {error}; nothing is cosigned from memory that is gone") from error
    return witness


def _last_seen(folder: Path) -> LastSeen:
    return LastSeen(folder / "seen")


def _read_name(folder: Path) -> str:
    if not (folder / _NAME).exists():
        raise ConfigurationError(f"{folder} holds no witness; use: receipt-service witness init")
    name = read_public(folder / _NAME).decode("utf-8", "replace").removesuffix("\n")
    _check_name(name)
    return name


def _check_name(name: str) -> None:
    try:
        check_key_name(name)
    except MalformedLogText as error:
        raise ConfigurationError(f"not a name for a witness: {error}") from error
    if len(name.encode()) > _LONGEST_NAME:
        raise ConfigurationError(f"a name has at most {_LONGEST_NAME} bytes")


def _read_logs(folder: Path) -> list[VerifierKey]:
    return [_log_key(line) for line in read_public(folder / _LOGS).decode("utf-8", "replace").splitlines()]


def _log_key(vkey: str) -> VerifierKey:
    try:
        key = parse_vkey(vkey)
    except MalformedLogText as error:
        raise ConfigurationError(f"not the key of a log: {error}") from error
    if key.type not in LOG_TYPES:
        raise ConfigurationError("a key of a type that no log signs with")
    if len(key.name.encode()) > _LONGEST_NAME:
        raise ConfigurationError(f"an origin longer than {_LONGEST_NAME} bytes can't be cosigned")
    return key
