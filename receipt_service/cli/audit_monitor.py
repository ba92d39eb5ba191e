"""``receipt-service audit monitor``: follow a log from outside. No database, no settings."""

import json
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from receipt_service.audit.entries import EntryVerifier
from receipt_service.audit.monitor_memory import FolderMemory
from receipt_service.audit.monitoring import Look, Monitor, Watch, told
from receipt_service.cli import trust
from receipt_service.cli.fetch import fetch
from receipt_service.errors import ConfigurationError, NotFound
from receipt_service.tlog.merkle import BadProof
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import BadSignature
from receipt_service.tlog.policy import Policy, parse_policy
from receipt_service.transparency.log_folder import LogFolder
from receipt_service.verify.note_checks import NOTE_CHECKS

EXIT_ALARM: Final = 1
EXIT_UNREACHABLE: Final = 3
LARGEST_FILE: Final = 256 * (2 + 65_535)
"""Bytes of the largest file that a log has: a full entry bundle of the longest entries."""
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.argument("url")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Mirror and memory.")
@click.option(
    "--policy", "policy_file", type=_FILE, required=True, help="The log's keys and witnesses, from elsewhere."
)
@click.option("--trust-root", type=_FILE, help="Keys that entries are signed with; see `trust fetch`.")
@click.option("--once", is_flag=True, help="Look once and end; the default.")
@click.option("--every", type=click.IntRange(1, 86_400), help="Look again and again, every so many seconds.")
@click.option("--silence-hours", type=click.IntRange(1, 8760), default=24, show_default=True, help="Longest silence.")
@click.option("--compare", type=_FILE, multiple=True, help="A checkpoint that somebody else was shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each look.")
def monitor(  # noqa: PLR0913 - one for each option
    url: str,
    *,
    folder: Path,
    policy_file: Path,
    trust_root: Path | None,
    once: bool,
    every: int | None,
    silence_hours: int,
    compare: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Follow the log at URL (https://HOST/log): every new entry, and that it only grows.

    The folder becomes a mirror that can be served on; contradicting checkpoints are kept in its `evidence` folder.
    Exit code: 0 nothing found, 1 an alarm, 2 wrong usage, 3 the log did not answer.
    """
    if once and every is not None:
        raise click.UsageError("--once or --every, not both")
    watch = Watch(
        _policy(policy_file), NOTE_CHECKS, EntryVerifier(trust.load(trust_root)), timedelta(hours=silence_hours)
    )
    base = url.removesuffix("/")
    following = Monitor(lambda path: _fetched(f"{base}/{path}"), LogFolder(folder), FolderMemory(folder), watch)
    if every is None:
        look = following.look(datetime.now(UTC))
        _tell(look, as_json=as_json)
        alarmed = _compared(following, compare) or bool(look.findings.alarms)
        sys.exit(EXIT_ALARM if alarmed else 0 if look.reachable else EXIT_UNREACHABLE)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    alarms = _compared(following, compare)
    while not stop.is_set():
        look = following.look(datetime.now(UTC))
        _tell(look, as_json=as_json)
        alarms = alarms or bool(look.findings.alarms)
        stop.wait(every)
    sys.exit(EXIT_ALARM if alarms else 0)


def _policy(path: Path) -> Policy:
    try:
        policy = parse_policy(path.read_bytes())
    except (OSError, MalformedLogText) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not policy.logs:
        raise ConfigurationError(f"{path}: names no log")
    return policy


def _fetched(url: str) -> bytes | None:
    try:
        return fetch(url, largest=LARGEST_FILE, accept="*/*")
    except NotFound:
        return None


def _compared(following: Monitor, notes: tuple[Path, ...]) -> bool:
    """Hold others' checkpoints against the mirror; say whether one of them is of another tree."""
    forked = False
    for path in notes:
        try:
            code = following.compare(path.read_bytes())
        except (OSError, BadSignature, BadProof, MalformedLogText) as error:
            raise click.UsageError(f"{path}: {error}") from error
        click.echo(f"{path}: {'of this tree' if code is None else code.value}")
        forked = forked or code is not None
    return forked


def _tell(look: Look, *, as_json: bool) -> None:
    if as_json:
        said = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "size": look.size,
            "new_entries": look.new_entries,
            "witnesses": look.witnesses,
            "reachable": look.reachable,
            "findings": [finding.to_json() for finding in look.findings.told],
        }
        click.echo(json.dumps(said))
        return
    answer = "" if look.reachable else "  the log did not answer"
    click.echo(f"{look.size} entries, {look.new_entries} new, {look.witnesses} witness(es){answer}")
    for line in told(look.findings):
        click.echo(line)
