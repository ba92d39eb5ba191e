"""`receipt-service audit` as an auditor types it, and the evidence file checked without any of us."""

import getpass
import io
import json
import re
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from receipt_service.audit.evidence_texts import LISEZMOI, README
from receipt_service.bootstrap.keyring import Keyring, generate_key
from receipt_service.cli.audit import audit
from receipt_service.domain.canonical import from_base64url
from receipt_service.domain.evidence import LEAF, PRESENTED, PROOF
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.verify.evidence import EvidenceNotVerified, verify_evidence
from receipt_service.verify.trust_root import TrustRoot
from tests.support.audited_log import AuditedLog, make_stub
from tests.support.receipts import PERSON

ISSUER = "http://127.0.0.1:8000"
NOW = datetime.now(UTC)
WHY = ("--purpose", "contestation", "--reference", "2026/1187")
NAMES = (PERSON.family_name, PERSON.given_names, PERSON.birth_date, PERSON.birth_place)


def soon() -> datetime:
    """When a file that was made in this test is read: this module may have been imported long before."""
    return datetime.now(UTC) + timedelta(minutes=1)


class Office:
    """An auditor's machine beside the database: folder, settings, one published receipt and one that was not."""

    def __init__(self, folder: Path, url: str) -> None:
        generate_key(folder / "keys" / "issuer", None, NOW - timedelta(days=2))
        keyring = Keyring.load(folder / "keys" / "issuer", None, NOW)
        self.folder = folder
        self.log = AuditedLog(url, folder)
        self.held = make_stub(NOW - timedelta(minutes=30), signer=keyring.active, issuer=ISSUER)
        self.log.register([self.held])
        self.log.publish()
        self.policy = self.log.policy_file
        self.trust = TrustRoot().with_issuer(ISSUER, keyring.jwks())
        (folder / "trust.json").write_bytes(self.trust.to_json())

    def run(self, *arguments: str, given: str | None = None):
        return CliRunner().invoke(audit, [str(each) for each in arguments], input=given)

    def without_person(self) -> str:
        parts = self.held.compact.split("~")
        return "~".join(part for part in parts if "." in part or b'"person"' not in from_base64url(part)[:40])


@pytest.fixture
def office(tmp_path, sqlite_url, monkeypatch):
    made = Office(tmp_path, sqlite_url)
    for name, value in {
        "DEMO": "true",
        "PUBLIC_URL": ISSUER,
        "DATA_FOLDER": tmp_path,
        "DATABASE_URL": sqlite_url,
    }.items():
        monkeypatch.setenv(f"RECEIPT_{name}", str(value))
    yield made
    made.log.close()


def match(office, compact, *more):
    return office.run("match", "-", "--policy", office.policy, *WHY, *more, given=compact)


def test_a_receipt_is_matched_and_its_identity_is_not_shown(office):
    shown = match(office, office.held.compact)
    as_json = match(office, office.held.compact, "--json")

    assert shown.exit_code == as_json.exit_code == 0, shown.output
    assert "[authentic_logged]" in shown.output
    assert json.loads(as_json.output)["outcome"] == "authentic_logged"
    assert [name for name in NAMES if name in shown.output + as_json.output] == []


@pytest.mark.parametrize(("compact", "code", "outcome"), [("x", 1, "forged"), ("other", 1, "authentic_never_logged")])
def test_exit_codes_tell_alarms(office, compact, code, outcome):
    if compact == "other":
        keyring = Keyring.load(office.folder / "keys" / "issuer", None, NOW)
        compact = make_stub(NOW - timedelta(minutes=9), signer=keyring.active, issuer=ISSUER).compact

    found = match(office, compact, "--json")

    assert (found.exit_code, json.loads(found.output)["outcome"]) == (code, outcome)


def test_a_period_is_audited_with_a_progress_bar(office):
    day = NOW.date()
    days = f"{day - timedelta(days=1)}..{day}"

    found = office.run("period", days, "--policy", office.policy, *WHY, "--json")
    told = office.run("period", "all", "--policy", office.policy, *WHY)

    assert found.exit_code == told.exit_code == 0, found.output
    assert json.loads(found.stdout)["stubs"] == 1
    assert told.stdout.splitlines()[-1] == "whole"
    assert "device_numbering" in told.stdout


def test_an_alarm_ends_a_period_with_1(office):
    office.log.as_attacker(("DELETE FROM stub", ()))

    found = office.run("period", "all", "--policy", office.policy, *WHY)

    assert found.exit_code == 1
    assert "stub_missing" in found.stdout


@pytest.mark.parametrize("command", [("match", "-"), ("period", "all"), ("evidence", "-", "--out", "x.zip")])
def test_without_a_reason_nothing_is_done(office, command):
    found = office.run(*command, given=office.held.compact)

    assert found.exit_code == 2
    assert "--purpose" in found.output
    assert office.run("readings").output == ""


def test_who_audited_is_listed(office):
    match(office, office.held.compact)
    office.run("period", "all", "--policy", office.policy, *WHY)

    listed = [json.loads(line) for line in office.run("readings", "--json").output.splitlines()]

    assert [(each["kind"], each["reader_kind"], each["reader"]) for each in listed] == [
        ("match", "system_user", getpass.getuser()),
        ("period", "system_user", getpass.getuser()),
    ]
    assert listed[1]["what"] == "all"
    assert office.run("purposes").output.count("\n") == 6


