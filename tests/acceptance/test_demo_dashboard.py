"""``demo --serve`` has something to show on the dashboard, says that it is made up, and leads there by a link."""

import json
import re
import urllib.request

from tests.support.dashboard import Page


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read().decode()


def test_the_demonstration_has_figures_and_says_that_they_are_made_up(staying_demo):
    form = b"subject=demo-supervisor-paris&roles=supervisor"
    with urllib.request.urlopen(f"{staying_demo.api}/demo/oidc/token", form, timeout=10) as answer:
        token = json.load(answer)["access_token"]

    text = get(f"{staying_demo.api}/supervision?view=basis", Authorization=f"Bearer {token}")

    (table,) = Page(text).tables
    assert sum(row.checks or 0 for row in table.rows) > 10_000
    assert "inventés" in text


def test_the_demonstrations_page_leads_to_the_dashboard_and_that_to_signing_in(staying_demo):
    page = re.search(r"page +(http://127\.0\.0\.1:\d+)/", staying_demo.story)[1]
    assert f'href="{staying_demo.api}/supervision"' in get(page)
    assert f"{staying_demo.api}/supervision" in staying_demo.story

    asked = get(f"{staying_demo.api}/supervision")

    assert next(button["value"] for button in Page(asked).having("button")) == "demo-supervisor-paris"
