"""What is sequenced is published as tiles under a signed checkpoint, and nothing else ever is."""

import shutil
import threading

import pytest
from sqlalchemy import text

from receipt_service.bootstrap.log import build_log, log_beside, log_status
from receipt_service.bootstrap.log_proofs import proofs_in
from receipt_service.config.loading import load
from receipt_service.config.parts import LogSettings
from receipt_service.errors import NotFound, Unavailable
from receipt_service.storage import log_anchors, log_tree
from receipt_service.storage.engine import reading, writing
from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.proof import parse_proof
from receipt_service.tlog.tiles import Tile
from receipt_service.tlog.trust import check_logged
from receipt_service.transparency.log_folder import CHECKPOINT, POLICY, LogFolder, TileDiffers, size_of
from receipt_service.transparency.proving import Proofs
from receipt_service.transparency.publishing import LogDamaged
from receipt_service.transparency.sequencing import sequence
from tests.support.logs import CHECKS, NOW, ORIGIN, open_log, register


def grow(log, *counts):
    """Register, sequence and publish in so many steps; return all leaves."""
    leaves = []
    for count in counts:
        leaves += register(log.engine, count)
        sequence(log.engine, 10_000)
        log.publish()
    return leaves


def files_of(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def unlock(engine, table):
    """What an attacker with the database does first."""
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
            for name in connection.execute(text(query), {"table": table}).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def test_an_empty_log_publishes_nothing(kept_log):
    assert kept_log.publish() is None
    assert kept_log.folder.read(CHECKPOINT) is None


def test_what_is_published_is_what_was_registered(kept_log):
    leaves = grow(kept_log, 1, 2, 253, 256, 300, 1)

    assert sorted(kept_log.entries()) == sorted(leaves)
    assert kept_log.checkpoint().checkpoint.size == 813
    with reading(kept_log.engine) as connection:
        tree = log_tree.read(connection)
    assert (tree.size, tree.published_size, tree.published_at) == (813, 813, NOW)
    assert kept_log.publish() is None


def test_partial_tiles_go_once_the_full_one_is_there(kept_log):
    grow(kept_log, 100, 100, 56)
    assert sorted(str(path) for path in files_of(kept_log.root)) == [
        "checkpoint",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/entries/000",
    ]


def test_every_leaf_has_a_proof_that_needs_nobody(kept_log):
    leaves = grow(kept_log, 3, 300, 5)
    proofs = Proofs(kept_log.engine, kept_log.folder)
    for leaf in leaves:
        hashed = leaf_hash(leaf.encode())
        checked = check_logged(hashed, parse_proof(proofs.of_leaf(hashed)), kept_log.policy, CHECKS)
        assert checked.checkpoint.size == 308
        assert checked.checkpoint.origin == ORIGIN


def test_an_entry_that_is_not_published_has_no_proof(kept_log):
    grow(kept_log, 2)
    [late] = register(kept_log.engine, 1)
    proofs = Proofs(kept_log.engine, kept_log.folder)
    with pytest.raises(NotFound):
        proofs.of_leaf(leaf_hash(late.encode()))
    sequence(kept_log.engine, 10)
    with pytest.raises(NotFound):
        proofs.of_leaf(leaf_hash(late.encode()))
    kept_log.publish()
    assert proofs.of_leaf(leaf_hash(late.encode()))
    with pytest.raises(NotFound):
        proofs.of_leaf(bytes(32))


def test_a_proof_leads_to_the_first_checkpoint_that_was_kept(kept_log):
    leaves = grow(kept_log, 10, 300)
    for size, count in ((310, 40), (350, 200)):
        with writing(kept_log.engine) as connection:
            note = kept_log.folder.read(CHECKPOINT).decode()
            log_anchors.keep(connection, size=size, note=note, now=NOW)
        leaves += grow(kept_log, count)

    proofs = Proofs(kept_log.engine, kept_log.folder)
    sizes, befores = [], []
    for leaf in leaves:
        hashed = leaf_hash(leaf.encode())
        proof = parse_proof(proofs.of_leaf(hashed))
        sizes.append(check_logged(hashed, proof, kept_log.policy, CHECKS).checkpoint.size)
        befores.append(size_of(proof.extra))
    assert sizes == [310] * 310 + [350] * 40 + [550] * 200
    assert befores == [-1] * 310 + [310] * 40 + [350] * 200, "and carries the last one without the entry"


def test_a_stub_altered_before_publication_is_not_signed_for(kept_log):
    grow(kept_log, 5)
    register(kept_log.engine, 3)
    sequence(kept_log.engine, 10)
    before = kept_log.folder.read(CHECKPOINT)
    unlock(kept_log.engine, "stub")
    with writing(kept_log.engine) as connection:
        connection.execute(text("UPDATE stub SET digests = 'x' WHERE id = (SELECT max(id) FROM stub)"))

    with pytest.raises(LogDamaged, match="is not what was sequenced"):
        kept_log.publish()
    assert kept_log.folder.read(CHECKPOINT) == before


def test_a_stub_deleted_before_publication_is_missed(kept_log):
    register(kept_log.engine, 3)
    sequence(kept_log.engine, 10)
    with kept_log.engine.connect() as connection:
        if kept_log.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("DROP TRIGGER stub_is_kept")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql("DELETE FROM stub WHERE id = (SELECT max(id) FROM stub)")
        connection.commit()
        connection.invalidate()

    with pytest.raises(LogDamaged, match="is gone from the book"):
        kept_log.publish()
    assert kept_log.folder.read(CHECKPOINT) is None


def test_places_swapped_after_sequencing_are_not_signed_for(kept_log):
    register(kept_log.engine, 3)
    sequence(kept_log.engine, 10)
    unlock(kept_log.engine, "log_entry")
    with writing(kept_log.engine) as connection:
        move = text("UPDATE log_entry SET entry_index = :new WHERE entry_index = :old")
        for old, new in ((0, 9), (1, 0), (9, 1)):
            connection.execute(move, {"old": old, "new": new})
    with pytest.raises(LogDamaged, match="another root"):
        kept_log.publish()


def test_a_database_put_back_from_a_copy_cannot_make_the_log_sign_two_histories(kept_log, tmp_path):
    grow(kept_log, 20)
    last = kept_log.publisher()._last
    signed = last.read()

    last.write(Checkpoint(ORIGIN, 21, signed.root))
    register(kept_log.engine, 1)
    sequence(kept_log.engine, 10)
    with pytest.raises(LogDamaged, match="does not begin with the one that was signed last"):
        kept_log.publish()

    last.write(Checkpoint(ORIGIN, 50, signed.root))
    with pytest.raises(LogDamaged, match="a tree of 50 entries is signed"):
        kept_log.publish()

    last.write(Checkpoint("another.example/log", 20, signed.root))
    with pytest.raises(LogDamaged, match="another log's"):
        kept_log.publish()

    last.write(signed)
    assert kept_log.publish().size == 21


def test_a_tile_that_would_have_to_change_is_refused(kept_log):
    grow(kept_log, 256)
    (kept_log.root / "tile/0/000").write_bytes(bytes(8192))
    with pytest.raises(TileDiffers, match="tile/0/000"):
        list(kept_log.publisher().rebuild())


def test_a_lost_folder_is_written_anew_to_the_byte(kept_log):
    leaves = grow(kept_log, 700)
    with writing(kept_log.engine) as connection:
        log_anchors.keep(connection, size=700, note=kept_log.folder.read(CHECKPOINT).decode(), now=NOW)
    leaves += grow(kept_log, 20)
    before = files_of(kept_log.root)
    shutil.rmtree(kept_log.root)
    assert list(kept_log.publisher().rebuild())[-1] == 720
    after = files_of(kept_log.root)
    assert {str(path) for path in before.keys() - after.keys()} == {
        CHECKPOINT,
        "tile/0/002.p/188",
        "tile/entries/002.p/188",
    }
    assert all(before[path] == content for path, content in after.items())

    proofs = Proofs(kept_log.engine, kept_log.folder)
    hashed = leaf_hash(leaves[0].encode())
    proof = parse_proof(proofs.of_leaf(hashed))
    assert check_logged(hashed, proof, kept_log.policy, CHECKS).checkpoint.size == 700
    leaves += grow(kept_log, 1)
    assert sorted(kept_log.entries()) == sorted(leaves)


def test_one_publishes_at_a_time(kept_log):
    register(kept_log.engine, 1)
    sequence(kept_log.engine, 10)
    with kept_log.publisher()._last.held(), pytest.raises(Unavailable, match="another process"):
        kept_log.publish()
    assert kept_log.publish().size == 1


def test_keys_of_a_log_are_made_once_and_lie_closed(kept_log):
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in kept_log.keys.iterdir()} == {
        "ed25519.seed": "0o600",
        "ml-dsa-44.seed": "0o600",
        "origin": "0o600",
    }
    again = open_log(kept_log.engine, kept_log.keys.parent)
    assert again.signer.verifiers == kept_log.signer.verifiers


