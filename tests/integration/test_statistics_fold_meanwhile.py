"""What happens while a fold reckons, and what it hands to the database."""

import random

import pytest

from receipt_service.storage import rollup
from receipt_service.storage.engine import open_engine, reading, writing
from tests.support import stub_facts
from tests.support.issuances import NOW, store


def register(engine, seed):
    chance = random.Random(seed)
    store(engine, *(stub_facts.a_stub_by_chance(chance, "N1", NOW) for _ in range(5)))


def test_rows_that_another_process_folded_meanwhile_are_left_to_it_on_sqlite(sqlite_url, monkeypatch):
    engine = open_engine(sqlite_url)
    register(engine, seed=7)
    folding, other = stub_facts.rollup(engine), stub_facts.rollup(engine)
    reckon = folding._added_up

    def reckon_slowly(*given):
        monkeypatch.undo()
        assert other.fold(100).rows == 5
        register(engine, seed=8)  # the queue was empty, so these have the same numbers
        return reckon(*given)

    monkeypatch.setattr(folding, "_added_up", reckon_slowly)
    assert folding.fold(100).rows == 0
    assert folding.fold(100).rows == 5
    with reading(engine) as connection:
        assert sum(cell.n for cell in rollup.all_rows(connection)[0] if cell[1:3] == ("F", "total")) == 10
        found = rollup.all_rows(connection)
    stub_facts.rollup(engine).rebuild()
    with reading(engine) as connection:
        assert rollup.all_rows(connection) == found
    engine.dispose()


def test_a_value_with_a_control_character_is_refused(postgres_url):
    engine = open_engine(postgres_url)
    with pytest.raises(ValueError, match="control"), writing(engine) as connection:
        rollup.add_cells(connection, [rollup.CellRow(202611, "F", "operation", "OP\x1f1", "", 1, 1)])
    engine.dispose()
