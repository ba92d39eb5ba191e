"""One witness asked for its cosignature (C2SP tlog-witness), and nothing that it answers believed unseen.

Plain http is asked as well as https: what is sent is public, and what comes back is a signature that is checked.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from receipt_service.errors import ConfigurationError, ReceiptServiceError
from receipt_service.tlog.add_checkpoint import PATH, SIZE_TYPE, AddCheckpoint, format_request, parse_size
from receipt_service.tlog.checkpoint import Checkpoint, check_signature
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import (
    BadSignature,
    Checks,
    Signature,
    SignedNote,
    VerifierKey,
    known_signatures,
    parse_signatures,
)
from receipt_service.tlog.policy import Policy
from receipt_service.tlog.tiles import ReadTile

FUTURE_SECONDS: Final = 60
"""How far a witness's clock may be ahead of ours. Readers must allow as much, or they would refuse the checkpoint."""

_LONGEST_ANSWER: Final = 1 << 16
_HEADERS: Final = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "receipt-service-log"}


class WitnessFault(StrEnum):
    """Why a witness did not cosign, for operators and events."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"
    """It answered 400, 403 or 404: it does not follow this log, or not by these keys."""
    OTHER_ROOT = "other_root"
    """It has cosigned another tree of this size: the log has signed two, or its files are not its own."""
    INCONSISTENT = "inconsistent"
    """The tree does not continue the one it cosigned last: the same, for another size."""
    AHEAD = "ahead"
    """It has cosigned a larger tree than the newest one here: the log's files or its database went back."""
    OVERTAKEN = "overtaken"
    """Somebody else asked it at the same time; the next round will do."""
    OUT_OF_ORDER = "out_of_order"
    """It answered with another status."""
    MALFORMED = "malformed"
    """It answered with what the protocol does not know."""
    NO_COSIGNATURE = "no_cosignature"
    """It answered without a signature by a key of the policy."""
    BAD_COSIGNATURE = "bad_cosignature"
    """It answered with one that does not hold, or that has no time, or one in the future."""
    OURS = "ours"
    """The proof could not be made here."""


GRAVE: Final = frozenset({WitnessFault.OTHER_ROOT, WitnessFault.INCONSISTENT, WitnessFault.AHEAD})
"""Either the witness is wrong or this log has two histories."""


class NotCosigned(ReceiptServiceError):
    """A witness gave no cosignature that holds."""

    def __init__(self, fault: WitnessFault) -> None:
        """``fault`` says why."""
        super().__init__(f"a witness did not cosign ({fault.value})")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class AskedWitness:
    """A witness with an address. Its keys may be several lines of the policy, one for each type of signature."""

    url: str
    names: tuple[str, ...]
    """What the policy calls its keys, in the order of ``keys``."""
    keys: tuple[VerifierKey, ...]


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness's cosignature by one of its keys, checked."""

    key: VerifierKey
    signature: Signature
    time: int
    """POSIX seconds, by the witness's clock."""


def witnesses_of(policy: Policy) -> tuple[AskedWitness, ...]:
    """List whom to ask: the witnesses of the policy that have an address, those of one address as one.

    Raises ``ConfigurationError`` for an address that is none.
    """
    found: dict[str, AskedWitness] = {}
    for witness in policy.witnesses:
        if witness.url is None:
            continue
        url = witness.url.rstrip("/")
        _check_address(url)
        known = found.get(url, AskedWitness(url, (), ()))
        found[url] = AskedWitness(url, (*known.names, witness.name), (*known.keys, witness.key))
    return tuple(found.values())


def check_cosignatures(
    checkpoint: Checkpoint,
    signatures: tuple[Signature, ...],
    keys: tuple[VerifierKey, ...],
    checks: Checks,
    now: float,
) -> tuple[Cosigned, ...]:
    """Pick the signatures of these keys, one of each, and check them; those of other keys mean nothing.

    ``now`` is in POSIX seconds. Raises ``BadSignature`` when one does not hold, has no time or one in the future.
    """
    found: dict[VerifierKey, Cosigned] = {}
    for key, signature in known_signatures(SignedNote(checkpoint.text, signatures), keys):
        time = check_signature(checkpoint, key, signature, checks)
        if time is None or time > now + FUTURE_SECONDS:
            raise BadSignature("a witness's signature has no time or one in the future")
        found.setdefault(key, Cosigned(key, signature, time))
    return tuple(found.values())


