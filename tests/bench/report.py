"""The ladder as a document, with each bar beside its figure."""

import os
import platform
import sqlite3
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.bench.delivering import DeliveryResult
from tests.bench.issuing import IssuingResult
from tests.bench.log_keeping import LogResult
from tests.bench.verifying import VerifyingResult

ANSWERING = {
    "alone, each read from the database": "alone",
    "alone, answers kept in memory": "again",
    "each read, while checks are registered and folded": "beside_folding",
}
"""Rows of the table of answers, by what the bench calls them."""
BARRED_MIXES = {"SMS alone", "3 SMS to 1 mail with PDF"}


@dataclass(frozen=True)
class Ladder:
    """Everything that one run measured."""

    steps: dict[str, float]
    issuing: list[IssuingResult]
    delivery: list[DeliveryResult]
    verifying: list[VerifyingResult]
    cold_seconds: float
    growth: list[dict[str, Any]]
    log: list[LogResult]
    proof_ms: float
    """Of one inclusion proof at ten million leaves, the median."""
    audited_per_second: float
    """Entries of a full audit per second of one core."""
    answering: list[dict[str, Any]]


def _bar(what: str, bar: str, measured: str, *, holds: bool) -> str:
    return f"| {what} | {bar} | {measured} | {'held' if holds else '**missed**'} |"


def _bars(ladder: Ladder) -> list[str]:
    rows = [
        _bar(f"issuing, {each.database}", "≥ 60 % of the bare rung", f"{each.ratio:.0%}", holds=each.ratio >= 0.6)
        for each in ladder.issuing
    ]
    rows += [
        _bar(f"delivery, {each.database}, {each.mix}", "≥ 300/s", f"{each.rate:.0f}/s", holds=each.rate >= 300)
        for each in ladder.delivery
        if each.mix in BARRED_MIXES
    ]
    rows += [
        _bar(f"verification, {each.form}", "≥ 50 % of bare ES256", f"{each.ratio:.0%}", holds=each.ratio >= 0.5)
        for each in ladder.verifying
    ]
    cold = ladder.cold_seconds
    rows.append(_bar("`receipt-service verify`, cold", "< 0.5 s", f"{cold:.2f} s", holds=cold < 0.5))
    for database in dict.fromkeys(row["database"] for row in ladder.growth):
        rows += _growth_bars([row for row in ladder.growth if row["database"] == database])
    rows += _log_bars(ladder)
    return rows + [
        _bar(
            f"a question of the statistics, p95, {each['database']}, {each['year']['facts']:,} checks",
            "≤ 100 ms",
            f"{each['beside_folding']['p95_ms']:.1f} ms",
            holds=each["beside_folding"]["p95_ms"] <= 100,
        )
        for each in ladder.answering
    ]


def _log_bars(ladder: Ladder) -> list[str]:
    rows = []
    for each in ladder.log:
        least = 20_000 if each.database == "SQLite" else 10_000
        rate, wait = each.sequenced_per_second, each.p99_seconds
        rows.append(_bar(f"log, sequencing, {each.database}", f"≥ {least:,}/s", f"{rate:,.0f}/s", holds=rate >= least))
        what = f"log, from commit to checkpoint at {each.per_second}/s, p99, {each.database}"
        rows.append(_bar(what, "≤ 1 s", f"{wait:.2f} s", holds=wait <= 1))
    found = ladder.proof_ms
    rate = ladder.audited_per_second
    rows.append(_bar("log, full audit, per core", "≥ 8,000/s", f"{rate:,.0f}/s", holds=rate >= 8000))
    return [*rows, _bar("log, one proof at 10 million leaves, p50", "< 5 ms", f"{found:.2f} ms", holds=found < 5)]


def _log(each: LogResult) -> str:
    rates = f"{each.sequenced_per_second:,.0f} | {each.kept_per_second:,.0f}"
    return f"| {each.database} | {each.entries:,} | {rates} | {each.p50_seconds:.2f} | {each.p99_seconds:.2f} |"


def _growth_bars(sizes: list[dict[str, Any]]) -> list[str]:
    first, last = sizes[0], sizes[-1]
    grown = last["issuing_us"] / first["issuing_us"]
    largest = max(row["bytes_per_stub"] - row["bytes_per_place"] for row in sizes)
    what = f"one receipt at {last['stubs']:,} stubs over {first['stubs']:,}, {last['database']}"
    return [
        _bar(what, "≤ 110 %", f"{grown:.0%}", holds=grown <= 1.1),
        _bar(
            f"bytes per stub with everything but the log, {last['database']}",
            "≤ 2,500",
            f"{largest:,}",
            holds=largest <= 2500,
        ),
    ]


def _issuing(result: IssuingResult) -> list[str]:
    rows = []
    for name, runs in (("bare rung", result.bare), ("service", result.service)):
        rate = statistics.median(run.rate for run in runs)
        half = statistics.median(run.percentile(0.5) for run in runs)
        most = statistics.median(run.percentile(0.99) for run in runs)
        rows.append(f"| {result.database} | {name} | {rate:,.0f} | {half:.1f} | {most:.1f} |")
    return rows


def _verifying(each: VerifyingResult) -> str:
    return f"| {each.form} | {each.bare_us:.0f} | {each.receipt_us:.0f} | {each.ratio:.2f} |"


def _growth(row: dict[str, Any]) -> str:
    place = f"| {row['database']} | {row['stubs']:,} | {row['issuing_us']}"
    parts = f"{row['bytes_per_settled_message']} | {row['bytes_per_place']}"
    return f"{place} | {row['bytes_per_stub']:,} | {parts} |"


