"""The epoch keys: made ahead, private to the worker, mended after a crash, destroyed and nowhere to be found."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from receipt_service.delivery.operations import replay_all
from receipt_service.delivery.worker.epochs import EpochKeys, KeyDestroyed, KeyMissing
from receipt_service.delivery.worker.shredding import Shredder
from receipt_service.domain import epoch as epochs
from receipt_service.domain.message import MessageState, Transient
from receipt_service.domain.recipient import Channel
from receipt_service.errors import ConfigurationError
from tests.support.deliveries import NOON, Crash, OutboxUnderTest

EPOCH = "2026-11-23T12Z"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "private", tmp_path / "public"


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_keys_are_made_for_the_day_ahead_with_the_right_modes(folders: tuple[Path, Path]):
    private, public = folders
    made = EpochKeys(*folders).prepare(NOON)

    assert made == len(list(private.iterdir())) == len(list(public.iterdir())) == 27
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in private.iterdir()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in public.iterdir()} == {0o644}


def test_public_half_belongs_to_the_private_one(folders: tuple[Path, Path]):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)

    public = (folders[1] / epochs.public_name(EPOCH)).read_bytes()
    assert keys.private_key(EPOCH).public_key().public_bytes_raw() == public


def test_preparing_again_changes_nothing_and_other_workers_agree(folders: tuple[Path, Path]):
    EpochKeys(*folders).prepare(NOON)
    before = [everything_in(folder) for folder in folders]

    assert EpochKeys(*folders).prepare(NOON) == 0
    assert [everything_in(folder) for folder in folders] == before


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_modes_do_not_depend_on_the_umask(folders: tuple[Path, Path], umask: int):
    before = os.umask(umask)
    try:
        EpochKeys(*folders).prepare(NOON)
    finally:
        os.umask(before)

    assert {stat.S_IMODE(path.stat().st_mode) for path in folders[0].iterdir()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders[1].iterdir()} == {0o644}


def test_folder_that_others_may_enter_stops_the_start(folders: tuple[Path, Path]):
    folders[0].mkdir(mode=0o755)

    with pytest.raises(ConfigurationError, match="chmod 700"):
        EpochKeys(*folders)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"stale")])
def test_lost_or_stale_public_half_is_made_anew_from_the_private_one(folders: tuple[Path, Path], damage):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)
    path = folders[1] / epochs.public_name(EPOCH)
    before = path.read_bytes()
    damage(path)

    EpochKeys(*folders).prepare(NOON)

    assert path.read_bytes() == before


@pytest.mark.parametrize("point", ["epoch_key_written", "epoch_published"])
def test_crash_while_making_keys_is_mended_by_the_next_run(folders: tuple[Path, Path], point: str):
    def after(reached: str) -> None:
        if reached == point:
            raise Crash

    with pytest.raises(Crash):
        EpochKeys(*folders, after=after).prepare(NOON)
    EpochKeys(*folders).prepare(NOON)

    assert sorted(path.stem for path in folders[0].iterdir()) == sorted(path.stem for path in folders[1].iterdir())


def test_destroyed_key_is_nowhere_and_stays_destroyed(folders: tuple[Path, Path]):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)
    secret = (folders[0] / epochs.private_name(EPOCH)).read_bytes()
    keys.private_key(EPOCH)

    keys.destroy(EPOCH)
    keys.destroy(EPOCH)
    keys.prepare(NOON)

    assert secret not in everything_in(folders[0]) + everything_in(folders[1])
    assert not (folders[1] / epochs.public_name(EPOCH)).exists()
    for again in (keys, EpochKeys(*folders)):
        with pytest.raises(KeyDestroyed):
            again.private_key(EPOCH)


@pytest.mark.parametrize("point", ["epoch_condemned", "epoch_overwritten"])
def test_crash_while_destroying_is_finished_by_the_next_run(folders: tuple[Path, Path], point: str):
    EpochKeys(*folders).prepare(NOON)
    secret = (folders[0] / epochs.private_name(EPOCH)).read_bytes()

    def after(reached: str) -> None:
        if reached == point:
            raise Crash

    with pytest.raises(Crash):
        EpochKeys(*folders, after=after).destroy(EPOCH)
    restarted = EpochKeys(*folders)
    with pytest.raises(KeyDestroyed):
        restarted.private_key(EPOCH)
    restarted.prepare(NOON)

    assert not (folders[0] / epochs.private_name(EPOCH)).exists()
    assert secret not in everything_in(folders[0])


def test_overwriting_reaches_every_name_of_the_file(folders: tuple[Path, Path]):
    """A worker killed between linking a new key and removing its temporary name leaves two names of one file."""
    EpochKeys(*folders).prepare(NOON)
    key = folders[0] / epochs.private_name(EPOCH)
    secret = key.read_bytes()
    stray = folders[0] / f".{key.name}.99999.new"
    stray.hardlink_to(key)

    EpochKeys(*folders).destroy(EPOCH)

    assert secret not in everything_in(folders[0])


def test_missing_key_is_told_from_a_destroyed_one(folders: tuple[Path, Path]):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)
    (folders[0] / epochs.private_name(EPOCH)).unlink()

    with pytest.raises(KeyMissing):
        EpochKeys(*folders).private_key(EPOCH)


@pytest.mark.parametrize("name", ["../../etc/passwd", "2026-11-23T14", "", "2026-13-01T00Z", "2026-1-1T1Z"])
def test_name_that_is_no_epoch_opens_nothing(folders: tuple[Path, Path], name: str):
    with pytest.raises(KeyMissing):
        EpochKeys(*folders).private_key(name)


def test_readable_or_damaged_key_is_refused(folders: tuple[Path, Path]):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)
    path = folders[0] / epochs.private_name(EPOCH)
    path.chmod(0o644)
    with pytest.raises(KeyMissing):
        keys.private_key(EPOCH)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(KeyMissing):
        keys.private_key(EPOCH)


def test_public_keys_of_past_hours_are_withdrawn(folders: tuple[Path, Path]):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)
    keys.prepare(NOON + timedelta(hours=1, minutes=9))
    assert (folders[1] / epochs.public_name(EPOCH)).exists()
    keys.prepare(NOON + timedelta(hours=1, minutes=10))

    assert not (folders[1] / epochs.public_name(EPOCH)).exists()
    assert keys.held()[0] == EPOCH


def test_key_lives_while_a_message_needs_it_and_no_longer(post_office: OutboxUnderTest):
    post_office.post()
    post_office.provider.script = [Transient("429", timedelta(hours=3))]
    keys, clock = post_office.keys(), post_office.clock
    shredder = Shredder(post_office.engine, keys, post_office.after)
    post_office.drain()

    clock.move(hours=2)
    shredder.tend_keys(clock.now)
    assert EPOCH in keys.held()
    clock.move(hours=2)
    post_office.drain()

    assert EPOCH not in post_office.keys().held()
    assert not (post_office.private / epochs.private_name(EPOCH)).exists()


def test_key_of_the_running_hour_stays_though_nothing_needs_it(post_office: OutboxUnderTest):
    post_office.post()
    post_office.drain()
    post_office.clock.move(minutes=69)
    post_office.drain()

    assert EPOCH in post_office.keys().held()


def test_no_key_outlives_the_longest_window_even_if_a_message_is_stuck(post_office: OutboxUnderTest):
    message = post_office.post(channel=Channel.EMAIL, to="a@exemple.fr")
    post_office.clock.move(hours=73, minutes=11)
    shredder = Shredder(post_office.engine, post_office.keys(), post_office.after)

    shredder.tend_keys(post_office.clock.now)

    assert EPOCH not in post_office.keys().held()
    assert post_office.state(message) is MessageState.QUEUED  # until the same turn's expiry
    shredder.expire(post_office.clock.now)
    assert post_office.state(message) is MessageState.EXPIRED


def test_message_whose_key_was_destroyed_expires_with_the_reason_and_stops_nothing(post_office: OutboxUnderTest):
    lost, kept = post_office.post(to="+33639980001"), post_office.post(to="+33639980002")
    post_office.keys().destroy(EPOCH)
    post_office.clock.move(hours=1)
    later = post_office.post(to="+33639980003")

    for _ in range(3):
        post_office.drain()

    for message in (lost, kept):
        found = post_office.message(message)
        assert (found.state, found.last_code) == (MessageState.EXPIRED, "key_destroyed")
        assert post_office.envelope_of(message) is None
    assert post_office.state(later) is MessageState.ACCEPTED


def test_message_whose_key_is_missing_waits_for_the_operator_and_can_be_sent_when_it_is_back(
    post_office: OutboxUnderTest,
):
    """A key folder that was not mounted must not cost anyone a receipt."""
    message = post_office.post()
    path = post_office.private / epochs.private_name(EPOCH)
    elsewhere = path.rename(post_office.folder / "elsewhere")
    post_office.clock.move(hours=2)  # so that no new key takes the place of the missing one

    post_office.drain()
    found = post_office.message(message)
    assert (found.state, found.last_code) == (MessageState.DEAD_LETTER, "key_missing")

    elsewhere.rename(path)
    assert replay_all(post_office.engine, now=post_office.clock.now) == 1
    post_office.drain()
    assert post_office.state(message) is MessageState.ACCEPTED


def test_damaged_key_does_not_keep_the_other_hours_from_being_prepared(folders: tuple[Path, Path]):
    keys = EpochKeys(*folders)
    keys.prepare(NOON)
    (folders[0] / epochs.private_name(EPOCH)).write_bytes(b"short")

    EpochKeys(*folders).prepare(NOON + timedelta(minutes=90))

    assert (folders[1] / epochs.public_name("2026-11-24T15Z")).exists()
