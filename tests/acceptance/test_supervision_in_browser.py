"""The dashboard in a real browser: signing in, reading, printing, on a phone and on a desk, without any script."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.made_up_checks import count_made_up_checks
from receipt_service.bootstrap.resources import schema_path
from receipt_service.config.loading import load
from receipt_service.config.parts import StatisticsSettings
from receipt_service.demo.made_up import made_up_facts, released_months
from receipt_service.demo.stops.roster import read_roster
from receipt_service.errors import ConfigurationError
from tests.acceptance.test_page_in_browser import contrast
from tests.support.page_browser import CHROMIUM, SWITCHES
from tests.support.running_api import RunningApi, running_api

pytestmark = pytest.mark.needs_chromium

DIRECTORY = schema_path("examples", "directory.csv")
PHONE, DESK = (360, 740), (1280, 900)
VIEWS = ("overview", "basis", "hour_band", "places", "delivery", "basis*outcome", "indicators")


def seeded(api: RunningApi) -> StatisticsSettings:
    folder = api.folder / "data"
    return load(
        StatisticsSettings, demo=True, data_folder=folder, database_url=f"sqlite:///{folder / 'receipts.sqlite3'}"
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[RunningApi]:
    """The service as a process, with made-up checks of the last quarter: what ``make serve`` shows."""
    now = datetime.now(UTC)
    with running_api(tmp_path_factory.mktemp("dashboard"), "api") as api:
        api.processes.run("directory", "import", str(DIRECTORY))
        facts = made_up_facts(load_law(), read_roster(DIRECTORY).officers, released_months(now)[:3])
        assert count_made_up_checks(seeded(api), facts, now) > 30_000
        api.processes.run("statistics", "release", "--due")
        yield api


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium in /usr/bin")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield running
        running.close()


@contextmanager
def opened(browser: Browser, service: RunningApi, size=DESK, locale="fr-FR", *, signed_in=True) -> Iterator[Page]:
    """Open the dashboard without scripts, sign in, and hold the pages to not having complained."""
    complaints: list[str] = []
    context = browser.new_context(locale=locale, viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on(
        "request",
        lambda request: None if request.url.startswith((service.url, "data:")) else complaints.append(request.url),
    )
    try:
        page.goto(f"{service.url}/supervision")
        if signed_in:
            page.locator("button[value=demo-supervisor-paris]").click()
            page.wait_for_url(f"{service.url}/supervision")
            page.locator("h1").wait_for()
        yield page
        assert complaints == []
    finally:
        context.close()


def show(page: Page, service: RunningApi, view: str, area: str = "UPN-75") -> None:
    page.goto(f"{service.url}/supervision?area={area}&view={view}")


def test_signing_in_leads_back_and_leaves_one_cookie(browser, service):
    with opened(browser, service) as page:
        assert page.url == f"{service.url}/supervision"
        assert page.locator("h1").inner_text().startswith("Direction de la sécurité de proximité")
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("receipt-session", True, "Lax")
        assert 3000 < cookie["expires"] - datetime.now(UTC).timestamp() <= 3700
        assert "eyJ" not in cookie["value"]


def test_signing_in_leads_to_the_page_that_was_asked_for(browser, service):
    with opened(browser, service, signed_in=False) as page:
        page.goto(f"{service.url}/supervision?area=UPN-75-10&view=hour_band&lang=en")
        page.locator("button[value=demo-supervisor-paris]").click()
        assert page.locator(".when").inner_text().endswith("Hours")
        assert page.locator("h1").inner_text() == "Commissariat du 10e arrondissement"
        assert "code=" not in page.url


def test_signing_out_ends_the_session(browser, service):
    with opened(browser, service) as page:
        page.get_by_role("button", name="Se déconnecter").click()
        assert page.locator("h1").inner_text() == "Vous êtes déconnecté"
        assert page.context.cookies() == []
        page.goto(f"{service.url}/supervision")
        assert "/demo/oidc/authorize" in page.url


def test_the_answer_of_a_sign_in_is_good_once(browser, service):
    with opened(browser, service, signed_in=False) as page:
        answers: list[str] = []
        page.on("request", lambda request: answers.append(request.url) if "/callback?" in request.url else None)
        page.locator("button[value=demo-supervisor-paris]").click()
        again = page.context.request.get(answers[0], max_redirects=0)
        assert again.status == 400
        assert page.context.request.get(f"{service.url}/supervision", max_redirects=0).status == 200


def test_the_form_leads_from_table_to_table(browser, service):
    with opened(browser, service, locale="en-GB") as page:
        page.get_by_label("Table", exact=True).select_option("outcome")
        page.get_by_label("Unit or territory").select_option("UPN-75-11")
        page.get_by_role("button", name="Show").click()
        assert page.locator("h1").inner_text() == "Commissariat du 11e arrondissement"
        assert page.get_by_role("table").count() == 1
        assert page.get_by_role("row", name=re.compile("Free to go")).get_by_role("cell").first.inner_text()
        page.get_by_role("link", name="Unit above").click()
        assert "agglomération parisienne" in page.locator("h1").inner_text()


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
@pytest.mark.parametrize("size", [PHONE, DESK, (320, 640)])
def test_every_view_fits_its_screen(browser, service, size, locale):
    with opened(browser, service, size, locale) as page:
        for view in VIEWS:
            show(page, service, view)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], view
            cut = page.evaluate(
                "[...document.querySelectorAll('svg text')].filter(node => {"
                "  const box = node.getBoundingClientRect();"
                "  return box.right > innerWidth || box.left < 0; }).map(node => node.textContent)"
            )
            assert cut == [], view


COLOURS = """() => [...document.querySelectorAll("body *")]
  .filter((node) => node.checkVisibility() && !node.closest(".skip") && node.tagName !== "OPTION")
  .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
  .filter((node) => !["TITLE", "DESC", "title", "desc"].includes(node.tagName))
  .map((node) => {
    let ground = node;
    const clear = (each) => getComputedStyle(each).backgroundColor === "rgba(0, 0, 0, 0)";
    while (ground !== document.documentElement && clear(ground)) ground = ground.parentElement;
    const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number).slice(0, 3);
    const ink = node.namespaceURI.endsWith("svg") ? getComputedStyle(node).fill : getComputedStyle(node).color;
    return [node.tagName, numbers(ink), numbers(getComputedStyle(ground).backgroundColor)];
  })"""
BARS = """() => [...document.querySelectorAll("svg .bar, svg .interval")].map((node) => {
    const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number).slice(0, 3);
    const style = getComputedStyle(node);
    const ground = getComputedStyle(document.documentElement).backgroundColor;
    return [node.getAttribute("class"), numbers(style.stroke === "none" ? style.fill : style.stroke), numbers(ground)];
  })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_bars_have_contrast(browser, service, scheme):
    with opened(browser, service) as page:
        page.emulate_media(color_scheme=scheme)
        for view in ("basis", "indicators", "basis*outcome"):
            show(page, service, view)
            assert [tag for tag, ink, ground in page.evaluate(COLOURS) if contrast(ink, ground) < 4.5] == []
            assert [kind for kind, ink, ground in page.evaluate(BARS) if contrast(ink, ground) < 3] == []


