"""The head of the log for issuing: read off the published files, at most once a second, whatever issuing does."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from receipt_service.domain.canonical import base64url
from receipt_service.domain.log_head import LogHead
from receipt_service.errors import Unavailable
from receipt_service.telemetry import logger
from receipt_service.tlog.checkpoint import parse_checkpoint
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import parse_note
from receipt_service.transparency.log_folder import ANCHOR, LogFolder

FRESH_SECONDS: Final = 1.0


class LogHeadReader:
    """Gives the newest checkpoint that is kept, an anchor.

    Not the newest witnessed one, whose signatures are kept nowhere: an anchor's are kept for good, so that years
    later they still say when it stood. It is at most ten minutes (``anchors.KEPT_EVERY``) older than that one.

    A file that can't be read changes nothing: an older head is a weaker "not before", and none at all leaves the
    member out. Issuing never fails for it.
    """

    def __init__(self, folder: LogFolder, *, clock: Callable[[], float] = monotonic) -> None:
        """``folder`` need not exist. ``clock`` counts seconds."""
        self._folder, self._clock = folder, clock
        self._read_at = float("-inf")
        self._head: LogHead | None = None
        self._note: bytes | None = None
        self._told = False

    def __call__(self) -> LogHead | None:
        """Return the head, not much more than a second old."""
        now = self._clock()
        if now - self._read_at >= FRESH_SECONDS:
            self._read_at = now
            self._refresh()
        return self._head

    def _refresh(self) -> None:
        try:
            note = self._folder.read(ANCHOR)
            if note is not None and note != self._note:
                self._head = _head_of(note)
                self._note = note
        except (OSError, MalformedLogText, Unavailable) as error:
            if not self._told:
                self._told = True
                logger().warning("log.head_not_read", exc_info=error)


def _head_of(note: bytes) -> LogHead | None:
    checkpoint = parse_checkpoint(parse_note(note).text)
    return LogHead(checkpoint.size, base64url(checkpoint.root)) if checkpoint.size else None
