"""Each committed check gets one place in the log, and keeps it."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from receipt_service.domain.log_entry import EntryKind
from receipt_service.storage import log_anchors, log_entries, log_queue, log_tree
from receipt_service.storage.engine import reading, writing
from receipt_service.tlog.merkle import leaf_hash, root_hash
from receipt_service.transparency.sequencing import has_work, sequence
from tests.support.issuances import an_issuance, store
from tests.support.logs import NOW, register


def tree_of(engine):
    with reading(engine) as connection:
        return log_tree.read(connection)


def texts_of(engine):
    with reading(engine) as connection:
        return [entry.text for entry in log_entries.between(connection, 0, 10_000)]


def test_nothing_waits_in_a_new_database(engine):
    assert not has_work(engine)
    assert sequence(engine, 100) == 0
    assert tree_of(engine).size == 0
    assert tree_of(engine).root == root_hash([])


def test_every_check_gets_one_place_and_the_tree_is_over_their_leaves(engine):
    leaves = register(engine, 40)
    assert has_work(engine)
    taken = [sequence(engine, 15) for _ in range(4)]

    assert taken == [15, 15, 10, 0]
    assert sorted(texts_of(engine)) == sorted(leaves)
    tree = tree_of(engine)
    assert tree.size == 40
    assert tree.root == root_hash([leaf_hash(text.encode()) for text in texts_of(engine)])
    assert tree.published_size == 0


def test_places_within_a_batch_follow_the_hashes_and_not_the_time(engine):
    leaves = register(engine, 50)
    sequence(engine, 50)

    hashes = [leaf_hash(text.encode()) for text in texts_of(engine)]
    assert hashes == sorted(hashes)
    assert texts_of(engine) != leaves


def test_a_record_gets_its_place_with_its_own_characters(engine):
    register(engine, 2)
    with writing(engine) as connection:
        log_queue.ask(connection, EntryKind.KEY_CHANGE, "a.signed.record")
    sequence(engine, 10)

    with reading(engine) as connection:
        kinds = {entry.kind: entry for entry in log_entries.between(connection, 0, 3)}
        [place] = log_entries.places(connection, leaf_hash(b"a.signed.record"))
    assert kinds[EntryKind.KEY_CHANGE].text == "a.signed.record"
    assert kinds[EntryKind.KEY_CHANGE].stub_id is None
    assert kinds[EntryKind.KEY_CHANGE].index == place


def test_an_entry_that_was_rolled_back_gets_no_place(engine):
    with engine.connect() as connection:
        log_queue.ask(connection, EntryKind.KEY_CHANGE, "never.was.made")
        connection.rollback()
    assert not has_work(engine)


def test_many_sequencers_give_each_check_one_place(engine):
    leaves = register(engine, 300)
    done: list[int] = []

    def work():
        done.extend(sequence(engine, 7) for _ in range(30))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    register(engine, 1)
    for thread in threads:
        thread.join()
    while sequence(engine, 100):
        pass

    assert sum(done) >= 300
    assert len(texts_of(engine)) == 301
    assert set(leaves) < set(texts_of(engine))
    assert tree_of(engine).root == root_hash([leaf_hash(text.encode()) for text in texts_of(engine)])


def test_how_long_the_oldest_waits_is_known(engine):
    issuance = an_issuance()
    store(engine, issuance)
    register(engine, 3)
    with reading(engine) as connection:
        assert log_queue.length(connection) == 4
        assert log_queue.waiting_since(connection) == issuance.committed_at


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE log_entry SET leaf_key = 1 WHERE entry_index = 0", "never changed"),
        ("DELETE FROM log_entry WHERE entry_index = 1", "never deleted"),
        (
            "INSERT INTO log_entry (entry_index, leaf_key, kind, stub_id) VALUES (1, 7, 1, 7)",
            "at its end|log_entry_pkey",
        ),
        ("UPDATE log_tree SET size = 2", "never cut"),
        ("UPDATE log_tree SET size = 9", "as many entries"),
        ("UPDATE log_tree SET root = edge", "never cut or written anew"),
        ("UPDATE log_tree SET published_size = 4", "ck_log_tree_sizes"),
        ("DELETE FROM log_tree", "never deleted"),
        (
            "INSERT INTO log_tree (id, size, root, edge, published_size) SELECT 2, 0, root, edge, 0 FROM log_tree",
            "single",
        ),
        ("INSERT INTO log_queue (kind, stub_id, record) VALUES (1, 3, 'x')", "ck_log_queue"),
        ("INSERT INTO log_queue (kind, record) VALUES (1, 'x')", "ck_log_queue_kind"),
        ("INSERT INTO log_entry (entry_index, leaf_key, kind, record) VALUES (3, 7, 1, 'x')", "ck_log_entry_kind"),
    ],
)
def test_the_database_keeps_the_log_as_it_is(engine, statement, words):
    register(engine, 3)
    sequence(engine, 10)
    with pytest.raises(DBAPIError, match=words), writing(engine) as connection:
        connection.execute(text(statement))
    assert tree_of(engine).size == 3


def test_an_anchor_is_kept_as_it_is(engine):
    with writing(engine) as connection:
        log_anchors.keep(connection, size=5, note="x", now=NOW)
    for statement in ("UPDATE log_anchor SET note = 'y'", "DELETE FROM log_anchor"):
        with pytest.raises(DBAPIError, match="a checkpoint that is kept"), writing(engine) as connection:
            connection.execute(text(statement))
