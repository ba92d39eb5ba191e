"""The monitor over HTTP and by its command: it follows, mirrors, remembers, and tells what does not fit."""

import functools
import json
import shutil
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from receipt_service.audit.findings import Code
from receipt_service.cli.audit import audit
from receipt_service.tlog.tiles import ENTRIES, Tile, read_bundle, tiles_of, write_bundle
from receipt_service.transparency.log_folder import CHECKPOINT, LogFolder
from tests.support.audited_log import OLD_SIGNER, AuditedLog, make_stub, stubs_over_days, trust_root

NOW = datetime.now(UTC)
BEGIN = NOW - timedelta(days=3)


@pytest.fixture
def log(tmp_path, sqlite_url):
    made = AuditedLog(sqlite_url, tmp_path, NOW)  # importing may lie minutes back
    made.register(stubs_over_days(700, 0.9, BEGIN))
    made.publish()
    yield made
    made.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/log"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def grow(log, *stubs):
    log.register(list(stubs))
    log.publish()


def test_it_follows_growth_and_its_mirror_can_be_served_on(log, tmp_path):
    mirror = tmp_path / "mirror"
    assert log.monitor(mirror).look(NOW).new_entries == 700
    grow(log, *stubs_over_days(900, 0.9, BEGIN + timedelta(days=1)))

    look = log.monitor(mirror).look(NOW)

    assert (look.size, look.new_entries, look.findings.counts) == (1600, 900, {})
    for tile in tiles_of(1600):
        assert LogFolder(mirror).read(tile.path) == log.log.read(tile.path)
    second = AuditedLog.monitor(log, tmp_path / "of-the-mirror")
    second.fetch = LogFolder(mirror).read
    assert second.look(NOW).size == 1600


def test_it_takes_up_what_a_crash_left(log, tmp_path):
    mirror = tmp_path / "mirror"
    log.monitor(mirror).look(NOW)
    grow(log, *stubs_over_days(300, 0.9, BEGIN + timedelta(days=1)))
    before = (mirror / CHECKPOINT).read_bytes()
    log.monitor(mirror).look(NOW)
    (mirror / CHECKPOINT).write_bytes(before)  # killed after the tiles, before the checkpoint

    look = log.monitor(mirror).look(NOW)

    assert (look.size, look.new_entries, look.findings.counts) == (1000, 300, {})


def test_an_entry_in_place_of_another_is_found(log, tmp_path):
    path = log.folder / "log" / Tile(ENTRIES, 0).path
    entries = read_bundle(path.read_bytes(), 256)
    path.write_bytes(write_bundle([*entries[:-1], make_stub(BEGIN).leaf.encode()]))

    look = log.monitor(tmp_path / "mirror").look(NOW)

    assert look.findings.counts == {Code.TREE_DIFFERS: 1}
    assert look.size == 0
    assert not (tmp_path / "mirror" / CHECKPOINT).exists()


def test_an_altered_tile_is_found(log, tmp_path):
    path = log.folder / "log" / Tile(0, 1).path
    path.write_bytes(bytes(32) + path.read_bytes()[32:])

    assert log.monitor(tmp_path / "mirror").look(NOW).findings.counts == {Code.TREE_DIFFERS: 1}


def test_entries_of_unknown_keys_and_of_unknown_kinds_are_told(log, tmp_path):
    grow(
        log,
        make_stub(NOW - timedelta(hours=1), signer=OLD_SIGNER),
        make_stub(NOW - timedelta(hours=1), issuer="https://evil.example"),
        make_stub(NOW - timedelta(days=9)),
    )

    look = log.monitor(tmp_path / "mirror").look(NOW)

    assert look.findings.counts == {
        Code.ENTRY_KEY_OUTSIDE_PERIOD: 1,
        Code.ENTRY_KEY_UNKNOWN: 1,
        Code.BACK_DATED: 1,
    }
    assert look.size == 703, "what was published is mirrored, whatever it is"


def test_a_checkpoint_of_another_key_is_refused_and_kept(log, tmp_path, sqlite_template):
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "stubs.db")
    other = AuditedLog(f"sqlite:///{folder / 'stubs.db'}", folder)
    grow(other, make_stub(NOW))

    look = log.monitor(tmp_path / "mirror", serve=other).look(NOW)

    assert look.findings.counts == {Code.UNKNOWN_KEY: 1}
    assert len(list((tmp_path / "mirror" / "evidence").glob("unsigned-*"))) == 1
    other.close()


def test_silence_is_told_after_its_time(log, tmp_path):
    mirror = tmp_path / "mirror"
    log.monitor(mirror).look(NOW)

    assert log.monitor(mirror).look(NOW + timedelta(hours=23)).findings.counts == {}
    assert log.monitor(mirror).look(NOW + timedelta(hours=25)).findings.counts == {Code.SILENCE: 1}


def test_the_command_follows_over_http(log, tmp_path):
    (tmp_path / "trust.json").write_bytes(trust_root().to_json())
    arguments = ["monitor", "--folder", str(tmp_path / "mirror"), "--policy", str(log.policy_file)]
    arguments += ["--trust-root", str(tmp_path / "trust.json"), "--json"]
    with served(log.folder) as url:
        first = CliRunner().invoke(audit, [*arguments, url])
        kept = (tmp_path / "mirror" / CHECKPOINT).read_bytes()
        grow(log, make_stub(NOW - timedelta(minutes=9)))
        second = CliRunner().invoke(audit, [*arguments, "--compare", str(log.folder / "log" / CHECKPOINT), url])
        log.log.write_checkpoint(CHECKPOINT, kept)
        rolled_back = CliRunner().invoke(audit, [*arguments, url])
    gone = CliRunner().invoke(audit, [*arguments, url])

    assert (first.exit_code, json.loads(first.output)["new_entries"]) == (0, 700)
    assert (second.exit_code, json.loads(second.output.splitlines()[0])["size"]) == (0, 701)
    assert rolled_back.exit_code == 1
    assert [each["code"] for each in json.loads(rolled_back.output)["findings"]] == ["rollback"]
    assert (gone.exit_code, json.loads(gone.output)["reachable"]) == (3, False)
