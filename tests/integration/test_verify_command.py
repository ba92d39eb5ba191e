"""``receipt-service verify``, as people run them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from referencing import Registry, Resource

from receipt_service.bootstrap.resources import schema_path
from receipt_service.cli.verdict_words import LABELS, REASONS, WORDS
from receipt_service.cli.verify import verify
from receipt_service.delivery.rendering.pdf import render_pdf
from receipt_service.domain.groups import Group
from receipt_service.errors import ConfigurationError
from receipt_service.verify import claims
from receipt_service.verify.verdict import Reason, Status
from tests.support.forgery import bogus_receipts
from tests.support.pdf_files import pdf_with
from tests.support.receipts import (
    ISSUER,
    RECEIPT_NUMBER,
    sample_link,
    sample_receipt,
    sample_trust_root,
)
from tests.support.rendered_receipts import catalogue, catalogues
from tests.support.verify_command import RECEIPT, run, verdict_of


def stub_answer():
    stub = RECEIPT.stub
    parts = {"receipt_number": RECEIPT_NUMBER, "leaf": stub.leaf, "disclosures": list(stub.disclosures)}
    return json.dumps({**parts, "stub": stub.compact}).encode()


def test_a_good_receipt_exits_0_and_is_shown(place):
    result = run(place, place / "r.sd-jwt", "--lang", "fr")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(WORDS["fr"]["passed"])
    for word in ("N’Diaye-Lefèvre", "75110", "1234567", "FONDEMENT ET MOTIFS", RECEIPT_NUMBER):
        assert word in result.output


def test_the_language_is_that_of_the_environment(place, monkeypatch):
    assert WORDS["en"]["passed"] in run(place, place / "r.sd-jwt").output
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert WORDS["fr"]["passed"] in run(place, place / "r.sd-jwt").output


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_codes_are_told_in_the_words_of_the_catalogue_that_the_receipt_binds(place, lang):
    words = catalogue()
    (place / "real").write_text(sample_receipt(catalogue=words).compact)
    shown = run(place, place / "real", "--lang", lang).output
    assert words.bases["CPP-78-2-AL7"].label[lang] in shown
    assert words.outcomes["LIBRE"].label[lang] in shown
    assert WORDS[lang]["catalogue_missing"] not in shown
    other = run(place, place / "r.sd-jwt", "--lang", lang).output
    assert WORDS[lang]["catalogue_missing"] in other, "same version, other bytes: its words are not this catalogue's"
    assert words.outcomes["LIBRE"].label[lang] not in other


def test_json_is_as_the_schema_says(place):
    schemas = [json.loads(schema_path(f"{name}.v1.schema.json").read_bytes()) for name in ("verdict", "receipt-claims")]
    registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
    result = run(place, place / "r.sd-jwt", "--json")
    jsonschema.Draft202012Validator(schemas[0], registry=registry).validate(verdict_of(result))
    assert verdict_of(result)["claims"]["person"]["family_name"] == "N’Diaye-Lefèvre"


@pytest.mark.parametrize(
    "item", [item for item in bogus_receipts() if item.name != "line-break-at-end"], ids=lambda item: item.name
)
def test_every_bogus_receipt_exits_1_with_its_reason(place, item):
    (place / "bogus").write_text(item.text, encoding="utf-8")
    result = run(place, place / "bogus", "--json")
    assert result.exit_code == 1
    assert [reason["code"] for reason in verdict_of(result)["reasons"]] == [item.reason.value]
    shown = run(place, place / "bogus").output
    assert f"[{item.reason.value}]" in shown
    assert RECEIPT_NUMBER not in shown


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_may_end_with_the_one_line_break_of_an_editor(place, end):
    (place / "ended").write_bytes((RECEIPT.compact + end).encode())
    assert run(place, place / "ended").exit_code == 0
    (place / "ended").write_bytes((RECEIPT.compact + end + end).encode())
    assert run(place, place / "ended").exit_code == 1
    (place / "ended").write_bytes((RECEIPT.compact + " ").encode())
    assert run(place, place / "ended").exit_code == 1


def test_standard_input_is_read(place):
    assert run(place, "-", stdin=RECEIPT.compact).exit_code == 0
    assert run(place, "-", stdin=pdf_with(("receipt.sd-jwt", RECEIPT.compact.encode()))).exit_code == 0
    assert run(place, "-", stdin="").exit_code == 1


def test_without_a_trust_root_nothing_is_decided(place):
    result = run(place, place / "r.sd-jwt", "--json", trusted=False)
    assert result.exit_code == 3
    assert verdict_of(result)["reasons"][0]["code"] == "issuer_unknown"
    assert verdict_of(result)["claims"] == {}


def test_the_default_trust_root_is_in_the_configuration_folder(place):
    folder = place / "config" / "receipt-service"
    folder.mkdir(parents=True)
    (folder / "trust-root.json").write_bytes(sample_trust_root().to_json())
    assert run(place, place / "r.sd-jwt", trusted=False).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["missing"], ["."], [], ["r.sd-jwt", "--lang", "de"], ["r.sd-jwt", "--require", "x"]]
)
def test_wrong_usage_exits_2(place, arguments, monkeypatch):
    monkeypatch.chdir(place)
    assert run(place, *arguments).exit_code == 2


def test_a_trust_root_that_is_named_must_be_there(place):
    result = CliRunner().invoke(verify, [str(place / "r.sd-jwt"), "--trust-root", str(place / "none.json")])
    assert isinstance(result.exception, ConfigurationError)
    (place / "none.json").write_text("{}")
    result = CliRunner().invoke(verify, [str(place / "r.sd-jwt"), "--trust-root", str(place / "none.json")])
    assert isinstance(result.exception, ConfigurationError)


def test_expectations_are_options(place):
    (place / "stub").write_text(RECEIPT.stub.compact)
    assert run(place, place / "stub").exit_code == 0
    assert run(place, place / "stub", "--complete").exit_code == 1
    assert run(place, place / "stub", "--require", "officer").exit_code == 0
    assert run(place, place / "stub", "--require", "person").exit_code == 1
    assert run(place, place / "stub", "--issuer", "https://autre.example").exit_code == 1
    assert run(place, place / "stub", "--issuer", ISSUER).exit_code == 0


def test_hidden_parts_are_named(place):
    (place / "stub").write_text(RECEIPT.stub.compact)
    shown = run(place, place / "stub", "--lang", "en").output
    assert f"{WORDS['en']['hidden']}: {LABELS['en']['person']}" in shown


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("receipt.sd-jwt", RECEIPT.compact.encode())], 0),
        ([("other.txt", b"x"), ("receipt.sd-jwt", RECEIPT.compact.encode())], 0),
        ([("receipt.sd-jwt", RECEIPT.compact[:-1].encode())], 1),
        ([("other.sd-jwt", RECEIPT.compact.encode())], 1),
        ([("receipt.sd-jwt", RECEIPT.compact.encode()), ("receipt.sd-jwt", b"x")], 1),
        ([], 1),
    ],
)
def test_a_pdf_is_its_one_embedded_receipt(place, files, code):
    (place / "r.pdf").write_bytes(pdf_with(*files))
    assert run(place, place / "r.pdf").exit_code == code


@pytest.mark.parametrize("data", [b"%PDF-", b"%PDF-1.7\nrubbish", b"%PDF-1.7\n" + bytes(range(256)) * 20])
def test_a_broken_pdf_holds_no_receipt(place, data):
    (place / "r.pdf").write_bytes(data)
    result = run(place, place / "r.pdf", "--json")
    assert result.exit_code == 1
    assert verdict_of(result)["reasons"][0]["code"] == "no_receipt_inside"


def test_the_pdf_that_the_service_makes_verifies(place):
    url = sample_link().url(ISSUER)
    receipt = sample_receipt(catalogue=catalogue())
    (place / "real.pdf").write_bytes(render_pdf(receipt, url, catalogues()))
    result = run(place, place / "real.pdf", "--json")
    assert result.exit_code == 0, result.output
    assert verdict_of(result)["view"] == "receipt"


def test_a_file_too_large_is_not_read(place):
    with (place / "large").open("wb") as file:
        file.truncate((20 << 20) + 1)
    assert verdict_of(run(place, place / "large", "--json"))["reasons"][0]["code"] == "too_large"


def test_a_link_is_verified_offline_with_its_saved_stub(place):
    for name, content in (("answer.json", stub_answer()), ("stub.sd-jwt", RECEIPT.stub.compact.encode())):
        (place / name).write_bytes(content)
        saved = place / f"{name}.receipt"
        result = run(place, sample_link().url(ISSUER), "--stub", place / name, "--save", saved)
        assert result.exit_code == 0, result.output
        assert saved.read_text() == RECEIPT.compact
        assert run(place, saved).exit_code == 0
        assert run(place, sample_link().url(ISSUER), "--stub", place / name, "--save", saved).exit_code == 2


@pytest.mark.parametrize(
    ("told", "fr", "en"),
    [
        ({"replaced_by": "2ZK7Z2M9K4T8W1XC5VB6ND0RHJ", "reason": "wrong_place"}, "! REMPLACÉ", "! REPLACED"),
        ({"cancelled": True, "reason": "duplicate"}, "! ANNULÉ", "! CANCELLED"),
    ],
)
def test_a_receipt_that_no_longer_stands_is_authentic_and_says_so(place, told, fr, en):
    answer = json.loads(stub_answer()) | told
    (place / "answer.json").write_text(json.dumps(answer))
    for lang, word in (("fr", fr), ("en", en)):
        result = run(place, sample_link().url(ISSUER), "--stub", place / "answer.json", "--lang", lang)
        assert result.exit_code == 0
        assert result.output.startswith(WORDS[lang]["passed"])
        assert word in result.output
        assert told["reason"] in result.output
        assert told.get("replaced_by", "") in result.output


@pytest.mark.parametrize(
    "told", [{"reason": "\x1b[2J"}, {"replaced_by": "\x1b[2J"}, {"erased": "x"}, {"erased": [1, []]}]
)
def test_what_a_service_says_of_the_state_cannot_steer_the_terminal(place, told):
    (place / "answer.json").write_text(json.dumps(json.loads(stub_answer()) | told))
    result = run(place, sample_link().url(ISSUER), "--stub", place / "answer.json")
    assert result.exit_code == 0
    assert "\x1b" not in result.output


def test_a_stub_that_has_lost_a_group_passes_as_what_is_left(place):
    answer = json.loads(stub_answer())
    answer["disclosures"] = answer["disclosures"][1:]
    (place / "answer.json").write_text(json.dumps({**answer, "erased": ["legal_basis"]}))
    result = run(place, sample_link().url(ISSUER), "--stub", place / "answer.json", "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "Erased by the service" in result.output
    (place / "answer.json").write_text(json.dumps(answer))
    assert run(place, sample_link().url(ISSUER), "--stub", place / "answer.json").exit_code == 1


def test_a_link_in_a_file_is_a_link(place):
    (place / "answer.json").write_bytes(stub_answer())
    (place / "link.txt").write_text(sample_link().url(ISSUER) + "\n")
    assert run(place, place / "link.txt", "--stub", place / "answer.json").exit_code == 0


def test_a_link_asks_the_service_for_the_stub_and_tells_it_nothing_else(place, service):
    base, answers, asked = service
    answers[f"/v1/stubs/{RECEIPT_NUMBER}"] = stub_answer()
    result = run(place, sample_link().url(base))
    assert result.exit_code == 0, result.output
    assert asked == [f"/v1/stubs/{RECEIPT_NUMBER}"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (404, "stub_not_found"),
        (500, "stub_unreachable"),
        (302, "stub_unreachable"),
        (b"<html>log in</html>", "stub_unreachable"),
        (b"{}", "stub_unreachable"),
        (b"{" + b" " * (1 << 18), "stub_unreachable"),
    ],
)
def test_a_service_without_an_answer_leaves_it_open(place, service, answer, reason):
    base, answers, _ = service
    answers[f"/v1/stubs/{RECEIPT_NUMBER}"] = answer
    result = run(place, sample_link().url(base), "--json")
    assert result.exit_code == 3
    assert verdict_of(result)["reasons"][0]["code"] == reason


def test_a_service_that_lies_is_found_out(place, service):
    base, answers, _ = service
    other = sample_receipt(salts=[bytes([n] * 16) for n in range(5)])
    answers[f"/v1/stubs/{RECEIPT_NUMBER}"] = json.dumps(
        {"leaf": other.leaf, "disclosures": list(other.stub.disclosures)}
    ).encode()
    assert run(place, sample_link().url(base)).exit_code == 1


def test_nobody_there_leaves_it_open(place):
    assert run(place, sample_link().url("http://127.0.0.1:9")).exit_code == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://recepisse.example/r",
        "https://recepisse.example/r#",
        "https://recepisse.example/#x",
        "http://recepisse.example/r#" + sample_link().fragment,
        "https://[recepisse/r#" + sample_link().fragment,
        "https://recepisse.example/r#" + sample_link().fragment[:-2],
        "https://recepisse.example/r#" + "A" * 5000,
        "https://recepisse.example/r?x=1#" + sample_link().fragment,
    ],
)
def test_a_bent_link_exits_1(place, url):
    result = run(place, url, "--json")
    assert result.exit_code == 1
    assert verdict_of(result)["reasons"][0]["code"] == "link_malformed"


def test_foreign_text_never_steers_the_terminal(place):
    text = sample_receipt(issuer="https://x\x1b[2J.example").compact
    (place / "foreign").write_text(text)
    assert "\x1b" not in run(place, place / "foreign").output


def test_every_reason_and_member_has_words_in_both_languages():
    for lang in ("fr", "en"):
        assert set(REASONS) == set(Reason)
        assert all(words[lang] for words in REASONS.values())
        assert all(WORDS[lang][status.value] for status in Status)
        assert {group.value for group in Group} <= set(LABELS[lang])
        members = set(re.findall(r'^ {4,}"([a-z_]+)": ', Path(claims.__file__).read_text("utf-8"), re.MULTILINE))
        assert members - {"sha256", "version"} <= set(LABELS[lang]), members - set(LABELS[lang])


STARTED = """
import sys
before = set(sys.modules)
from receipt_service.cli.main import main
try: main(sys.argv[1:])
except SystemExit as end: assert not end.code, end.code
ours = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(*sorted(name for name in ours if not name.startswith("_")), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--help"], "click receipt_service"),
        (["verify", "--help"], "click cryptography orjson pybase64 receipt_service"),
        (["verify", "r.sd-jwt", "--trust-root", "trust.json"], "click cryptography orjson pybase64 receipt_service"),
    ],
    ids=lambda given: given[-1] if isinstance(given, list) else "",
)
def test_the_command_starts_light(place, arguments, imported):
    """Half a second cold is the promise; what is imported is what it hangs on, whatever else the machine does."""
    command = [sys.executable, "-c", STARTED, *arguments]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == imported.split()
