"""What a log sends a witness, and the size that a witness answers with (C2SP tlog-witness, add-checkpoint)."""

from dataclasses import dataclass
from typing import Final

from receipt_service.tlog.notation import MalformedLogText, base64, read_hash, read_number

PATH: Final = "/add-checkpoint"
"""Below the witness's submission prefix."""

SIZE_TYPE: Final = "text/x.tlog.size"
"""Content type of the answer that says which size the witness has seen last."""

MOST_PROOF_LINES: Final = 63

_OLD: Final = "old "


class MalformedRequest(MalformedLogText):
    """The bytes are not an add-checkpoint request, or not a size, in the one form that we accept."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A checkpoint, and why it is consistent with the one of ``old_size`` that the witness saw last."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes
    """The signed checkpoint, undecided."""


def format_request(request: AddCheckpoint) -> bytes:
    """Write the body of a request."""
    lines = [f"{_OLD}{request.old_size}\n", *(f"{base64(node)}\n" for node in request.proof), "\n"]
    return "".join(lines).encode("ascii") + request.note


def parse_request(body: bytes) -> AddCheckpoint:
    """Read the body of a request; the note in it is not looked at. Raises ``MalformedRequest``."""
    head, blank, note = body.partition(b"\n\n")
    if not blank:
        raise MalformedRequest("no empty line before the checkpoint")
    try:
        first, *nodes = head.decode("ascii").split("\n")
        if not first.startswith(_OLD):
            raise MalformedRequest("the first line is the old size")
        if len(nodes) > MOST_PROOF_LINES:
            raise MalformedRequest(f"more than {MOST_PROOF_LINES} lines of proof")
        return AddCheckpoint(read_number(first.removeprefix(_OLD)), tuple([read_hash(node) for node in nodes]), note)
    except UnicodeDecodeError as error:
        raise MalformedRequest("a line of the request is not ASCII") from error
    except MalformedLogText as error:
        raise MalformedRequest(str(error)) from error


def format_size(size: int) -> bytes:
    """Write the body of the answer that is only a size."""
    return f"{size}\n".encode("ascii")


def parse_size(body: bytes) -> int:
    """Read the body of an answer of type ``SIZE_TYPE``. Raises ``MalformedRequest``."""
    try:
        digits, end, rest = body.decode("ascii").partition("\n")
        if not end or rest:
            raise MalformedRequest("a size is one line")
        return read_number(digits)
    except UnicodeDecodeError as error:
        raise MalformedRequest("a size is ASCII") from error
    except MalformedLogText as error:
        raise MalformedRequest(str(error)) from error
