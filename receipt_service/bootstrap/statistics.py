"""Statistics put together: the rollup with its key, the folding beside a worker, and what operators' commands need."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Engine

from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.bootstrap.statistics_key import has_statistics_key, load_record_keys
from receipt_service.config.parts import StatisticsSettings
from receipt_service.statistics.facts import FactReader
from receipt_service.statistics.folding import Folding, pace_of
from receipt_service.statistics.rollup import Rollup
from receipt_service.telemetry import logger


def build_rollup(settings: StatisticsSettings, engine: Engine) -> Rollup:
    """Put the rollup together. Raises ``ConfigurationError`` without the statistics key."""
    law = load_law()
    return Rollup(engine, FactReader(law.catalogues, law.territory), load_record_keys(settings.statistics_key))


def build_folding(settings: StatisticsSettings, engine: Engine) -> Folding:
    """Put the folding together. Raises ``ConfigurationError`` without the statistics key."""
    pace = pace_of(engine, timedelta(seconds=settings.statistics_pause_seconds))
    return Folding(build_rollup(settings, engine), pace)


@contextmanager
def folding_beside(settings: StatisticsSettings, engine: Engine) -> Iterator[None]:
    """Fold in a thread while the block runs, if this process has the statistics key; without it nothing is folded.

    Raises ``ConfigurationError`` for a key that is damaged or that others may read.
    """
    if not has_statistics_key(settings.statistics_key):
        logger().warning("statistics.no_key")
        yield
        return
    folding = build_folding(settings, engine)
    folding.start()
    try:
        yield
    finally:
        folding.stop()


@contextmanager
def opened_rollup(settings: StatisticsSettings) -> Iterator[Rollup]:
    """Open the database and the rollup. Raises ``ConfigurationError`` and ``Unavailable``."""
    with opened_outbox(settings) as engine:
        yield build_rollup(settings, engine)


def fold_until_stopped(settings: StatisticsSettings) -> None:
    """Fold until SIGTERM or SIGINT. Raises ``ConfigurationError`` and ``Unavailable``."""
    with opened_outbox(settings) as engine:
        folding = build_folding(settings, engine)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: folding.stop())
        logger().info("statistics_started")
        folding.run()
        logger().info("statistics_stopped")
