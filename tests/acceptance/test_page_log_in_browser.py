"""The log on the verification page, in a real browser: every state in words, and nothing false."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from receipt_service.domain.groups import Moment
from receipt_service.tlog.policy import parse_policy
from receipt_service.verify.log_check import judge_proof
from receipt_service.verify.log_standing import LogState
from tests.support.page_browser import opened, verdict
from tests.support.receipts import NOW
from tests.support.rendered_receipts import Case
from tests.support.small_log import LOGGED_AT, NORTH, OTHER_LOG, POLICY, POLICY_NO_WITNESS, WEST, SmallLog, leaves

pytestmark = pytest.mark.needs_chromium

CASE = Case()
TEXTS = [*leaves()[:3], CASE.receipt.leaf]
UNWITNESSED = SmallLog(texts=TEXTS, witnesses=(NORTH,))
AFTER = datetime(2026, 11, 25, 0, 1, tzinfo=UTC)


def log_of(page):
    box = page.locator("#log")
    return box.get_attribute("data-state"), box.get_attribute("data-why")


def fact(page, name):
    return page.locator(f"#log [data-fact={name}] dd").text_content().replace("\u00a0", " ")


def test_a_logged_receipt_says_so_with_both_times(browser, site):
    with opened(browser, site.add(CASE), at=NOW) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("logged", "")
        assert "vu par des témoins" in page.locator("#log-text").inner_text()
        assert fact(page, "entry") == "n° 4 sur 4"
        assert fact(page, "witnesses") == "north ; south"
        assert fact(page, "not_before") == "rien ne le dit encore"
        assert fact(page, "not_after") == (
            "lundi 23 novembre 2026 à 14 h 09 (heure de Paris, UTC+1), selon le témoin north"
        )
        assert "croit les clés" in page.locator("#log-trust").inner_text()
        page.get_by_role("button", name="English").click()
        assert "witnesses have seen it" in page.locator("#log-text").inner_text()
        assert fact(page, "not_after").endswith("14:09 (Paris time, UTC+1), says the witness north")


def test_a_receipt_that_names_a_tree_says_before_when_it_was_not_written(browser, site):
    case = Case(moment=Moment(log=SmallLog().head))
    url = site.add(case)
    site.log(case, SmallLog(texts=[*leaves()[:3], case.receipt.leaf], anchored_at=LOGGED_AT - 300))
    with opened(browser, url, at=NOW) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("logged", "")
        assert fact(page, "not_before") == (
            "lundi 23 novembre 2026 à 14 h 04 (heure de Paris, UTC+1), selon le témoin north"
        )
        page.get_by_role("button", name="English").click()
        assert fact(page, "not_before").endswith("14:04 (Paris time, UTC+1), says the witness north")


def test_too_few_witnesses_are_said(browser, site):
    url = site.add(CASE)
    site.log(CASE, UNWITNESSED)
    with opened(browser, url, at=NOW) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("logged_not_witnessed", "")
        assert "trop peu de témoins" in page.locator("#log-text").inner_text()


def test_a_policy_without_witnesses_is_not_called_witnessed(browser, site):
    url = site.add(CASE)
    site.policy = POLICY_NO_WITNESS.encode()
    site.log(CASE, SmallLog(texts=TEXTS, witnesses=()))
    with opened(browser, url, at=NOW) as page:
        assert log_of(page) == ("logged", "")
        assert "que personne d’autre que le service n’atteste" in page.locator("#log-text").inner_text()
        assert fact(page, "not_after") == "ce navigateur ne peut pas le dire"


def test_a_receipt_that_is_not_logged_yet_has_time(browser, site):
    url = site.add(CASE)
    site.proofs.clear()
    with opened(browser, url, at=NOW, errors=1) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("not_yet_logged", "")
        said = page.locator("#log-text").inner_text().replace("\u00a0", " ")
        assert "mercredi 25 novembre 2026 à 1 h 00 (heure de Paris, UTC+1)" in said
        assert page.locator("#save-proof").is_hidden()


def test_a_receipt_that_never_was_logged_is_refused_and_not_shown(browser, site):
    url = site.add(CASE)
    site.proofs.clear()
    with opened(browser, url, at=AFTER, errors=1) as page:
        assert verdict(page) == ("failed", "never_logged")
        assert page.locator("#verdict-title").text_content() == "Ne pas s’y fier"  # its signature is authentic
        assert log_of(page) == ("never_logged", "")
        assert "gardez-le" in page.locator("#verdict-text").inner_text()
        assert page.locator("#receipt").is_hidden()
        assert page.locator("#keep").is_hidden()
        assert "1234567" not in page.locator("body").inner_text()


@pytest.mark.parametrize("failing", ["policy", "proofs"])
def test_a_log_that_does_not_answer_says_nothing_against_the_receipt(browser, site, failing):
    url = site.add(CASE)
    site.failing.add(failing)
    with opened(browser, url, at=AFTER, errors=1) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("not_checked", "log_unreachable")
        assert "ne dit rien contre" in page.locator("#log-text").inner_text()
        assert page.locator("#log-trust").is_hidden()


def test_not_found_without_a_checkpoint_accuses_nobody(browser, site):
    url = site.add(CASE)
    site.proofs.clear()
    site.checkpoint = None
    with opened(browser, url, at=AFTER, errors=2) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("not_checked", "log_unreachable")


def test_a_site_without_a_log_is_said_to_be_one(browser, site):
    url = site.add(CASE)
    site.policy = None
    with opened(browser, url, at=AFTER, errors=1) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("not_checked", "no_policy")


def test_a_proof_that_does_not_hold_fails_the_receipt(browser, site):
    url = site.add(CASE)
    (name,) = site.proofs
    site.proofs[name] = SmallLog().proof()
    with opened(browser, url, at=NOW) as page:
        assert verdict(page) == ("failed", "log_proof_not_valid")
        assert log_of(page) == ("proof_not_valid", "")
        assert page.locator("#receipt").is_hidden()


def test_another_log_s_proof_fails_it_too(browser, site):
    url = site.add(CASE)
    site.policy = f"log {OTHER_LOG.vkey}\nquorum none\n".encode()
    with opened(browser, url, at=NOW) as page:
        assert verdict(page) == ("failed", "log_proof_not_valid")


@pytest.mark.parametrize("witnesses", [(NORTH, WEST)], ids=["ML-DSA-44"])
def test_what_only_other_programs_can_check_is_not_checked(browser, site, witnesses):
    url = site.add(CASE)
    site.log(CASE, SmallLog(texts=TEXTS, witnesses=witnesses))
    with opened(browser, url, at=NOW) as page:
        assert verdict(page) == ("passed", "")
        assert log_of(page) == ("not_checked", "browser_unable")


WITHOUT_ED25519 = """
const real = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, how, ...rest) =>
  how?.name === "Ed25519"
    ? Promise.reject(new DOMException("Algorithm: Unrecognized name", "NotSupportedError"))
    : real(format, key, how, ...rest);
