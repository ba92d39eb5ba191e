"""The replay: every row as a check over HTTP, every receipt awaited where it was sent, and verified there.

Rows are read, sent and forgotten one by one; what grows with the file is a set of receipt numbers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson

from receipt_service.delivery.rendering import gsm7
from receipt_service.demo.api_client import Answer, ApiClient
from receipt_service.demo.post import VERIFIED, Arrival, Post
from receipt_service.demo.received import Auditor, link_in, read_link, read_mail, receipt_in_pdf
from receipt_service.demo.stops.mapping import GAPS, MappedStop, Replay, map_stop
from receipt_service.demo.stops.records import FaultyRow, StopRecord
from receipt_service.demo.stops.tally import Tally
from receipt_service.errors import ReceiptServiceError
from receipt_service.verify.verdict import Verdict

_SILENCE_SECONDS: Final = 90.0
"""When nothing has arrived for so long, what is still awaited is lost."""
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, repr=False)
class Text:
    """A text message on the demonstration's phone."""

    to: str
    text: str


@dataclass(slots=True)
class Replayer:
    """Plays rows through a running service."""

    client: ApiClient
    auditor: Auditor
    replay: Replay
    take_texts: Callable[[], Iterator[Text]]
    """Takes the texts that came in since the last call off the phone."""
    take_mails: Callable[[], Iterator[bytes]]
    keep_mail: Callable[[bytes], None] = lambda _: None
    """Keeps a mail that does not bring what it should, to be looked into."""
    delivered: bool = True
    """``False``: no worker runs; issue only."""
    concurrency: int = 24
    progress: Callable[[int], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    _post: Post = field(default_factory=Post)
    _numbers: set[str] = field(default_factory=set)
    _sheets: asyncio.Queue[tuple[MappedStop, dict[str, Any]]] = field(default_factory=asyncio.Queue)
    """Receipts to print: typesetting takes longest, and must not hold up the officers."""
    _issuing: bool = True

    async def run(self, rows: Iterable[StopRecord | FaultyRow]) -> Tally:
        """Play all rows; return when every receipt has arrived, or when no more will."""
        started = time.monotonic()
        beside = [self._receive(), self._print()] if self.delivered else []
        async with asyncio.TaskGroup() as group:
            for task in beside:
                group.create_task(task)
            await _concurrently(self._play, _counted(rows, self.tally), self.concurrency)
            self.tally.issue_seconds = time.monotonic() - started
            self._issuing = False
        for number, channel in self._post.lost():
            self.tally.fail(f"{channel}: never arrived", number)
        for number, channel in self._post.too_many():
            self.tally.fail(f"{channel}: one too many", number)
        self.tally.whole_seconds = time.monotonic() - started
        return self.tally

    async def _play(self, row: StopRecord | FaultyRow) -> None:
        if isinstance(row, FaultyRow):
            self.tally.unreadable[row.fault.value] += 1
        else:
            stop = map_stop(row, self.replay)
            try:
                answer = await self.client.submit(stop.body, stop.idempotency_key, stop.officer.subject)
                self.tally.repeats += answer.repeats
                await self._judge(stop, answer)
            except ReceiptServiceError as problem:
                self.tally.fail(_said(problem), f"line {stop.line}")
        self.progress(1)

    async def _judge(self, stop: MappedStop, answer: Answer) -> None:
        where = f"line {stop.line}"
        if answer.status == HTTPStatus.CREATED:
            if stop.gap is not None:
                self.tally.fail(f"issued although {stop.gap}", where)
                return
            await self._issued(stop, answer)
            return
        rules = _rules(answer)
        pointer = None if stop.gap is None else GAPS[stop.gap][0]
        if pointer is not None and any(rule.startswith(pointer) for rule in rules):
            self.tally.refused[stop.gap.value] += 1  # type: ignore[union-attr]  # a pointer comes from a gap
            self.tally.rules.update(rules)
            return
        self.tally.fail(f"HTTP {answer.status}: {', '.join(rules)}", where)

    async def _issued(self, stop: MappedStop, answer: Answer) -> None:
        created = answer.json
        number = created["receipt_number"]
        if number in self._numbers:
            self.tally.replayed += 1
            if "Idempotency-Replayed" not in answer.headers:
                self.tally.fail("a repeated request that is not called one", f"line {stop.line}")
            return
        self._numbers.add(number)
        self.tally.issued += 1
        self.tally.bases.update(basis["code"] for basis in stop.body["legal_bases"])
        self.tally.outcomes.update(stop.body["outcomes"])
        if self.delivered:
            for channel in stop.body["recipient"]:
                await self._expect(channel, stop, created)

    async def _expect(self, channel: str, stop: MappedStop, created: dict[str, Any]) -> None:
        """Await what the worker sends; look at once at what the officer's own device hands over."""
        number = created["receipt_number"]
        self.tally.expected[channel] += 1
        match channel:
            case "sms" | "email":
                finding = self._post.promise(number, channel, stop.body["recipient"][channel])
                if finding is not None:
                    self._found(channel, finding, number)
            case "on_screen":
                verdict, _ = await self._link_verdict(created["link"])
                self._found(channel, _fault(verdict) or VERIFIED, number)
            case "on_paper":
                self._sheets.put_nowait((stop, created))
            case _:
                verdict = self.auditor.stub(await self._stub(number))
                self._found(channel, _fault(verdict) or VERIFIED, number)

    async def _print(self) -> None:
        """Print one receipt after the other, until there are no more."""
        while self._issuing or not self._sheets.empty():
            try:
                stop, created = self._sheets.get_nowait()
            except asyncio.QueueEmpty:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            try:
                finding = await self._paper(stop, created)
            except ReceiptServiceError as problem:
                finding = _said(problem)
            self._found("on_paper", finding, created["receipt_number"])

    async def _paper(self, stop: MappedStop, created: dict[str, Any]) -> str:
        body = {"receipt": created["receipt"], "link": created["link"]}
        answer = await self.client.request(
            "POST",
            "/v1/receipts/pdf",
            officer=stop.officer.subject,
            content=orjson.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        if answer.status != HTTPStatus.OK:
            return f"no PDF: HTTP {answer.status}"
        compact = await asyncio.to_thread(receipt_in_pdf, answer.content)
        return _fault(self.auditor.receipt(compact)) or VERIFIED

    async def _receive(self) -> None:
        """Take in texts and mails until everything promised has come, or nothing comes any more."""
        last = time.monotonic()
        while True:
            texts, mails = list(self.take_texts()), list(self.take_mails())
            if texts or mails:
                last = time.monotonic()
                await _concurrently(self._text, texts, self.concurrency)
                for mail in mails:
                    self._arrived(await asyncio.to_thread(self._mail, mail))
                continue
            if not self._issuing and (not self._post.awaited or time.monotonic() - last > _SILENCE_SECONDS):
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _text(self, text: Text) -> None:
        count = gsm7.count(text.text)
        self.tally.segments[count.segments] += 1
        self.tally.septets[int(count.units)] += 1
        self.tally.outside_gsm7 += count.encoding != "GSM-7"
        try:
            url = link_in(text.text)
            number = read_link(url).receipt_number
            verdict, _ = await self._link_verdict(url)
        except ReceiptServiceError as problem:
            self.tally.fail(f"sms: {_said(problem)}")
            return
        self._arrived(Arrival(number, "sms", text.to, _fault(verdict)))

    def _mail(self, raw: bytes) -> Arrival:
        """Verify the receipt file of a mail, and that its PDF and its link hold the same receipt."""
        try:
            mail = read_mail(raw)
            verdict = self.auditor.receipt(mail.receipt)
            same = receipt_in_pdf(mail.pdf) == mail.receipt
            number = verdict.receipt_number or ""
            same = same and read_link(link_in(mail.text)).receipt_number == number
        except ReceiptServiceError as problem:
            self.keep_mail(raw)
            return Arrival("", "email", "", _said(problem))
        return Arrival(number, "email", mail.to, _fault(verdict) or (None if same else "PDF or link differ"))

    def _arrived(self, arrival: Arrival) -> None:
        if not arrival.number:
            self.tally.fail(f"{arrival.channel}: {arrival.fault}")
            return
        finding = self._post.arrive(arrival)
        if finding is not None:
            self._found(arrival.channel, finding, arrival.number)

    def _found(self, channel: str, finding: str, number: str) -> None:
        if finding == VERIFIED:
            self.tally.verified[channel] += 1
        else:
            self.tally.fail(f"{channel}: {finding}", number)

    async def _link_verdict(self, url: str) -> tuple[Verdict, str | None]:
        link = read_link(url)
        return self.auditor.link(link, await self._stub(link.receipt_number))

    async def _stub(self, number: str) -> str:
        answer = await self.client.request("GET", f"/v1/stubs/{number}")
        return str(answer.json["stub"])


def _said(problem: ReceiptServiceError) -> str:
    """Give a problem's kind and words; no message of ours holds a value."""
    return f"{type(problem).__name__}: {problem}"


def _fault(verdict: Verdict) -> str | None:
    return None if verdict.passed else ", ".join(reason.value for reason in verdict.reasons)


def _rules(answer: Answer) -> list[str]:
    """Give what a problem says: ``pointer rule`` for each violation, or its type."""
    try:
        problem = answer.json
    except orjson.JSONDecodeError:
        return ["no problem document"]
    errors = problem.get("errors", [])
    return [f"{error['pointer']} {error['rule']}" for error in errors] or [str(problem.get("type"))]


def _counted(rows: Iterable[StopRecord | FaultyRow], tally: Tally) -> Iterator[StopRecord | FaultyRow]:
    for row in rows:
        tally.rows += 1
        yield row


async def _concurrently(do: Callable[[Any], Awaitable[None]], items: Iterable[Any], most: int) -> None:
    """Do something with each item, several at a time, taking items only as fast as they are done."""
    source = iter(items)

    async def worker() -> None:
        for item in source:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(most):
            group.create_task(worker())
