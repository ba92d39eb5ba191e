"""The page, in a real browser, on receipts that no longer stand or have lost a part."""

import pytest

from tests.support.page_browser import opened, settled, verdict
from tests.support.receipts import LATE_CORRECTION
from tests.support.rendered_receipts import REFUSED, Case

pytestmark = pytest.mark.needs_chromium


def test_a_replaced_receipt_is_authentic_and_leads_to_the_new_one(browser, site):
    newer = Case(receipt_number="2ZK7Z2M9K4T8W1XC5VB6ND0RHJ", person=REFUSED, moment=LATE_CORRECTION)
    site.add(newer)
    url = site.add(Case())
    site.stubs[Case().receipt_number] |= {"replaced_by": newer.receipt_number, "reason": "wrong_place"}
    with opened(browser, url) as page:
        assert verdict(page) == ("passed", "")
        state = page.locator("#succession")
        assert state.is_visible()
        assert "remplacé" in state.inner_text()
        assert "lieu erroné" in state.inner_text()
        state.get_by_role("button").click()
        page.wait_for_selector("#succession", state="hidden")
        settled(page)
        assert verdict(page) == ("passed", "")
        assert page.locator("[data-row=replaces]").is_visible()
        assert "14 h 10" in page.locator("[data-row=recorded_by_device_at]").inner_text()


def test_a_cancelled_receipt_and_an_erased_part_are_told(browser, site):
    url = site.add(Case())
    stub = site.stubs[Case().receipt_number]
    stub |= {"cancelled": True, "reason": "duplicate"}
    with opened(browser, url, locale="en-GB") as page:
        assert verdict(page) == ("passed", "")
        assert "This receipt has been cancelled" in page.locator("#succession").inner_text()
        assert page.locator("#succession button").count() == 0
    del stub["cancelled"], stub["reason"]
    leaf, basis, _, *others = Case().receipt.stub.compact.split("~")
    stub |= {"erased": ["consequences"], "stub": "~".join([leaf, basis, *others])}
    with opened(browser, url, locale="en-GB") as page:
        assert verdict(page) == ("passed", "")
        assert "What follows, and remedies" in page.locator("#succession").inner_text()


def test_a_receipt_that_stands_says_nothing_of_it(browser, site):
    with opened(browser, site.add(Case())) as page:
        assert page.locator("#succession").is_hidden()


def test_an_erased_stub_is_no_missing_one(browser, site):
    url = site.add(Case())
    site.erased.add("stubs")
    with opened(browser, url, errors=1) as page:
        assert verdict(page) == ("indeterminate", "stub_erased")
        assert "effacé la souche" in page.locator("#verdict-text").inner_text()
