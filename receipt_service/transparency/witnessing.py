"""The log asks its witnesses: always about the newest published checkpoint, beside the publishing.

Publishing does not wait. When enough witnesses have cosigned, ``checkpoint.witnessed`` moves on; until then it stays
where it is, and how far behind it is can be seen by everybody (docs/adr/0025).
"""

import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final

from receipt_service.errors import ConfigurationError
from receipt_service.telemetry import logger
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import Checks, parse_note
from receipt_service.tlog.policy import Policy, quorum_reached
from receipt_service.transparency.gathering import Gathering
from receipt_service.transparency.log_folder import CHECKPOINT, WITNESSED, LogFolder, size_of
from receipt_service.transparency.publishing import Published
from receipt_service.transparency.witness_requests import (
    GRAVE,
    AskedWitness,
    Cosigned,
    NotCosigned,
    WitnessFault,
    WitnessLine,
    witnesses_of,
)
from receipt_service.verify.note_checks import NOTE_CHECKS

TELL_EVERY: Final = timedelta(minutes=1)
_LAST_WORD_SECONDS: Final = 2.0
_NEVER: Final = float("-inf")

KeepAnchor = Callable[[int, bytes], object]
"""Keep a checkpoint of this size as an anchor, if it is time to (``anchors.AnchorKeeper.keep``)."""


@dataclass(frozen=True, slots=True)
class WitnessPace:
    """How long a request may take, and when witnesses are asked again that did not cosign."""

    timeout: timedelta = timedelta(seconds=10)
    again_after: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class WitnessStatus:
    """What is known of one witness."""

    url: str
    names: tuple[str, ...]
    """What the policy calls its keys."""
    cosigned_size: int = 0
    """Size of the last checkpoint that it cosigned; 0 while it has cosigned none since the start."""
    cosigned_at: datetime | None = None
    """When its cosignature came, by our clock."""
    fault: WitnessFault | None = None
    """Why it did not cosign when it was asked last; ``None`` when it did, or was not asked yet."""


