"""The verification page in a real browser: what a person sees, and what the page must never do."""

from dataclasses import replace
from itertools import pairwise

import pytest

from receipt_service.delivery.rendering.sheet import sheet
from receipt_service.domain.groups import Group
from receipt_service.domain.person import EstablishedBy, IdentityEstablished
from receipt_service.verify.verdict import Status, View
from tests.support.page_browser import opened, settled, verdict
from tests.support.receipts import NOW, sample_verifier
from tests.support.rendered_receipts import MAYOTTE, REFUSED, Case, catalogues

pytestmark = pytest.mark.needs_chromium


def test_a_good_link_shows_the_five_groups_in_french(browser, site):
    with opened(browser, site.add(Case())) as page:
        assert verdict(page) == ("passed", "")
        assert page.locator("#verdict-title").text_content() == "Authentique"
        assert page.locator("#groups section").count() == 5
        text = page.locator("#groups").inner_text()
        for said in (
            "N’Diaye-Lefèvre",
            "17 mai 1990",
            "Carte d",
            "Soupçon d’infraction",
            "Palpation",
            "Défenseur des droits",
            "lundi 23 novembre 2026 à 14 h 05 (heure de Paris, UTC+1)",
            "RIO 1234567",
            "7654321",
            "Commissariat du 10e",
        ):
            assert said in text
        assert "undefined" not in text
        assert page.evaluate("document.documentElement.lang") == "fr"


def test_the_same_in_english_and_back(browser, site):
    with opened(browser, site.add(Case(place=MAYOTTE)), locale="en-GB") as page:
        assert page.locator("#verdict-title").text_content() == "Authentic"
        assert "Monday 23 November 2026 at 16:05 (Mayotte time, UTC+3)" in page.locator("#groups").inner_text()
        page.get_by_role("button", name="Français").click()
        assert page.locator("#verdict-title").text_content() == "Authentique"
        assert page.get_by_role("button", name="Français").get_attribute("aria-pressed") == "true"
        assert page.evaluate("document.documentElement.lang") == "fr"


def test_an_identity_not_established_is_said(browser, site):
    with opened(browser, site.add(Case(person=REFUSED))) as page:
        assert verdict(page) == ("passed", "")
        assert "Non établie" in page.locator("[data-group=person]").inner_text()


def test_the_link_leaves_the_address_and_the_history_and_reaches_no_server(browser, site):
    case = Case()
    url = site.add(case)
    with opened(browser, url) as page:
        assert page.url == f"{site.address}/r"
        assert page.evaluate("history.length") <= 2
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert page.context.cookies() == []
    fragment = case.link.fragment
    assert not any(part in asked for asked in site.asked for part in fragment.split(".")[1:])
    assert site.asked[0] == "/r?"
    assert f"/v1/stubs/{case.receipt_number}?" in site.asked


def test_a_changed_link_fails(browser, site):
    url = site.add(Case())
    other = url[:-10] + ("A" if url[-10] != "A" else "B") + url[-9:]
    with opened(browser, other) as page:
        status, reason = verdict(page)
        assert (status, reason) in {("failed", "disclosure_not_referenced"), ("indeterminate", "link_malformed")}
        assert page.locator("#receipt").is_hidden()
        assert page.locator("#keep").is_hidden()


def test_a_changed_stub_fails(browser, site):
    case = Case()
    url = site.add(case)
    stub = case.receipt.stub
    officer = stub.disclosures[3]
    altered = officer[:-6] + ("A" if officer[-6] != "A" else "B") + officer[-5:]
    site.stubs[case.receipt_number]["stub"] = replace(stub, disclosures=(*stub.disclosures[:3], altered)).compact
    with opened(browser, url) as page:
        assert verdict(page)[0] == "failed"
        assert "1234567" not in page.locator("body").inner_text()


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [("nonsense", ("indeterminate", "link_malformed")), ("", ("none", ""))],
)
def test_without_a_whole_link_a_number_can_be_typed(browser, site, fragment, expected):
    site.add(Case())
    with opened(browser, f"{site.address}/r#{fragment}") as page:
        assert verdict(page) == expected
        page.get_by_label("Numéro du récépissé").fill("3fq7z-2m9k4-t8w1x-c5vb6-nd0rh-j")
        page.keyboard.press("Enter")
        page.wait_for_selector("#verdict[data-status=passed]")
        assert "Elle ne contient pas l’identité" in page.locator("#verdict").inner_text()
        assert "Pas d’identité dans cette vue" in page.locator("[data-group=person]").inner_text()
        assert "RIO 1234567" in page.locator("#groups").inner_text()


