"""The head of the log for issuing: the newest anchor, read once a second, and no reason not to issue."""

from base64 import b64encode
from hashlib import sha256

import pytest

from receipt_service.bootstrap.log_head import FRESH_SECONDS, LogHeadReader
from receipt_service.domain.canonical import base64url
from receipt_service.domain.groups import Group
from receipt_service.domain.log_head import LogHead
from receipt_service.transparency.log_folder import ANCHOR, CHECKPOINT, WITNESSED, LogFolder
from receipt_service.verify.not_before import log_head_of
from tests.support.receipts import LATE_CORRECTION, sample_claims


def root(size):
    return sha256(str(size).encode()).digest()


def note(size):
    signature = b64encode(b"\0" * 68).decode()
    return f"log.example\n{size}\n{b64encode(root(size)).decode()}\n\n— log.example {signature}\n".encode()


class Counting(LogFolder):
    reads = 0

    def read(self, path):
        self.reads += 1
        return super().read(path)


@pytest.fixture
def clock():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    return Clock()


def test_no_log_no_head(tmp_path, clock):
    assert LogHeadReader(LogFolder(tmp_path / "none"), clock=clock)() is None


def test_the_newest_anchor_counts_and_nothing_newer(tmp_path, clock):
    folder = LogFolder(tmp_path)
    head = LogHeadReader(folder, clock=clock)
    folder.write_checkpoint(CHECKPOINT, note(12))
    folder.write_checkpoint(WITNESSED, note(11))
    assert head() is None, "their signatures are kept nowhere"
    folder.write_checkpoint(ANCHOR, note(7))
    assert head() is None, "not yet a second"
    clock.now += FRESH_SECONDS
    assert head() == LogHead(7, base64url(root(7)))
    folder.write_checkpoint(ANCHOR, note(9))
    clock.now += FRESH_SECONDS
    assert head() == LogHead(9, base64url(root(9)))


def test_the_folder_is_read_once_a_second_however_many_receipts_there_are(tmp_path, clock):
    LogFolder(tmp_path).write_checkpoint(ANCHOR, note(7))
    folder = Counting(tmp_path)
    head = LogHeadReader(folder, clock=clock)
    for _ in range(500):
        assert head().size == 7
    assert folder.reads == 1


@pytest.mark.parametrize("content", [b"", b"nonsense", note(0)])
def test_a_checkpoint_that_says_nothing_stops_nobody(tmp_path, clock, content):
    folder = LogFolder(tmp_path)
    head = LogHeadReader(folder, clock=clock)
    folder.write_checkpoint(ANCHOR, content)
    assert head() is None


def test_an_empty_or_broken_file_leaves_the_head_that_was_known(tmp_path, clock):
    folder = LogFolder(tmp_path)
    head = LogHeadReader(folder, clock=clock)
    folder.write_checkpoint(ANCHOR, note(4))
    assert head().size == 4
    folder.write_checkpoint(ANCHOR, b"broken")
    clock.now += FRESH_SECONDS
    assert head().size == 4


def test_a_receipt_names_a_tree_where_it_shows_one():
    assert log_head_of(sample_claims(moment=LATE_CORRECTION)) == LATE_CORRECTION.log
    assert log_head_of(sample_claims()) is None
    assert log_head_of({Group.OFFICER: {}}) is None
