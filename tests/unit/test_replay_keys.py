"""The replay keys' folder: shared, closed to others, and emptied when its time has come."""

import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest

from receipt_service.bootstrap.replay_keys import ReplayKeyFolder
from receipt_service.errors import ConfigurationError
from receipt_service.issuance.idempotency import period_at, period_start

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = timedelta(hours=72)


def opened(folder, now=NOW, window=WINDOW):
    return ReplayKeyFolder(folder, window=window, now=now)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_begins_with_a_lasting_key_and_one_for_this_and_the_next_hour(tmp_path):
    opened(tmp_path / "replay")
    assert names(tmp_path / "replay") == ["lookup.key", "replay-2026-11-23T14Z.key", "replay-2026-11-23T15Z.key"]
    assert stat.S_IMODE((tmp_path / "replay").stat().st_mode) == 0o700
    for path in (tmp_path / "replay").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_size == 32


def test_processes_share_one_folder(tmp_path):
    made = []
    start = threading.Barrier(8)

    def begin():
        start.wait()
        made.append(opened(tmp_path / "replay"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({each.lookup_key.digest(b"") for each in made}) == 1
    assert len({each.current(NOW).seed("s", "k", "n") for each in made}) == 1
    assert not [name for name in names(tmp_path / "replay") if name.startswith(".")]


def test_every_hour_has_its_own_key_and_an_earlier_one_is_found_again(tmp_path):
    keys = opened(tmp_path / "replay")
    first, second = keys.current(NOW), keys.current(NOW + HOUR)
    assert first.period + 1 == second.period
    assert first.seed("s", "k", "n") != second.seed("s", "k", "n")
    later = opened(tmp_path / "replay", NOW + timedelta(hours=70))
    assert later.of_period(first.period, NOW + timedelta(hours=70)).seed("s", "k", "n") == first.seed("s", "k", "n")
    assert later.of_period(first.period - 5, NOW) is None


def test_a_key_ends_a_window_after_its_hour_on_disk_and_in_memory(tmp_path):
    keys = opened(tmp_path / "replay")
    period = keys.current(NOW).period
    end = period_start(period) + HOUR + WINDOW
    just_before = end - timedelta(microseconds=1)
    assert keys.of_period(period, just_before) is not None
    assert keys.maintain(just_before) == 0
    assert keys.of_period(period, end) is None
    assert keys.maintain(end) == 1
    assert "replay-2026-11-23T14Z.key" not in names(tmp_path / "replay")
    assert period not in keys._keys
    assert keys.maintain(end) == 0


def test_a_key_is_overwritten_before_it_is_removed(tmp_path, monkeypatch):
    keys = opened(tmp_path / "replay")
    path = tmp_path / "replay" / "replay-2026-11-23T14Z.key"
    secret = path.read_bytes()
    witness = tmp_path / "witness"
    witness.hardlink_to(path)
    keys.maintain(NOW + HOUR + WINDOW)
    assert not path.exists()
    assert witness.read_bytes() == bytes(32) != secret


def test_destroying_takes_all_that_is_over_also_from_before_a_long_pause(tmp_path):
    for hours in range(5):
        opened(tmp_path / "replay", NOW + HOUR * hours)
    later = NOW + timedelta(days=30)
    keys = opened(tmp_path / "replay", later)
    assert names(tmp_path / "replay") == ["lookup.key", "replay-2026-12-23T14Z.key", "replay-2026-12-23T15Z.key"]
    assert keys.of_period(period_at(NOW), later) is None


def test_other_files_are_left_alone(tmp_path):
    opened(tmp_path / "replay")
    for name in ("notes.txt", "replay-.key", "replay-2026-13-99T99Z.key", "replay-2020-1-1T1Z.key"):
        (tmp_path / "replay" / name).write_text("x")
    opened(tmp_path / "replay", NOW + timedelta(days=30))
    assert {"notes.txt", "replay-.key", "replay-2020-1-1T1Z.key"} <= set(names(tmp_path / "replay"))


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770])
def test_a_folder_that_others_may_use_is_refused(tmp_path, mode):
    opened(tmp_path / "replay")
    (tmp_path / "replay").chmod(mode)
    with pytest.raises(ConfigurationError):
        opened(tmp_path / "replay")


def test_a_key_that_others_may_read_is_refused(tmp_path):
    opened(tmp_path / "replay")
    (tmp_path / "replay" / "lookup.key").chmod(0o640)
    with pytest.raises(ConfigurationError):
        opened(tmp_path / "replay")


def test_a_damaged_key_is_refused_and_not_replaced(tmp_path):
    opened(tmp_path / "replay")
    (tmp_path / "replay" / "replay-2026-11-23T14Z.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError):
        opened(tmp_path / "replay")
    assert (tmp_path / "replay" / "replay-2026-11-23T14Z.key").read_bytes() == b"short"


def test_a_lost_lookup_key_is_an_operators_matter(tmp_path):
    opened(tmp_path / "replay")
    (tmp_path / "replay" / "lookup.key").unlink()
    with pytest.raises(ConfigurationError):
        opened(tmp_path / "replay")


def test_nothing_shows_a_key(tmp_path):
    keys = opened(tmp_path / "replay")
    secret = (tmp_path / "replay" / "replay-2026-11-23T14Z.key").read_bytes()
    assert repr(keys.current(NOW)) == f"ReplayKey(period={period_at(NOW)})"
    assert secret.hex() not in repr(vars(keys))
