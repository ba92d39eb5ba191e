"""Counting checks that never took place, so that a demonstration has figures to show: refused anywhere else.

They go the way that stubs go from their facts on: aggregated, stored, released by the same command. No stub stands
behind them, so a rebuild of the rollup drops them.
"""

from collections.abc import Iterable
from datetime import datetime

from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.bootstrap.statistics_key import load_record_keys
from receipt_service.config.parts import StatisticsSettings
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.aggregation import Aggregation
from receipt_service.statistics.fact_columns import Codebook, Signed, columns_of
from receipt_service.statistics.facts import Fact
from receipt_service.statistics.moved_units import directory_tree
from receipt_service.statistics.rollup import store
from receipt_service.storage import directory, rollup
from receipt_service.storage.engine import writing


def count_made_up_checks(settings: StatisticsSettings, facts: Iterable[Fact], now: datetime) -> int:
    """Count facts in an empty rollup; return how many there were.

    Raises ``ConfigurationError`` outside the demonstration, without the statistics key, and where something has been
    counted already.
    """
    if not settings.demo:
        raise ConfigurationError("made-up checks are counted in the demonstration alone")
    keys = load_record_keys(settings.statistics_key)
    signed = [Signed(fact, keys.of(f"made-up-{number}"), 1) for number, fact in enumerate(facts)]
    book = Codebook()
    aggregation = Aggregation(book)
    aggregation.add(columns_of(signed, book))
    with opened_outbox(settings) as engine, writing(engine) as connection:
        if rollup.state(connection).folded_at is not None:
            raise ConfigurationError("something has been counted already: made-up checks never go beside real ones")
        tree = directory_tree(connection)
        store(connection, aggregation, tree)
        rollup.save_tree(connection, tree.parents, directory.revision(connection))
        rollup.note_folded(connection, now, keys.fingerprint)
    return len(signed)