class WitnessLine:
    """A connection to one witness, kept open between requests. One thread asks at a time; any may hang up."""

    def __init__(
        self, witness: AskedWitness, checks: Checks, clock: Callable[[], float], timeout: float, context: ssl.SSLContext
    ) -> None:
        """``clock`` gives POSIX seconds; ``timeout`` is how many seconds each request may take."""
        self.witness = witness
        self._checks, self._clock, self._timeout, self._context = checks, clock, timeout, context
        parts = urlsplit(witness.url)
        self._secure, self._host, self._path = parts.scheme == "https", parts.netloc, parts.path + PATH
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._last_size = 0
        self._hung_up = False

    def ask(self, checkpoint: Checkpoint, note: bytes, read_tile: ReadTile) -> tuple[Cosigned, ...]:
        """Ask for cosignatures on the newest published checkpoint, once more where the witness knows another size.

        Raises ``NotCosigned``, and what ``read_tile`` raises.
        """
        self._hung_up = False
        reader = HashReader(checkpoint.size, read_tile)
        old_size = min(self._last_size, checkpoint.size)
        status, kind, body = self._request(reader, old_size, note)
        if status == HTTPStatus.CONFLICT and kind == SIZE_TYPE:
            old_size = self._size_to_prove_from(body, old_size, checkpoint)
            status, kind, body = self._request(reader, old_size, note)
        if status != HTTPStatus.OK:
            raise NotCosigned(_fault_of(status, old_size, checkpoint.size))
        try:
            signatures = parse_signatures(body.decode())
            cosigned = check_cosignatures(checkpoint, signatures, self.witness.keys, self._checks, self._clock())
        except (UnicodeDecodeError, MalformedLogText) as error:
            raise NotCosigned(WitnessFault.MALFORMED) from error
        except BadSignature as error:
            raise NotCosigned(WitnessFault.BAD_COSIGNATURE) from error
        if not cosigned:
            raise NotCosigned(WitnessFault.NO_COSIGNATURE)
        self._last_size = checkpoint.size
        return cosigned

    def hang_up(self) -> None:
        """End the request that is under way, from any thread; ``ask`` raises ``NotCosigned``."""
        self._hung_up = True
        connection = self._connection
        for open_socket in (self._socket, connection.sock if connection else None):
            if open_socket is not None:
                with suppress(OSError):
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)  # beneath TLS, which is its thread's

    def close(self) -> None:
        """Close the connection, when no request is under way; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
        if self._socket is not None:
            self._socket.close()
        self._connection = self._socket = None

    def _size_to_prove_from(self, body: bytes, asked_from: int, checkpoint: Checkpoint) -> int:
        try:
            size = parse_size(body)
        except MalformedLogText as error:
            raise NotCosigned(WitnessFault.MALFORMED) from error
        if size > checkpoint.size:
            raise NotCosigned(WitnessFault.AHEAD)
        if size == asked_from:
            raise NotCosigned(WitnessFault.OTHER_ROOT if size == checkpoint.size else WitnessFault.MALFORMED)
        self._last_size = size
        return size

    def _request(self, reader: HashReader, old_size: int, note: bytes) -> tuple[int, str, bytes]:
        """Post a request; return status, content type and body. Raises ``NotCosigned``."""
        body = format_request(AddCheckpoint(old_size, reader.consistency_proof(old_size), note))
        deadline = monotonic() + self._timeout
        for reused in (self._connection is not None, False):
            try:
                return self._exchange(body, deadline)
            except TimeoutError as error:
                self.close()
                raise NotCosigned(WitnessFault.TIMED_OUT) from error
            except (OSError, HTTPException, ValueError) as error:
                self.close()
                if self._hung_up:
                    raise NotCosigned(WitnessFault.TIMED_OUT) from error
                # A witness may close a connection that was idle; the request it then did not read is sent anew.
                if not (reused and isinstance(error, ConnectionError | BadStatusLine)):
                    raise NotCosigned(WitnessFault.UNREACHABLE) from error
        raise NotCosigned(WitnessFault.UNREACHABLE)

    def _exchange(self, body: bytes, deadline: float) -> tuple[int, str, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        if self._socket is None:
            connection.connect()
            self._socket = connection.sock
        self._socket.settimeout(_left(deadline))
        connection.request("POST", self._path, body, _HEADERS)
        with connection.getresponse() as response:
            answer = self._read(response, deadline)
            kept = not response.will_close
            status, kind = response.status, response.headers.get_content_type()
        if self._hung_up:
            raise TimeoutError  # what was read until then may look like a whole answer
        if not kept:
            self.close()
        return status, kind, answer

    def _read(self, response: HTTPResponse, deadline: float) -> bytes:
        answer = bytearray()
        while chunk := response.read1(_LONGEST_ANSWER):
            answer += chunk
            if len(answer) > _LONGEST_ANSWER:
                self.close()
                raise NotCosigned(WitnessFault.MALFORMED)
            if self._socket is not None and self._socket.fileno() >= 0:  # closed already after the last byte
                self._socket.settimeout(_left(deadline))
        return bytes(answer)

    def _connect(self) -> HTTPConnection:
        if self._secure:
            return HTTPSConnection(self._host, timeout=self._timeout, context=self._context)
        return HTTPConnection(self._host, timeout=self._timeout)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _fault_of(status: int, old_size: int, size: int) -> WitnessFault:
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        return WitnessFault.REFUSED
    if status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY} and old_size == size:
        return WitnessFault.OTHER_ROOT
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return WitnessFault.INCONSISTENT
    return WitnessFault.OVERTAKEN if status == HTTPStatus.CONFLICT else WitnessFault.OUT_OF_ORDER


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or not url.isascii() or "?" in url or "#" in url or "@" in url:
        raise ConfigurationError("the address of a witness in the policy is not http:// or https:// and a host")