def _answering(each: dict[str, Any]) -> list[str]:
    rows = []
    for name, found in ((name, each[when]) for name, when in ANSWERING.items()):
        half, most, worst = found["p50_ms"], found["p95_ms"], found["max_ms"]
        page = max(found["indicators_p95_ms"].values())
        place = f"| {each['database']} | {each['year']['facts']:,} | {name} | {found['questions']}"
        rows.append(f"{place} | {half} | {most} | {worst} | {page} | {_scan(each)} |")
    return rows


def _scan(each: dict[str, Any]) -> str:
    return f"{each['scan']['scan_ms'] * each['year']['facts'] / each['scan']['facts']:,.0f}"


def _releases(each: dict[str, Any]) -> str:
    kinds: list[list[dict[str, Any]]] = [[], [], []]
    for row in each["releases"]:
        kinds[("Q" in row["period"]) + 2 * (len(row["period"]) == 4)].append(row)
    told = " | ".join(f"{max(row['seconds'] for row in kind):.1f} | {kind[-1]['figures']:,}" for kind in kinds)
    rows = f"{each['year']['rows']:,}"
    return f"| {each['database']} | {each['year']['facts']:,} | {rows} | {told} | {each['peak_mib']:,} |"


def document(ladder: Ladder, *, seconds: float) -> str:
    """Write docs/benchmarks.md."""
    machine = (
        f"{datetime.now(UTC):%d %B %Y}; {os.cpu_count()} cores, {platform.system()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version};"
        f" {seconds / 60:.0f} minutes in all; load at the end {os.getloadavg()[1]:.1f}."
    )
    return TEMPLATE.format(
        machine=machine,
        bars="\n".join(_bars(ladder)),
        issuing="\n".join(row for result in ladder.issuing for row in _issuing(result)),
        steps="\n".join(f"| {step} | {cost:.0f} |" for step, cost in ladder.steps.items()),
        delivery="\n".join(f"| {each.database} | {each.mix} | {each.rate:.0f} |" for each in ladder.delivery),
        verifying="\n".join(_verifying(each) for each in ladder.verifying),
        growth="\n".join(_growth(row) for row in ladder.growth),
        log="\n".join(map(_log, ladder.log)),
        proof_ms=ladder.proof_ms,
        audited=ladder.audited_per_second,
        answering="\n".join(row for each in ladder.answering for row in _answering(each)),
        releases="\n".join(_releases(each) for each in ladder.answering),
    )


TEMPLATE = """\
# Benchmarks

Written by `make bench`; not by hand. Ratios are taken by turns in one run and say more than absolute
figures, which are the machine's. How each is measured stands in [tests/bench](../tests/bench).

{machine}

## Bars

| what | bar | measured | |
|---|---|--:|---|
{bars}

## Issuing over HTTP

32 connections, one server process; everything on: validation, token, signature, one sealed SMS,
idempotency, durable commit. The bare rung is FastAPI, the same body, one ES256 signature, and one
durable insert grouped with its neighbours'. The ratio is the median of the rounds' ratios.

| database | server | requests/s | p50 ms | p99 ms |
|---|---|--:|--:|--:|
{issuing}

## Steps of one receipt

In a hot loop, the best of five slices.

| step | µs |
|---|--:|
{steps}

## Delivery

One worker process; the Twilio stand-in and the mail sink run on the same two cores, in a process
each. Every mail carries a PDF made for it. Texts sent before are followed and erased meanwhile.

| database | mix | messages/s |
|---|---|--:|
{delivery}

## Verification

| receipt | bare ES256 µs | whole receipt µs | ratio |
|---|--:|--:|--:|
{verifying}

## The stub-book as it grows

Every legal basis in turn; one SMS each, sealed, sent, delivered, erased at the provider. Bytes per
stub are everything on disk: stub, idempotency record, message, attempt, all indexes, and the room that
envelopes left free for the next ones.

| database | stubs | µs for one more receipt | bytes per stub | of them message and attempt | place in the log |
|---|--:|--:|--:|--:|--:|
{growth}

## The transparency log

Checks that are committed get their place and are published as tiles under a checkpoint with two signatures. First a
queue that is worked off, then a stream beside the runner: seconds from the commit of a check to a checkpoint over it.

| database | entries | places/s | places and publication/s | p50 s | p99 s |
|---|--:|--:|--:|--:|--:|
{log}

One inclusion proof out of the tiles of a log of ten million entries takes {proof_ms:.2f} ms (median).
A full audit looks at {audited:,.0f} entries and their stubs per second of one core: tree, signatures, digests, columns.

## Statistics

A made-up year of checks in the rollup, every month, quarter and the year released, then ten kinds of
question, each asked about areas by chance, and pages of indicators, of some twenty questions each (p95 of the
slowest kind of area). Beside: the same question over one table of raw facts, read as a whole, reckoned to all
checks from a million at most. `make bench ARGS=--france` takes 47 million checks.

| database | checks | questions | asked | p50 ms | p95 ms | slowest ms | indicators ms | full scan ms |
|---|--:|---|--:|--:|--:|--:|--:|--:|
{answering}

How long the slowest release of each kind took, how many figures the last one shows, and the most memory
that the process had, drawing the checks included.

| database | checks | cells of the rollup | month s | figures | quarter s | figures | year s | figures | MiB |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
{releases}

A whole year of France, 47 million checks, on both databases: [the rollup](statistics-rollup.md#at-the-size-of-france).
"""
