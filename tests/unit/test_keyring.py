import json
import os
import stat
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from receipt_service.bootstrap import key_files, keyring
from receipt_service.bootstrap.keyring import Keyring, generate_key, read_keys, rotate_key
from receipt_service.cli.keys import keys as keys_command
from receipt_service.errors import ConfigurationError
from receipt_service.verify.trust_root import TrustRoot
from receipt_service.verify.verdict import Reason
from receipt_service.verify.verifier import Verifier
from tests.support.receipts import ISSUER, sample_receipt

T0 = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASSPHRASE = b"correct horse battery"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys" / "issuer"


def pem_of(folder):
    (path,) = folder.glob("*.pem")
    return path


def test_a_key_signs_from_the_moment_it_is_made(folder):
    key = generate_key(folder, PASSPHRASE, T0)
    ring = Keyring.load(folder, PASSPHRASE, T0)
    assert ring.active.kid == key.kid
    assert ring.jwks() == {"keys": [key.jwk]}
    assert key.jwk["nbf"] == int(T0.timestamp())
    assert "exp" not in key.jwk
    assert "d" not in key.jwk


def test_files_are_for_their_owner_alone_and_encrypted(folder):
    generate_key(folder, PASSPHRASE, T0)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pem_of(folder).read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_rotation_keeps_the_old_key_for_the_overlap_and_publishes_it_for_ever(folder):
    old = generate_key(folder, PASSPHRASE, T0)
    new = rotate_key(folder, PASSPHRASE, T0 + HOUR)
    ring = Keyring.load(folder, PASSPHRASE, T0 + 2 * HOUR)
    assert ring.active.kid == new.kid
    assert {signer.kid for signer in ring.signers} == {old.kid, new.kid}, "a process that held the old one goes on"
    published = {jwk["kid"]: jwk for jwk in ring.jwks()["keys"]}
    assert published[old.kid]["exp"] == int((T0 + HOUR + keyring.OVERLAP).timestamp())
    rotate_key(folder, PASSPHRASE, T0 + 48 * HOUR)
    later = Keyring.load(folder, PASSPHRASE, T0 + 49 * HOUR)
    assert len(later.jwks()["keys"]) == 3
    assert not (folder / f"{old.kid}.pem").exists()


def test_receipts_of_a_retired_key_still_verify_and_new_ones_do_not(folder):
    generate_key(folder, None, T0)
    old = Keyring.load(folder, None, T0).active
    rotate_key(folder, None, T0 + HOUR, overlap=timedelta(0))
    root = TrustRoot().with_issuer(ISSUER, Keyring.load(folder, None, T0 + 2 * HOUR).jwks())
    verifier = Verifier(root)
    later = T0 + timedelta(days=400)
    assert verifier.verify(sample_receipt(signer=old, issued_on=T0.date()).compact, later).passed
    late = sample_receipt(signer=old, issued_on=(T0 + timedelta(days=2)).date()).compact
    assert verifier.verify(late, later).reasons == (Reason.KEY_OUTSIDE_PERIOD,)


def test_a_rotation_may_be_announced_before_it_begins(folder):
    old = generate_key(folder, PASSPHRASE, T0)
    new = rotate_key(folder, PASSPHRASE, T0, starts_in=24 * HOUR)
    ring = Keyring.load(folder, PASSPHRASE, T0 + HOUR)
    assert ring.active.kid == old.kid
    assert ring.signer_at(T0 + 25 * HOUR).kid == new.kid, "without a restart"
    assert [jwk["kid"] for jwk in ring.jwks()["keys"]] == [new.kid, old.kid]
    again = rotate_key(folder, PASSPHRASE, T0 + HOUR)
    assert new.kid not in [key.kid for key in read_keys(folder)], "it had not begun: it is withdrawn"
    assert Keyring.load(folder, PASSPHRASE, T0 + 2 * HOUR).active.kid == again.kid


