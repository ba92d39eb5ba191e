"""``make bench``: measures the ladder, prints it, and writes docs/benchmarks.md.

Ratios are the result: the service over a bare rung that ran by turns with it, in the same run. Absolute figures are
the machine's. ``--quick`` is for trying the bench itself; its document is printed and not written.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from tests.bench.answers_scale import measure_answers
from tests.bench.delivering import measure_delivery
from tests.bench.issuing import measure_issuing
from tests.bench.log_auditing import measure_audit
from tests.bench.log_keeping import measure_log
from tests.bench.report import Ladder, document
from tests.bench.steps import measure_steps
from tests.bench.stub_book import measure as measure_stub_book
from tests.bench.tlog_scale import measure_proof
from tests.bench.verifying import measure_cold_start, measure_verifying
from tests.support.databases import running_postgres

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
FULL_SIZES = [10_000, 100_000, 1_000_000]
QUICK_SIZES = [1000, 3000]
FACTS, QUICK_FACTS = 200_000, 20_000
FRANCE = 47_000_000


def _say(text: str) -> None:
    click.echo(text, err=True)


def _measure(*, quick: bool, sizes: list[int], facts: int) -> Ladder:
    rounds, seconds, messages = (2, 1.0, 120) if quick else (5, 3.0, 1200)
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        _say("steps of one receipt")
        steps = measure_steps()
        _say("verification")
        verifying = measure_verifying(5 if quick else 40)
        cold = measure_cold_start(3 if quick else 9)
        _say("issuing over HTTP, by turns with the bare rung")
        issuing = [measure_issuing(each, rounds=rounds, seconds=seconds, say=_say) for each in (None, server)]
        _say("delivery to local servers")
        delivery = [result for each in (None, server) for result in measure_delivery(each, messages=messages, say=_say)]
        _say("the stub-book as it grows")
        growth = []
        for urls in (
            {size: f"sqlite:///{folder / f'stubs-{size}'}.db" for size in sizes},
            {size: server.create(f"bench_stubs_{size}") for size in sizes},
        ):
            for row in measure_stub_book(urls, folder / "replay"):
                _say(f"  {row['database']} {row['stubs']}: {row['issuing_us']} µs, {row['bytes_per_stub']} bytes")
                growth.append(row)
        _say("the transparency log")
        log = measure_log(server, folder, entries=2000 if quick else 100_000, seconds=seconds * 5)
        proof_ms = measure_proof(folder / "tiles", leaves=100_000 if quick else 10_000_000)
        audited = measure_audit(folder / "audited", leaves=2000 if quick else 30_000)
        _say("statistics: a year's rollup, its releases, and answers")
        answering = measure_answers(server, folder, number=facts, asked=10 if quick else 40, seconds=seconds * 2)
    return Ladder(steps, issuing, delivery, verifying, cold, growth, log, proof_ms, audited, answering)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds, not minutes; writes nothing")
    parser.add_argument("--sizes", help="numbers of stubs, smallest first, e.g. 10000,1000000,10000000")
    parser.add_argument("--france", action="store_true", help=f"statistics of {FRANCE:,} checks: an hour more")
    arguments = parser.parse_args()
    default = QUICK_SIZES if arguments.quick else FULL_SIZES
    sizes = [int(size) for size in arguments.sizes.split(",")] if arguments.sizes else default
    facts = FRANCE if arguments.france else QUICK_FACTS if arguments.quick else FACTS
    began = time.monotonic()
    text = document(_measure(quick=arguments.quick, sizes=sizes, facts=facts), seconds=time.monotonic() - began)
    click.echo(text)
    if not arguments.quick:
        DOCUMENT.write_text(text, encoding="utf-8")
        _say(f"written: {DOCUMENT}")


if __name__ == "__main__":
    main()
