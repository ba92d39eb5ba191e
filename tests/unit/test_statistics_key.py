"""Record keys and the key behind them: made once, for its owner's eyes alone."""

import hmac
import stat
from collections import Counter

import pytest
from click.testing import CliRunner

from receipt_service.bootstrap.statistics_key import has_statistics_key, load_record_keys, make_statistics_key
from receipt_service.cli.keys import keys
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.lattice import RECORD_KEY_MODULUS
from receipt_service.statistics.record_keys import RecordKeys

KEY = bytes(range(32))
NUMBER = "3FQ7Z2M9K4T8W1XC5VB6ND0RHJ"


def test_a_record_key_is_the_beginning_of_an_hmac():
    code = hmac.new(KEY, NUMBER.encode(), "sha256").digest()

    assert RecordKeys(KEY).of(NUMBER) == int.from_bytes(code[2:4], "big")
    assert RecordKeys(KEY).of(NUMBER) != RecordKeys(bytes(32)).of(NUMBER)


def test_record_keys_are_spread_evenly():
    drawn = 50_000
    found = Counter(
        RecordKeys(KEY).of(receipt_number_from(number.to_bytes(16, "big"))) * 64 // RECORD_KEY_MODULUS
        for number in range(drawn)
    )
    chi_squared = sum((found[cell] - drawn / 64) ** 2 / (drawn / 64) for cell in range(64))

    assert 24 < chi_squared < 125, "64 cells: outside once in a million"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length):
    with pytest.raises(ConfigurationError, match="32 bytes"):
        RecordKeys(bytes(length))


def test_a_key_shows_itself_to_nobody():
    assert repr(RecordKeys(KEY)) == "RecordKeys(…)"
    assert RecordKeys(KEY).fingerprint != RecordKeys(bytes(32)).fingerprint
    assert RecordKeys(KEY).fingerprint not in KEY.hex()


def test_a_key_is_made_once(tmp_path):
    folder = tmp_path / "statistics"
    make_statistics_key(folder)
    (file,) = folder.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_record_keys(folder).of(NUMBER) == load_record_keys(folder).of(NUMBER)
    with pytest.raises(ConfigurationError, match="never made anew"):
        make_statistics_key(folder)


def test_without_a_key_nothing_is_read_and_none_is_made(tmp_path):
    with pytest.raises(ConfigurationError, match="keys statistics"):
        load_record_keys(tmp_path)
    assert not has_statistics_key(tmp_path)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    make_statistics_key(tmp_path)
    (tmp_path / "record.key").chmod(0o640)

    with pytest.raises(ConfigurationError, match="others may use"):
        load_record_keys(tmp_path)


@pytest.mark.parametrize("content", [b"", b"AAAA\n", b"\xff\xfe", b"no base64url!\n"])
def test_a_damaged_key_is_refused(tmp_path, content):
    (tmp_path / "record.key").write_bytes(content)
    (tmp_path / "record.key").chmod(0o600)

    with pytest.raises(ConfigurationError, match="statistics key"):
        load_record_keys(tmp_path)


def test_generating_makes_both_keys_and_keeps_one_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATA_FOLDER", str(tmp_path))
    make_statistics_key(tmp_path / "keys" / "statistics")
    before = load_record_keys(tmp_path / "keys" / "statistics").fingerprint

    assert CliRunner().invoke(keys, ["generate"]).exit_code == 0
    assert load_record_keys(tmp_path / "keys" / "statistics").fingerprint == before
    assert CliRunner().invoke(keys, ["statistics"]).exit_code != 0


def test_a_signing_key_for_a_folder_named_by_hand_comes_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATA_FOLDER", str(tmp_path / "data"))

    assert CliRunner().invoke(keys, ["generate", "--folder", str(tmp_path / "signing")]).exit_code == 0
    assert not (tmp_path / "data").exists()


def test_the_command_makes_a_key_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATA_FOLDER", str(tmp_path))

    assert CliRunner().invoke(keys, ["statistics"]).exit_code == 0
    assert has_statistics_key(tmp_path / "keys" / "statistics")