def test_a_number_that_is_none_is_told_at_the_field(browser, site):
    with opened(browser, f"{site.address}/r") as page:
        page.get_by_label("Numéro du récépissé").fill("123")
        page.keyboard.press("Enter")
        assert page.locator("#number-wrong").is_visible()
        assert page.locator("#number").get_attribute("aria-invalid") == "true"


@pytest.mark.parametrize(
    ("failing", "reason", "errors"),
    [("stubs", "stub_unreachable", 1), ("keys", "keys_unreachable", 1)],
)
def test_a_service_that_does_not_answer_is_no_forgery(browser, site, failing, reason, errors):
    url = site.add(Case())
    site.failing.add(failing)
    with opened(browser, url, errors=errors) as page:
        assert verdict(page) == ("indeterminate", reason)


def test_an_unknown_number_is_told(browser, site):
    with opened(browser, f"{site.address}/r#{Case().link.fragment}", errors=1) as page:
        assert verdict(page) == ("indeterminate", "stub_not_found")


def test_without_the_catalogue_the_codes_are_shown_and_said_to_be(browser, site):
    url = site.add(Case())
    site.failing.add("catalogue")
    with opened(browser, url, errors=1) as page:
        assert verdict(page) == ("passed", "")
        assert page.locator("#texts-missing").is_visible()
        assert "CPP-78-2-AL2" in page.locator("#groups").inner_text()


def test_the_saved_file_is_the_receipt_and_opens_again(browser, site, tmp_path):
    case = Case()
    with opened(browser, site.add(case)) as page:
        with page.expect_download() as download:
            page.locator("#save").click()
        assert download.value.suggested_filename == "receipt.sd-jwt"
        saved = tmp_path / "receipt.sd-jwt"
        download.value.save_as(saved)
    assert saved.read_text("ascii") == case.receipt.compact
    with opened(browser, f"{site.address}/r") as page:
        page.locator("#file").set_input_files(saved)
        page.wait_for_selector("#verdict[data-status=passed]")
        assert "Zoë Maëlle" in page.locator("#groups").inner_text()
    assert not any("Zo" in asked for asked in site.asked)


def test_a_group_can_be_hidden_before_saving(browser, site, tmp_path):
    with opened(browser, site.add(Case())) as page:
        page.get_by_role("checkbox", name="Identité").uncheck()
        page.get_by_role("checkbox", name="Agent").uncheck()
        with page.expect_download() as download:
            page.locator("#save").click()
        saved = tmp_path / "receipt.sd-jwt"
        download.value.save_as(saved)
    found = sample_verifier().verify(saved.read_text("ascii"), NOW)
    assert (found.status, found.view) == (Status.PASSED, View.PARTIAL)
    assert found.shown == (Group.LEGAL_BASIS, Group.CONSEQUENCES, Group.WHEN_WHERE)
    with opened(browser, f"{site.address}/r") as page:
        page.locator("#file").set_input_files(saved)
        page.wait_for_selector("#verdict[data-status=passed]")
        assert "Une partie est masquée" in page.locator("#verdict").inner_text()


def test_any_other_file_is_no_receipt(browser, site, tmp_path):
    other = tmp_path / "letter.txt"
    other.write_text("Bonjour")
    with opened(browser, f"{site.address}/r") as page:
        page.locator("#file").set_input_files(other)
        page.wait_for_selector("#verdict[data-status=failed]")
        assert verdict(page) == ("failed", "not_sd_jwt")


HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}${7*7}#panic() \\ \" ' &amp; https://evil.example"
)


def test_what_people_write_stays_text(browser, site):
    person = IdentityEstablished(
        family_name=HOSTILE,
        given_names=HOSTILE,
        birth_date="1990",
        birth_place=HOSTILE,
        established_by=EstablishedBy.WITNESS,
    )
    case = Case(person=person, reason_text=HOSTILE)
    dialogs = []
    with opened(browser, site.add(case)) as page:
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        assert verdict(page) == ("passed", "")
        assert page.locator("#groups").inner_text().count(HOSTILE) == 4
        assert page.locator("#groups img, #groups script").count() == 0
        assert page.locator("#groups a[href*=evil]").count() == 0
    assert dialogs == []