def evidence(office, *arguments, given=None) -> bytes:
    out = office.folder / f"{len(list(office.folder.iterdir()))}.zip"
    made = office.run("evidence", *arguments, "--out", out, "--policy", office.policy, *WHY, given=given)
    assert made.exit_code == 0, made.output
    return out.read_bytes()


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_evidence_shows_what_the_holder_chose_and_verifies_elsewhere(office):
    data = evidence(office, "-", given=office.without_person())

    found = verify_evidence(data, office.trust, soon())
    (office.folder / "e.zip").write_bytes(data)
    told = office.run(
        "verify-evidence", office.folder / "e.zip", "--trust-root", office.folder / "trust.json", "--json"
    )

    assert (found.outcome, found.index, found.policy_is_own) == ("authentic_logged", 0, False)
    assert [group.value for group in found.verdict.shown] == ["legal_basis", "consequences", "when_where", "officer"]
    assert told.exit_code == 0
    assert json.loads(told.output)["log"] == "recepisse.example/log"
    assert [name for name in NAMES for content in unpacked(data).values() if name.encode() in content] == []


def test_evidence_of_a_receipt_number_is_the_stub(office):
    data = evidence(office, office.held.issuance.receipt_number)

    assert unpacked(data)[PRESENTED].decode() == office.without_person()


def test_an_identity_goes_into_the_file_alone_and_only_where_it_was_presented(office):
    data = evidence(office, "-", given=office.held.compact)

    assert unpacked(data)[PRESENTED].decode() == office.held.compact
    everywhere = b"".join(
        path.read_bytes() for path in office.folder.rglob("*") if path.is_file() and path.suffix != ".zip"
    )
    assert [name for name in NAMES if name.encode() in everywhere] == []


ATTACKS = {
    "a file altered": (lambda files: files | {"README.md": b"trust us"}, "file_altered"),
    "a file missing": (lambda files: {name: files[name] for name in files if name != "README.md"}, "file_missing"),
    "a file more": (lambda files: files | {"more.txt": b"x"}, "file_unlisted"),
    "the proof missing": (lambda files: {name: files[name] for name in files if name != PROOF}, "file_missing"),
    "another manifest": (lambda files: files | {MANIFEST: files[MANIFEST] + b" "}, "manifest_differs"),
    "no signature": (lambda files: files | {SIGNED_MANIFEST: b""}, "manifest_malformed"),
    "another leaf": (lambda files: files | {LEAF: files[LEAF][:-1]}, "file_altered"),
    "a path": (lambda files: files | {"../../etc/x": b""}, "not_an_evidence_file"),
}


@pytest.mark.parametrize(("change", "fault"), ATTACKS.values(), ids=ATTACKS)
def test_evidence_that_was_tampered_with_is_refused(office, change, fault):
    files = unpacked(evidence(office, "-", given=office.without_person()))

    with pytest.raises(EvidenceNotVerified) as refused:
        verify_evidence(packed(change(files)), office.trust, soon())

    assert refused.value.fault == fault


def test_no_bit_of_an_evidence_file_can_change_what_it_shows(office):
    data = evidence(office, "-", given=office.without_person())
    found = verify_evidence(data, office.trust, soon())
    refused = 0

    for position in range(0, len(data), 5):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        try:  # a bit of the zip's own that means nothing, a time of day say, may pass; another exception is a crash
            assert verify_evidence(bytes(changed), office.trust, soon()) == found
        except EvidenceNotVerified:
            refused += 1

    assert refused > len(data) // 5 * 0.8


def test_evidence_under_keys_that_are_not_known_is_indeterminate(office):
    data = evidence(office, "-", given=office.without_person())

    with pytest.raises(EvidenceNotVerified) as refused:
        verify_evidence(data, TrustRoot(), soon())

    assert refused.value.fault == "key_unknown"
    with pytest.raises(EvidenceNotVerified):
        verify_evidence(b"PK\x03\x04nonsense", office.trust, NOW)


def test_there_is_no_evidence_of_what_is_not_in_the_log(office):
    keyring = Keyring.load(office.folder / "keys" / "issuer", None, NOW)
    other = make_stub(NOW - timedelta(minutes=9), signer=keyring.active, issuer=ISSUER)

    made = office.run("evidence", "-", "--out", office.folder / "x.zip", *WHY, given=other.compact)

    assert made.exit_code != 0
    assert not (office.folder / "x.zip").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize("text", [README, LISEZMOI], ids=["english", "french"])
def test_the_commands_of_the_readme_check_it_without_us(office, tmp_path, text):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, content in unpacked(evidence(office, "-", given=office.without_person())).items():
        (folder / name).write_bytes(content)
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[:2])

    def run():
        return subprocess.run(["bash", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stderr
    assert "Verified OK" in done.stdout
    assert "Signature Verified Successfully" in done.stdout
    assert "in the log: 0 of 1" in done.stdout
    assert "LIBRE" in done.stdout
    for name in ("leaf.signed", "checkpoint.signed", "leaf.tlog-proof", "leaf.jwt", PRESENTED):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(kept.replace(kept[30:31], b"~", 1) if name != PRESENTED else kept[:-9] + kept[-3:])
        assert run().returncode != 0, name
        (folder / name).write_bytes(kept)
