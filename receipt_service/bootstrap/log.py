"""The log put together: keys, folder and database in; publisher, runner and the rounds of its witnesses out."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from receipt_service.bootstrap.log_keys import LastSignedFile, has_log_keys, load_log_keys
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.parts import LogSettings
from receipt_service.errors import ConfigurationError
from receipt_service.storage import log_queue, log_tree
from receipt_service.storage.engine import is_sqlite, reading
from receipt_service.telemetry import logger
from receipt_service.tlog.checkpoint import parse_checkpoint
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.note import VerifierKey, parse_note
from receipt_service.tlog.policy import NOBODY, KnownLog, Policy, format_policy, parse_policy
from receipt_service.transparency.anchors import AnchorKeeper
from receipt_service.transparency.log_folder import POLICY, WITNESSED, LogFolder
from receipt_service.transparency.publishing import Publisher
from receipt_service.transparency.running import ON_POSTGRESQL, ON_SQLITE, LogPace, LogRunner
from receipt_service.transparency.witnessing import WitnessPace, WitnessRounds


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How the log stands; ``waiting_since`` is when the check was registered that has waited longest."""

    size: int
    published_size: int
    published_at: datetime | None
    witnessed_size: int
    waiting: int
    waiting_since: datetime | None


def log_status(settings: LogSettings, engine: Engine) -> LogStatus:
    """Read how the log stands; counting what waits is a full scan of the queue."""
    witnessed = LogFolder(settings.log).read(WITNESSED)
    with reading(engine) as connection:
        tree = log_tree.read(connection)
        return LogStatus(
            tree.size,
            tree.published_size,
            tree.published_at,
            0 if witnessed is None else parse_checkpoint(parse_note(witnessed).text).size,
            log_queue.length(connection),
            log_queue.waiting_since(connection),
        )


def build_publisher(settings: LogSettings, engine: Engine) -> Publisher:
    """Put the publisher together. Raises ``ConfigurationError`` without the log's keys."""
    signer = load_log_keys(settings.log_keys)
    return Publisher(
        engine,
        LogFolder(settings.log),
        origin=signer.verifiers[0].name,
        sign=signer.sign,
        last=LastSignedFile(settings.log_keys),
    )


@dataclass(frozen=True, slots=True)
class LogThreads:
    """What keeps the log, and what has it witnessed."""

    runner: LogRunner
    rounds: WitnessRounds


def build_log(settings: LogSettings, engine: Engine) -> LogThreads:
    """Put the log's threads together, and publish the policy that the log proposes. Raises ``ConfigurationError``."""
    policy = log_policy(settings.log_policy_file, load_log_keys(settings.log_keys).verifiers)
    folder = LogFolder(settings.log)
    try:
        folder.write_checkpoint(POLICY, format_policy(policy))
    except OSError as error:
        raise ConfigurationError(f"cannot write {settings.log}: {error.strerror}") from error
    timeout = timedelta(seconds=settings.log_witness_timeout_seconds)
    rounds = WitnessRounds(folder, policy, AnchorKeeper(engine, folder).keep, WitnessPace(timeout=timeout))
    pace = LogPace(
        at_once=ON_SQLITE if is_sqlite(engine) else ON_POSTGRESQL,
        pause=timedelta(seconds=settings.log_pause_seconds),
    )
    return LogThreads(LogRunner(engine, build_publisher(settings, engine), pace, published=rounds.published), rounds)


def log_policy(path: Path | None, keys: tuple[VerifierKey, ...]) -> Policy:
    """Read the witnesses of this log and add the log itself. Raises ``ConfigurationError``."""
    logs = tuple(KnownLog(key) for key in keys)
    if path is None:
        return Policy(logs, (), (), NOBODY)
    try:
        given = parse_policy(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except MalformedLogText as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if given.logs:
        raise ConfigurationError(f"{path}: names a log; this log's own keys are added by itself")
    return Policy(logs, given.witnesses, given.groups, given.quorum)


@contextmanager
def log_beside(settings: LogSettings, engine: Engine) -> Iterator[None]:
    """Keep the log in a thread while the block runs, if this process has its keys; without them nothing is logged.

    Raises ``ConfigurationError`` for a key that is damaged or that others may read.
    """
    if not has_log_keys(settings.log_keys):
        logger().warning("log.no_keys")
        yield
        return
    log = build_log(settings, engine)
    log.rounds.start()
    log.runner.start()
    try:
        yield
    finally:
        log.runner.stop()
        log.rounds.stop()


def keep_until_stopped(settings: LogSettings) -> None:
    """Keep the log until SIGTERM or SIGINT. Raises ``ConfigurationError`` and ``Unavailable``."""
    with opened_outbox(settings) as engine:
        log = build_log(settings, engine)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: log.runner.stop())
        logger().info("log.started")
        log.rounds.start()
        log.runner.run()
        log.rounds.stop()
        logger().info("log.stopped")