def test_a_leaked_key_ends_at_once(folder):
    old = generate_key(folder, None, T0)
    rotate_key(folder, None, T0 + HOUR, overlap=timedelta(0))
    assert not (folder / f"{old.kid}.pem").exists()
    assert read_keys(folder)[1].ended_at(T0 + HOUR)


def test_a_key_is_generated_once(folder):
    generate_key(folder, None, T0)
    with pytest.raises(ConfigurationError, match="rotate"):
        generate_key(folder, None, T0)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o666])
def test_an_open_key_that_others_could_use_is_refused(folder, mode):
    generate_key(folder, None, T0)
    pem_of(folder).chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyring.load(folder, None, T0)


def test_an_encrypted_key_may_be_read_but_not_written_by_others(folder):
    generate_key(folder, PASSPHRASE, T0)
    pem_of(folder).chmod(0o444)
    assert Keyring.load(folder, PASSPHRASE, T0)
    pem_of(folder).chmod(0o622)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyring.load(folder, PASSPHRASE, T0)


def test_a_keyring_that_others_could_write_is_refused(folder):
    generate_key(folder, None, T0)
    (folder / "keyring.json").chmod(0o666)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyring.load(folder, None, T0)


def test_an_open_key_of_another_user_is_refused(folder, monkeypatch):
    generate_key(folder, None, T0)
    monkeypatch.setattr(key_files.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigurationError, match="another user"):
        Keyring.load(folder, None, T0)


def test_a_symbolic_link_is_no_key_file(folder, tmp_path):
    generate_key(folder, None, T0)
    path = pem_of(folder)
    elsewhere = tmp_path / "elsewhere.pem"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="cannot read"):
        Keyring.load(folder, None, T0)


@pytest.mark.parametrize("passphrase", [None, b"wrong horse battery", b""])
def test_an_encrypted_key_needs_its_passphrase(folder, passphrase):
    generate_key(folder, PASSPHRASE, T0)
    with pytest.raises(ConfigurationError):
        Keyring.load(folder, passphrase, T0)


def test_a_passphrase_for_an_open_key_is_a_misunderstanding(folder):
    generate_key(folder, None, T0)
    with pytest.raises(ConfigurationError, match="not encrypted"):
        Keyring.load(folder, PASSPHRASE, T0)


def test_a_folder_never_gets_two_passphrases(folder):
    generate_key(folder, PASSPHRASE, T0)
    with pytest.raises(ConfigurationError):
        rotate_key(folder, b"another passphrase", T0 + HOUR)
    assert len(read_keys(folder)) == 1


def test_a_short_passphrase_is_refused(folder):
    with pytest.raises(ConfigurationError, match="at least 12"):
        generate_key(folder, b"short", T0)


def test_a_file_with_another_key_is_refused(folder):
    generate_key(folder, None, T0)
    path = pem_of(folder)
    for other in (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ):
        path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(ConfigurationError):
            Keyring.load(folder, None, T0)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version":2,"keys":[]}', '{"version":1,"keys":[{}]}', '{"version":1,"keys":[]}', "\xff"]
)
def test_a_damaged_keyring_is_refused(folder, text):
    generate_key(folder, None, T0)
    (folder / "keyring.json").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError):
        Keyring.load(folder, None, T0)


def test_a_changed_public_key_is_noticed(folder):
    generate_key(folder, None, T0)
    path = folder / "keyring.json"
    document = json.loads(path.read_text())
    jwk = document["keys"][0]["jwk"]
    jwk["x"], jwk["y"] = jwk["y"], jwk["x"]
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError):
        Keyring.load(folder, None, T0)


def test_no_key_no_start(folder):
    with pytest.raises(ConfigurationError):
        Keyring.load(folder, None, T0)
    generate_key(folder, None, T0)
    with pytest.raises(ConfigurationError, match="no issuer key signs"):
        Keyring.load(folder, None, T0 - HOUR)


