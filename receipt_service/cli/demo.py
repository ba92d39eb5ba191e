"""``receipt-service demo``: the whole service at work on this machine, and what people receive from it."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from receipt_service.errors import ConfigurationError

_FOLDER: Final = Path(".var") / "demo"
_EXIT_FAILED: Final = 1


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=_FOLDER,
    show_default=True,
    help="Where everything is kept; an earlier demonstration there is replaced.",
)
@click.option("--serve", is_flag=True, help="Stay, with a page that shows the telephone and the mailbox.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Of the API; else a free one (--serve: 8000 if free).")
@click.option("--stops", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Replay this CSV file.")
@click.option("--limit", type=click.IntRange(min=1), help="With --stops: the first rows only.")
@click.option("--issue-only", is_flag=True, help="With --stops: no delivery.")
@click.option("--seed", type=click.IntRange(min=0), help="With --stops: draws other persons and channels.")
@click.option("--json", "as_json", is_flag=True, help="Write the counts as JSON instead of the story.")
def demo(folder: Path, port: int | None, stops: Path | None, **options: Any) -> None:
    """Show the whole service at work on this machine: nothing leaves it.

    Starts the service, a mail server and a stand-in for the SMS provider; registers checks over HTTP,
    shows what arrives, and verifies it. Exit code 0 only if every receipt arrived and verified and every
    wrong request was refused.

    With --stops it plays stop-and-search records in data.police.uk's format (CSV, also .gz) through the
    same path; docs/stops-mapping.md says how a record becomes a check.
    """
    if stops is None and (options["limit"] or options["issue_only"] or options["seed"] is not None):
        raise click.UsageError("--limit, --issue-only and --seed go with --stops")
    if stops is not None and options["serve"]:
        raise click.UsageError("--serve and --stops exclude each other")
    _require_extra()
    with _terminated_as_interrupted():
        succeeded = _walk(folder, port, options) if stops is None else _replay(folder, port, stops, options)
    sys.exit(0 if succeeded else _EXIT_FAILED)


def _walk(folder: Path, port: int | None, options: dict[str, Any]) -> bool:
    from receipt_service.demo.dashboard import release_made_up_checks  # noqa: PLC0415 - with the extra `demo` only
    from receipt_service.demo.narration import Narrator  # noqa: PLC0415
    from receipt_service.demo.serving import API_PORT, stay, usual_or_free  # noqa: PLC0415
    from receipt_service.demo.stage import open_stage, prepare_nothing  # noqa: PLC0415
    from receipt_service.demo.story import Story  # noqa: PLC0415
    from receipt_service.demo.walkthrough import begin, conclude, walk_through  # noqa: PLC0415

    tell = Narrator((lambda _: None) if options["as_json"] else click.echo)
    if port is None and options["serve"]:
        port = usual_or_free(API_PORT)
    started, now = time.monotonic(), datetime.now(UTC)
    begin(tell, folder)
    prepare = release_made_up_checks if options["serve"] else prepare_nothing
    with open_stage(folder, port=port or 0, prepare=prepare) as stage:
        story = Story(stage, tell)
        asyncio.run(walk_through(story, now))
        conclude(story, time.monotonic() - started)
        if options["as_json"]:
            click.echo(json.dumps(story.summary.to_json(), ensure_ascii=False, indent=2))
        if options["serve"]:
            try:
                stay(stage, tell, now)
            except KeyboardInterrupt:
                click.echo("\n   stopped")
    return story.summary.succeeded


def _replay(folder: Path, port: int | None, stops: Path, options: dict[str, Any]) -> bool:
    from receipt_service.demo.narration import Narrator  # noqa: PLC0415 - with the extra `demo` only
    from receipt_service.demo.stage import open_stage  # noqa: PLC0415
    from receipt_service.demo.stops.records import count_rows  # noqa: PLC0415
    from receipt_service.demo.stops.report import report  # noqa: PLC0415
    from receipt_service.demo.stops.session import SEED, replay_file  # noqa: PLC0415

    limit, delivered = options["limit"], not options["issue_only"]
    rows = count_rows(stops, limit=limit)
    tell = Narrator((lambda _: None) if options["as_json"] else click.echo)
    tell.title(f"receipt-service demo --stops: {rows:,} rows of {stops.name}")
    with (
        open_stage(folder, port=port or 0, processes=("worker", "api"), save_mails=False) as stage,
        click.progressbar(length=rows, label="   rows", file=sys.stderr, width=40, show_pos=True) as bar,
    ):
        if not delivered:
            stage.processes.stop("worker")  # it was needed for the public keys that envelopes are sealed to
        seed = SEED if options["seed"] is None else options["seed"]
        playing = replay_file(stage, stops, limit=limit, delivered=delivered, seed=seed, progress=bar.update)
        tally = asyncio.run(playing)
    report(tally, tell, delivered=delivered)
    succeeded = tally.succeeded(delivered=delivered)
    tell.heading(
        "Every valid row was issued, and what was sent arrived and verified" if succeeded else "NOT as it must be"
    )
    if options["as_json"]:
        click.echo(json.dumps({"succeeded": succeeded, **tally.to_json()}, ensure_ascii=False, indent=2))
    return succeeded


def _require_extra() -> None:
    """Raise ``ConfigurationError`` where the packages of the stand-ins are not installed."""
    try:
        import aiosmtpd  # noqa: F401, PLC0415 - asked for, not used
    except ModuleNotFoundError:
        raise ConfigurationError("the demonstration needs its extra: pip install 'receipt-service[demo]'") from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the demonstration as Ctrl-C does: with its processes stopped."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
