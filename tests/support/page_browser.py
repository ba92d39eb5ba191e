"""The verification page in a real browser, of the size of a phone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.page_site import Site, page_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    if not CHROMIUM.exists():
        pytest.skip("no Chromium in /usr/bin")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  every run of every test imports this module

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with page_site() as running:
        yield running


@contextmanager
def opened(
    browser: "Browser", url: str, *, locale: str = "fr-FR", errors: int = 0, at: datetime | None = None
) -> "Iterator[Page]":
    """Open the page, by the clock of ``at`` if given, wait for its result, and hold it to not having complained."""
    complaints: list[str] = []
    context = browser.new_context(locale=locale, viewport={"width": 360, "height": 740}, accept_downloads=True)
    page = context.new_page()
    if at is not None:
        page.clock.set_fixed_time(at)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(url)
        settled(page)
        yield page
        assert len(complaints) == errors, complaints
    finally:
        context.close()


def settled(page: "Page") -> None:
    page.wait_for_selector("#verdict-title:not(:empty)")
    page.wait_for_selector("#verdict:not([data-status=working])")


def verdict(page: "Page") -> tuple[str | None, str | None]:
    box = page.locator("#verdict")
    return box.get_attribute("data-status"), box.get_attribute("data-reason")