@dataclass(frozen=True, slots=True)
class WitnessingStatus:
    """How far the log is witnessed. Without enough witnesses the two sizes drift apart."""

    published_size: int
    witnessed_size: int
    too_few: bool
    """Whether all witnesses were asked about the newest checkpoint in hand, and too few cosigned it."""
    witnesses: tuple[WitnessStatus, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    witness: AskedWitness
    gathering: Gathering
    cosigned: tuple[Cosigned, ...]
    fault: WitnessFault | None


class WitnessRounds:
    """A thread that has published checkpoints cosigned until it is told to stop.

    One request is under way to each witness, in a thread of its own. The checkpoint in hand is the newest when it is
    taken up, and is let go for a newer one once enough have cosigned it or all have answered; so a log that publishes
    twice a second is followed by witnesses that need three, and a dead one delays nothing that the others are enough
    for.
    """

    def __init__(
        self,
        folder: LogFolder,
        policy: Policy,
        keep_anchor: KeepAnchor,
        pace: WitnessPace | None = None,
        *,
        checks: Checks = NOTE_CHECKS,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``folder`` is the publisher's. Raises ``ConfigurationError`` for a quorum that asking can never reach."""
        self._folder, self._policy, self._keep_anchor, self._checks = folder, policy, keep_anchor, checks
        self._pace, self._clock = pace or WitnessPace(), clock
        asked = witnesses_of(policy)
        if not quorum_reached(policy, {name for witness in asked for name in witness.names}):
            raise ConfigurationError("the policy's witnesses that have an address are too few for its quorum")
        timeout, now = self._pace.timeout.total_seconds(), lambda: clock().timestamp()
        context = context or ssl.create_default_context()
        self._lines = {one.url: WitnessLine(one, checks, now, timeout, context) for one in asked}
        self._inbox: SimpleQueue[_Answer | bytes | None] = SimpleQueue()
        """Answers, checkpoints that were published, and ``None`` for the end."""
        self._deadlines: dict[str, float] = {}
        """When to hang up, for each witness that a request is under way to."""
        self._gathering: Gathering | None = None
        self._newest: Gathering | None = None
        self._again_at, self._told_at, self._settled = 0.0, _NEVER, False
        self._lock = threading.Lock()
        self._status = WitnessingStatus(0, 0, too_few=False, witnesses=tuple(_unasked(one) for one in asked))
        self._thread = threading.Thread(target=self.run, name="witnesses", daemon=True)

    def start(self) -> None:
        """Begin in a thread of its own, with the checkpoint that lies in the folder."""
        self._thread.start()

    def stop(self) -> None:
        """End; requests under way are given up."""
        self._inbox.put(None)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def published(self, made: Published) -> None:
        """Take up a checkpoint; for ``LogRunner``, whose thread is not held up."""
        self._inbox.put(made.note)

    def status(self) -> WitnessingStatus:
        """Say how far the log is witnessed; from any thread."""
        with self._lock:
            return self._status

    def run(self) -> None:
        """Have checkpoints cosigned until ``stop``. Whatever fails is told and tried again."""
        self._safely(self._begin)
        while True:
            try:
                message = self._inbox.get(timeout=self._patience())
            except Empty:
                self._safely(self._move_on)
                continue
            if message is None:
                break
            self._safely(partial(self._receive, message))
        self._hang_up_on_all()

    def _hang_up_on_all(self) -> None:
        for url in self._deadlines:
            self._lines[url].hang_up()
        with suppress(Empty):
            while self._deadlines:
                message = self._inbox.get(timeout=_LAST_WORD_SECONDS)
                if isinstance(message, _Answer):
                    del self._deadlines[message.witness.url]
        for url in self._lines.keys() - self._deadlines.keys():
            self._lines[url].close()

    def _safely(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be told and the next checkpoint tried
            logger().error("log.not_witnessed", exc_info=error)

    def _begin(self) -> None:
        witnessed = self._folder.read(WITNESSED)
        if witnessed is not None:
            self._note(witnessed_size=size_of(witnessed))
        newest = self._folder.read(CHECKPOINT)
        if newest is not None:
            self._receive(newest)

    def _receive(self, message: _Answer | bytes) -> None:
        if isinstance(message, _Answer):
            del self._deadlines[message.witness.url]
            self._note_witness(message)
            message.gathering.to_answer.discard(message.witness.url)
            message.gathering.add(message.cosigned)
            if message.cosigned and message.gathering is self._gathering:
                self._write(message.gathering)
        else:
            found = Gathering(message, self._policy, self._checks, self._clock().timestamp())
            if found.checkpoint.size > self.status().published_size:
                self._newest = found
                self._note(published_size=found.checkpoint.size)
        self._move_on()

    def _move_on(self) -> None:
        """Do what can be done now: hang up, settle the checkpoint in hand, take up a newer one, ask."""
        now = monotonic()
        for url, deadline in self._deadlines.items():
            if now >= deadline:
                self._lines[url].hang_up()
        gathering = self._gathering
        if gathering is not None:
            self._settle(gathering)
        if self._newest is not None and (gathering is None or gathering.quorum_reached or not gathering.to_answer):
            gathering = self._gathering = self._newest
            self._newest, self._settled = None, False
            self._turn_to_all(gathering)
            self._write(gathering)
            self._settle(gathering)
        if gathering is None:
            return
        if not gathering.to_answer and not gathering.quorum_reached and now >= self._again_at:
            self._turn_to_all(gathering)
        for url in gathering.to_answer - self._deadlines.keys():
            self._ask(self._lines[url], gathering)

    def _turn_to_all(self, gathering: Gathering) -> None:
        gathering.to_answer = {url for url, line in self._lines.items() if gathering.lacks(line.witness)}
        self._again_at = monotonic() + self._pace.again_after.total_seconds()

    def _settle(self, gathering: Gathering) -> None:
        """Once for each checkpoint that enough have cosigned, when no more will: keep it as an anchor, if it is time.

        And again and again while too few have: tell it.
        """
        if gathering.quorum_reached:
            if not self._settled and (self._newest is not None or not gathering.to_answer):
                self._settled = True
                self._safely(partial(self._keep_anchor, gathering.checkpoint.size, gathering.note))
        elif not gathering.to_answer:
            self._note(too_few=True)
            if monotonic() - self._told_at >= TELL_EVERY.total_seconds():
                self._told_at = monotonic()
                lacking = gathering.count_lacking([line.witness for line in self._lines.values()])
                logger().warning("log.too_few_witnesses", count=lacking)

    def _ask(self, line: WitnessLine, gathering: Gathering) -> None:
        # A request may take two exchanges; a witness that answers drop by drop is hung up on after both's time.
        self._deadlines[line.witness.url] = monotonic() + 2 * self._pace.timeout.total_seconds()

        def ask() -> None:
            cosigned, fault = self._answer_of(line, gathering)
            self._inbox.put(_Answer(line.witness, gathering, cosigned, fault))

        threading.Thread(target=ask, name="witness", daemon=True).start()

    def _answer_of(self, line: WitnessLine, gathering: Gathering) -> tuple[tuple[Cosigned, ...], WitnessFault | None]:
        try:
            return line.ask(gathering.checkpoint, gathering.log_note, self._folder.read_tile), None
        except NotCosigned as error:
            return (), error.fault
        except Exception as error:  # noqa: BLE001 - a thread that ends without an answer would be waited for for ever
            logger().error("log.not_asked", exc_info=error)
            return (), WitnessFault.OURS

    def _write(self, gathering: Gathering) -> None:
        """Publish what was gathered: where enough have cosigned, and never over a newer checkpoint."""
        if not gathering.quorum_reached:
            return
        size, note = gathering.checkpoint.size, gathering.note
        self._folder.replace_checkpoint(WITNESSED, note, lambda there: size_of(there) <= size)
        text = gathering.checkpoint.text
        self._folder.replace_checkpoint(CHECKPOINT, note, lambda there: _text_of(there) == text)
        self._note(witnessed_size=size, too_few=False)

    def _patience(self) -> float:
        """Seconds until something is to be done although nothing came in."""
        times = list(self._deadlines.values())
        gathering = self._gathering
        if gathering is not None and not gathering.to_answer and not gathering.quorum_reached:
            times.append(self._again_at)
        return max(0.05, min(times, default=monotonic() + 60) - monotonic())

    def _note_witness(self, answer: _Answer) -> None:
        with self._lock:
            before = next(one for one in self._status.witnesses if one.url == answer.witness.url)
            after = replace(before, fault=answer.fault)
            if answer.cosigned:
                size = answer.gathering.checkpoint.size
                after = replace(after, cosigned_size=size, cosigned_at=self._clock())
            others = tuple(after if one is before else one for one in self._status.witnesses)
            self._status = replace(self._status, witnesses=others)
        if after.fault is not before.fault:
            _tell(after)

    def _note(
        self, published_size: int | None = None, witnessed_size: int | None = None, *, too_few: bool | None = None
    ) -> None:
        with self._lock:
            old = self._status
            self._status = replace(
                old,
                published_size=max(old.published_size, published_size or 0),
                witnessed_size=max(old.witnessed_size, witnessed_size or 0),
                too_few=old.too_few if too_few is None else too_few,
            )


def _tell(status: WitnessStatus) -> None:
    witness = status.names[0]
    if status.fault is None:
        logger().info("log.witness_cosigns", witness=witness)
    elif status.fault in GRAVE:
        logger().error("log.witness_contradicts", witness=witness, reason=status.fault.value)
    else:
        logger().warning("log.witness_fault", witness=witness, reason=status.fault.value)


def _unasked(witness: AskedWitness) -> WitnessStatus:
    return WitnessStatus(witness.url, witness.names)


def _text_of(note: bytes | None) -> str | None:
    try:
        return None if note is None else parse_note(note).text
    except MalformedLogText:
        return None