def test_two_commands_never_change_a_folder_at_once(folder):
    with key_files.only_writer(folder), pytest.raises(ConfigurationError, match="another command"):
        generate_key(folder, None, T0)
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        generate_key(folder, None, T0)


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
@pytest.mark.parametrize("act", ["generate", "rotate"])
def test_a_crash_at_any_step_leaves_a_folder_that_works(tmp_path, monkeypatch, act, passphrase):
    """Before each write, replacement, removal and fsync in turn: what is there afterwards loads, and can go on."""
    for step in count(1):
        folder = tmp_path / f"{act}-{step}"
        if act == "rotate":
            generate_key(folder, passphrase, T0)
            rotate_key(folder, passphrase, T0 + HOUR, overlap=HOUR)  # its end passes before the next one
        with monkeypatch.context() as patch:
            done = _crash_at(patch, step, lambda folder=folder: _act(act, folder, passphrase))
        if done:
            assert step > 5
            return
        if act == "generate" and not (folder / "keyring.json").exists():
            generate_key(folder, passphrase, T0 + 10 * HOUR)
        before = {key.kid for key in read_keys(folder)}
        Keyring.load(folder, passphrase, T0 + 10 * HOUR)
        new = rotate_key(folder, passphrase, T0 + 11 * HOUR, overlap=HOUR)
        ring = Keyring.load(folder, passphrase, T0 + 13 * HOUR)
        assert ring.active.kid == new.kid
        assert before < {key.kid for key in ring.keys}
        rotate_key(folder, passphrase, T0 + 14 * HOUR, overlap=timedelta(0))
        assert len(list(folder.iterdir())) == 2, "what crashes left behind is gone"


def _act(act, folder, passphrase):
    if act == "generate":
        generate_key(folder, passphrase, T0)
    else:
        rotate_key(folder, passphrase, T0 + 5 * HOUR, overlap=HOUR)


def _crash_at(patch, step, act):
    """Run ``act`` and end it before its ``step``-th change to the disk; say whether it came to its end before."""
    steps = count(1)

    def ending(original):
        def call(*arguments, **named):
            if next(steps) == step:
                raise Crash
            return original(*arguments, **named)

        return call

    path_type = type(key_files.Path())
    patch.setattr(key_files.os, "fsync", ending(os.fsync))
    patch.setattr(path_type, "replace", ending(path_type.replace))
    patch.setattr(path_type, "unlink", ending(path_type.unlink))
    try:
        act()
    except Crash:
        return False
    return True


def run(*arguments, **environment):
    return CliRunner().invoke(
        keys_command, list(arguments), env={"RECEIPT_DATA_FOLDER": None, **environment}, catch_exceptions=True
    )


def test_the_command_generates_rotates_and_lists(folder):
    secret = {"RECEIPT_ISSUER_KEY_PASSPHRASE": PASSPHRASE.decode()}
    made = run("generate", "--folder", str(folder), **secret)
    assert made.exit_code == 0, made.output
    assert "signs" in made.output
    rotated = run("rotate", "--folder", str(folder), "--overlap", "2", **secret)
    assert rotated.exit_code == 0, rotated.output
    listed = run("list", "--folder", str(folder))
    assert len(listed.output.splitlines()) == 2
    published = json.loads(run("list", "--folder", str(folder), "--json").output)
    assert [set(jwk) >= {"kid", "x", "y", "nbf"} for jwk in published["keys"]] == [True, True]
    assert PASSPHRASE.decode() not in made.output + rotated.output + listed.output


def test_the_command_reads_the_passphrase_from_a_file(folder, tmp_path):
    (tmp_path / "passphrase").write_bytes(PASSPHRASE + b"\n")
    made = run("generate", "--folder", str(folder), RECEIPT_ISSUER_KEY_PASSPHRASE_FILE=str(tmp_path / "passphrase"))
    assert made.exit_code == 0, made.output
    assert Keyring.load(folder, PASSPHRASE, datetime.now(UTC) + HOUR)


def test_the_command_says_what_is_wrong(folder):
    refused = run("rotate", "--folder", str(folder))
    assert isinstance(refused.exception, ConfigurationError)