def test_the_page_is_structured_for_screen_readers(browser, service):
    with opened(browser, service) as page:
        for view in VIEWS:
            show(page, service, view)
            levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(node => Number(node.tagName[1]))")
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(after - before <= 1 for before, after in pairwise(levels))
            drawings, tables = page.get_by_role("img"), page.get_by_role("table")
            assert drawings.count() <= tables.count()
            assert all('img "' in drawing.aria_snapshot() for drawing in drawings.all())
            assert page.get_by_role("main").count() == 1
            assert page.evaluate("document.documentElement.lang") == "fr"


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(browser, service):
    with opened(browser, service) as page:
        reached = []
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        assert reached[0] == "Aller aux nombres"
        order = [reached.index(each) for each in ("English", "Se déconnecter", "area", "period", "view", "Afficher")]
        assert order == sorted(order)
        assert "Commissariat du 10e arrondissement" in reached
        page.keyboard.press("Home")
        page.goto(page.url)
        page.locator("h1").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_printing_leaves_the_numbers_and_drops_the_controls(browser, service):
    with opened(browser, service) as page:
        show(page, service, "basis")
        page.emulate_media(media="print")
        assert page.locator("form.choose").is_hidden()
        assert page.get_by_role("button", name="Se déconnecter").is_hidden()
        assert page.locator("svg.chart").is_visible()
        assert page.get_by_role("table").is_visible()
        assert page.locator("#limits").is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_made_up_checks_are_said_to_be(browser, service):
    with opened(browser, service) as page:
        for view in VIEWS:
            show(page, service, view)
            assert "inventés" in page.locator(".demonstration").inner_text()


def test_made_up_checks_are_refused_outside_the_demonstration_and_beside_real_ones(service):
    with pytest.raises(ConfigurationError, match="already"):
        count_made_up_checks(seeded(service), [], datetime.now(UTC))
    with pytest.raises(ConfigurationError, match="demonstration"):
        count_made_up_checks(seeded(service).model_copy(update={"demo": False}), [], datetime.now(UTC))


@pytest.mark.parametrize("month", range(1, 13))
def test_the_months_shown_are_over(month):
    months = released_months(datetime(2026, month, 4, tzinfo=UTC))

    assert months[2] % 100 % 3 == 0
    assert months == tuple(sorted(months))
    assert months[-1] < 202600 + month