def settings_of(log, url):
    return load(LogSettings, database_url=url, log_keys_folder=log.keys, log_folder=log.root, log_pause_seconds=0.05)


def test_the_thread_keeps_the_log_until_it_is_stopped(kept_log, database_url):
    settings = settings_of(kept_log, database_url)
    leaves = register(kept_log.engine, 30)
    with log_beside(settings, kept_log.engine):
        wait_for(lambda: log_status(settings, kept_log.engine).published_size == 30)
        leaves += register(kept_log.engine, 300)
        wait_for(lambda: log_status(settings, kept_log.engine).published_size == 330)

    assert sorted(kept_log.entries()) == sorted(leaves)
    assert b"quorum none" in kept_log.folder.read(POLICY)
    status = log_status(settings, kept_log.engine)
    assert (status.size, status.waiting) == (330, 0)


def test_of_two_would_be_sequencers_one_keeps_the_log_and_the_other_takes_over(kept_log, database_url):
    settings = settings_of(kept_log, database_url)
    first, second = (build_log(settings, kept_log.engine).runner for _ in range(2))
    leaves = []
    first.start()
    second.start()
    for _ in range(10):
        leaves += register(kept_log.engine, 11)
        threading.Event().wait(0.03)
    first.stop()
    leaves += register(kept_log.engine, 11)
    wait_for(lambda: log_status(settings, kept_log.engine).published_size == 121)
    second.stop()
    assert sorted(kept_log.entries()) == sorted(leaves)


def wait_for(condition):
    for _ in range(400):
        if condition():
            return
        threading.Event().wait(0.05)
    pytest.fail("it did not come to that within 20 s")


def test_a_folder_reads_a_full_tile_where_a_partial_one_was(kept_log):
    grow(kept_log, 100)
    before = kept_log.folder.read_tile(Tile(0, 0, 100))
    grow(kept_log, 200)
    assert kept_log.folder.read_tile(Tile(0, 0, 100))[:3200] == before
    with pytest.raises(Unavailable, match="tile/2/000"):
        LogFolder(kept_log.root).read_tile(Tile(2, 0, 1))


def test_a_mail_gets_its_proof_once_the_leaf_is_published(kept_log):
    [leaf] = register(kept_log.engine, 1)
    proof_of = proofs_in(kept_log.root, kept_log.engine)
    assert proof_of(leaf) is None
    sequence(kept_log.engine, 10)
    assert proof_of(leaf) is None
    kept_log.publish()
    hashed = leaf_hash(leaf.encode())
    assert check_logged(hashed, parse_proof(proof_of(leaf)), kept_log.policy, CHECKS).checkpoint.size == 1
    assert proof_of("another.leaf.here") is None
