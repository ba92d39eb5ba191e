"""The session key: made once, by whoever is first, and read by nobody else."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from receipt_service.bootstrap.session_key import load_or_make_session_key
from receipt_service.errors import ConfigurationError


def test_it_is_made_once_and_shut(tmp_path):
    folder = tmp_path / "keys" / "session"
    sealed = load_or_make_session_key(folder).encrypt(b"token", b"session")

    assert load_or_make_session_key(folder).decrypt(sealed, b"session") == b"token"
    assert [path.name for path in folder.iterdir()] == ["session.key"]
    assert (folder / "session.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0


def test_processes_that_begin_together_share_it(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        ciphers = list(pool.map(load_or_make_session_key, [tmp_path / "session"] * 8))
    sealed = ciphers[0].encrypt(b"token", b"session")

    assert {cipher.decrypt(sealed, b"session") for cipher in ciphers} == {b"token"}


def test_another_folder_has_another(tmp_path):
    sealed = load_or_make_session_key(tmp_path / "a").encrypt(b"token", b"session")

    assert load_or_make_session_key(tmp_path / "b").decrypt(sealed, b"session") is None


@pytest.mark.parametrize("spoil", ["open", "short"])
def test_a_key_that_others_may_read_or_that_is_damaged_is_refused(tmp_path, spoil):
    load_or_make_session_key(tmp_path)
    if spoil == "open":
        (tmp_path / "session.key").chmod(0o644)
    else:
        (tmp_path / "session.key").write_bytes(b"short")

    with pytest.raises(ConfigurationError):
        load_or_make_session_key(tmp_path)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError):
        load_or_make_session_key(tmp_path / "file")