"""


def test_a_browser_without_ed25519_says_that_it_did_not_check(browser, site):
    url = site.add(CASE)
    context = browser.new_context(locale="en-GB")
    try:
        page = context.new_page()
        page.add_init_script(WITHOUT_ED25519)
        page.goto(url)
        page.wait_for_selector("#verdict[data-status=passed]")
        assert log_of(page) == ("not_checked", "browser_unable")
        assert "Not checked by this browser" in page.locator("#log-text").inner_text()
    finally:
        context.close()


def saved(page, button, path):
    with page.expect_download() as download:
        page.locator(button).click()
    assert download.value.suggested_filename == path.name
    download.value.save_as(path)
    return path


def test_the_proof_is_saved_beside_the_receipt_and_both_open_again_without_the_log(browser, site, tmp_path):
    with opened(browser, site.add(CASE), at=NOW) as page:
        receipt = saved(page, "#save", tmp_path / "receipt.sd-jwt")
        proof = saved(page, "#save-proof", tmp_path / "receipt.tlog-proof")
    found = judge_proof(CASE.receipt.leaf, proof.read_bytes(), parse_policy(POLICY.encode()), NOW)
    assert found.state is LogState.LOGGED
    site.proofs.clear()
    with opened(browser, f"{site.address}/r", at=AFTER) as page:
        site.asked.clear()
        page.locator("#file").set_input_files([receipt, proof])
        page.wait_for_selector("#verdict[data-status=passed]")
        assert log_of(page) == ("logged", "")
        assert not any(asked.startswith("/v1/log/proofs") for asked in site.asked)
        page.locator("#file").set_input_files([tmp_path / "receipt.sd-jwt", _other(tmp_path)])
        page.wait_for_selector("#verdict[data-status=failed]")
        assert verdict(page) == ("failed", "log_proof_not_valid")


def _other(folder):
    (folder / "other.tlog-proof").write_bytes(SmallLog().proof())
    return folder / "other.tlog-proof"


def test_a_newer_proof_is_asked_for_where_the_given_one_lacks_witnesses(browser, site, tmp_path):
    site.add(CASE)
    (tmp_path / "receipt.sd-jwt").write_text(CASE.receipt.compact)
    (tmp_path / "receipt.tlog-proof").write_bytes(UNWITNESSED.proof(CASE.receipt.leaf))
    with opened(browser, f"{site.address}/r", at=NOW) as page:
        page.locator("#file").set_input_files([tmp_path / "receipt.sd-jwt", tmp_path / "receipt.tlog-proof"])
        page.wait_for_selector("#verdict[data-status=passed]")
        assert log_of(page) == ("logged", "")
        proof = saved(page, "#save-proof", tmp_path / "receipt.tlog-proof")
    assert proof.read_bytes() == next(iter(site.proofs.values()))


def test_the_log_learns_a_hash_and_nothing_of_the_person(browser, site):
    with opened(browser, site.add(CASE), at=NOW):
        pass
    (name,) = site.proofs
    asked = {each for each in site.asked if not each.startswith(("/r", "/v1/catalogue", "/v1/stubs", "/.well-known"))}
    assert asked == {"/log/policy?", f"/v1/log/proofs/{name}?"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_has_its_heading_its_place_on_paper_and_fits_a_phone(browser, site, scheme):
    with opened(browser, site.add(CASE), at=NOW) as page:
        page.emulate_media(color_scheme=scheme)
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3')].filter(n => n.checkVisibility()).map(n => Number(n.tagName[1]))"
        )
        assert all(after - before <= 1 for before, after in pairwise(levels))
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.emulate_media(media="print")
        assert page.locator("#log").is_visible()
        assert page.locator("#save-proof").is_hidden()