def test_a_second_link_in_the_same_tab_is_taken(browser, site):
    first = site.add(Case())
    with opened(browser, first) as page:
        page.evaluate("fragment => { location.hash = fragment; }", "nonsense")
        page.wait_for_selector("#verdict[data-reason=link_malformed]")
        assert page.url == f"{site.address}/r"


def test_the_keyboard_reaches_everything(browser, site):
    with opened(browser, site.add(Case())) as page:
        page.evaluate("document.activeElement.blur()")
        reached = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        assert {"Français", "English", "save", "print"} <= reached


def contrast(first: list[float], second: list[float]) -> float:
    """The contrast ratio of WCAG 2.2 §1.4.3 between two sRGB colours."""

    def luminance(colour: list[float]) -> float:
        parts = [value / 255 for value in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


COLOURS = """() => [...document.querySelectorAll("#main *, footer p, header *")]
  .filter((node) => node.checkVisibility())
  .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
  .map((node) => {
    let ground = node;
    const clear = (each) => getComputedStyle(each).backgroundColor === "rgba(0, 0, 0, 0)";
    while (ground !== document.documentElement && clear(ground)) ground = ground.parentElement;
    const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number).slice(0, 3);
    return [node.tagName, numbers(getComputedStyle(node).color), numbers(getComputedStyle(ground).backgroundColor)];
  })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast_and_the_page_fits_a_phone(browser, site, scheme):
    with opened(browser, site.add(Case())) as page:
        page.emulate_media(color_scheme=scheme)
        page.locator("#other summary").click()
        for tag, ink, ground in page.evaluate(COLOURS):
            assert contrast(ink, ground) >= 4.5, tag
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        small = page.evaluate(
            "[...document.querySelectorAll('button, summary, input[type=text]')]"
            ".filter(node => node.checkVisibility() && node.getBoundingClientRect().height < 24).length"
        )
        assert small == 0


def test_the_page_is_named_structured_and_labelled(browser, site):
    with opened(browser, site.add(Case())) as page:
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3')].filter(n => n.checkVisibility()).map(n => Number(n.tagName[1]))"
        )
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        unnamed = page.evaluate(
            "[...document.querySelectorAll('input,button')]"
            ".filter(n => !(n.labels?.length || n.textContent.trim())).length"
        )
        assert unnamed == 0
        assert page.title() == "Vérifier un récépissé"


def test_printing_leaves_the_receipt_and_drops_the_controls(browser, site):
    with opened(browser, site.add(Case())) as page:
        page.emulate_media(media="print")
        assert page.locator("#groups").is_visible()
        assert page.locator("#verdict").is_visible()
        assert page.locator("#keep").is_hidden()
        assert page.locator("footer").is_hidden()
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_without_scripts_the_page_says_what_it_needs(browser, site):
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{site.address}/r")
        assert "JavaScript" in page.locator("noscript, body").first.inner_text()
    finally:
        context.close()


def test_a_browser_without_webcrypto_is_told_and_nothing_is_called_forged(browser, site):
    url = site.add(Case())
    context = browser.new_context(locale="fr-FR")
    try:
        page = context.new_page()
        page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
        page.goto(url)
        settled(page)
        assert verdict(page) == ("indeterminate", "browser_unable")
    finally:
        context.close()


def test_a_page_whose_texts_do_not_come_says_so_without_them(browser, site):
    context = browser.new_context(locale="fr-FR")
    try:
        page = context.new_page()
        page.route("**/r/texts/*", lambda route: route.abort())
        page.goto(site.add(Case()))
        page.wait_for_timeout(300)
        assert page.locator("#starting").is_visible()
        assert "restent bons" in page.locator("#starting").inner_text()
        assert page.url == f"{site.address}/r"
    finally:
        context.close()


def test_the_texts_of_the_page_are_those_of_the_mail(browser, site):
    """The page's rows and the mail's are written by two programs from the same words."""
    for case in (Case(), Case(person=REFUSED, place=MAYOTTE)):
        with opened(browser, site.add(case)) as page:
            for at, language in enumerate(("Français", "English")):
                page.get_by_role("button", name=language).click()
                shown = page.evaluate(
                    "[...document.querySelectorAll('#groups [data-row]')].map(row =>"
                    " [...row.children].map(part => part.textContent))"
                )
                written = sheet(case.receipt, catalogues(), ("fr", "en"))
                rows = [row for section in written.sections for row in section.rows]
                assert shown == [[row.terms[at], *row.values[at]] for row in rows], language
