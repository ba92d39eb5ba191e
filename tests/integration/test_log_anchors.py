"""Anchors: which checkpoints are kept, and the file by which receipts come to name one."""

import asyncio
from datetime import UTC, datetime, timedelta
from errno import ENOSPC

import pytest

from receipt_service.bootstrap.log_shelf import LogShelf
from receipt_service.storage import log_anchors
from receipt_service.storage.engine import reading
from receipt_service.transparency.anchors import AnchorKeeper
from receipt_service.transparency.log_folder import ANCHOR, LogFolder
from receipt_service.transparency.proving import Proofs
from tests.support.small_log import SmallLog, leaves


def test_an_anchor_is_kept_every_ten_minutes_and_published(engine, tmp_path):
    now, folder = [datetime(2026, 11, 24, 12, tzinfo=UTC)], LogFolder(tmp_path)
    keeper = AnchorKeeper(engine, folder, clock=lambda: now[0])

    def keep(size, minutes, keeper=keeper):
        now[0] += timedelta(minutes=minutes)
        return keeper.keep(size, f"note {size}".encode())

    assert keep(5, 0)
    assert not keep(6, 9)
    assert folder.read(ANCHOR) == b"note 5"
    restarted = AnchorKeeper(engine, folder, clock=lambda: now[0])
    assert not keep(6, 0.5, restarted)
    assert keep(7, 0.5)
    assert not keep(7, 20)  # the log has not grown
    assert keep(8, 0)
    with reading(engine) as connection:
        assert log_anchors.newest(connection) == log_anchors.Anchor(8, now[0], "note 8")
        assert log_anchors.first_over(connection, 5).size == 7
        assert log_anchors.last_up_to(connection, 4) is None
        assert [log_anchors.last_up_to(connection, at).size for at in (5, 6, 7, 99)] == [5, 5, 7, 8]
    assert folder.read(ANCHOR) == b"note 8"


class Full(LogFolder):
    """A folder on a disk that is full."""

    def replace_checkpoint(self, *_):
        raise OSError(ENOSPC, "full")


@pytest.mark.parametrize("there", [None, 5, 900])
def test_an_anchor_whose_file_a_crash_has_cut_off_is_published_at_the_next_start(engine, tmp_path, there):
    now, folder = datetime(2026, 11, 24, 12, tzinfo=UTC), LogFolder(tmp_path)
    notes = {size: SmallLog(texts=leaves(size)).note for size in (5, 7)}
    with pytest.raises(OSError, match="full"):
        AnchorKeeper(engine, Full(tmp_path), clock=lambda: now).keep(7, notes[7])
    if there is not None:
        folder.write_checkpoint(ANCHOR, notes[5].replace(b"\n5\n", b"\n%d\n" % there, 1))
    kept = folder.read(ANCHOR)
    restarted = AnchorKeeper(engine, folder, clock=lambda: now + timedelta(minutes=1))
    assert not restarted.keep(8, b"not its time")
    assert folder.read(ANCHOR) == (kept if there == 900 else notes[7]), "it never goes back"


def test_the_newest_anchor_is_served(engine, tmp_path):
    folder = LogFolder(tmp_path)
    shelf = LogShelf(folder, Proofs(engine, folder))
    assert asyncio.run(shelf.file("checkpoint.anchor")) is None
    AnchorKeeper(engine, folder).keep(5, b"note 5")
    assert asyncio.run(shelf.file("checkpoint.anchor")) == b"note 5"
    assert asyncio.run(shelf.file(".checkpoint.anchor.new")) is None
