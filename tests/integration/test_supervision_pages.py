"""``/supervision`` on real parts: the API's numbers and no others, who may see them, and pages anybody can use."""

import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from receipt_service.statistics.method.cell_key import THRESHOLD
from receipt_service.web.app import create_app
from receipt_service.web.authentication import Role
from receipt_service.web.routes.supervision import supervision_router
from tests.support.asgi import AsgiClient
from tests.support.dashboard import CROSSED, VIEWS, Page, get_page, release_figures, shown_page


@pytest.fixture
def database_url(sqlite_url):
    """One database: pages know none; that their numbers are right on both is held elsewhere."""
    return sqlite_url


@pytest.fixture
def released(api):
    """Few checks: quickly released, and much of them not shown."""
    release_figures(api.engine, size=600)
    return api


@pytest.fixture
def released_in_full(api):
    release_figures(api.engine)
    return api


def test_nothing_below_the_threshold_is_on_any_page(released):
    for view in (*VIEWS, *CROSSED):
        numbers = [row.checks for table in shown_page(released, view=view).tables for row in table.rows if row.checks]
        assert [number for number in numbers if number < THRESHOLD] == []


def test_every_table_says_how_it_is_protected(released_in_full):
    for view in VIEWS:
        page = shown_page(released_in_full, view=view)
        for table in page.tables:
            assert all(
                row.cells[2] in {"perturbed", "merged, perturbed", "withheld", "merged with the others"}
                for row in table.rows
            )
        assert page.tables
        assert page.text.count("What is missing or withheld") >= len(page.tables)
        assert [link for link in page.having("a") if str(link["href"]).startswith("/supervision/method")]
        assert "cannot be measured" in page.text


def test_before_anything_is_released_the_page_says_so(api):
    for language, words in (("en", "Nothing is released yet"), ("fr", "Rien n’est encore diffusé")):
        answer = get_page(api, language=language)
        assert answer.status == 200
        assert words in answer.body.decode()


def test_an_area_of_which_nothing_may_be_shown_shows_nothing(api):
    release_figures(api.engine, size=25)

    page = shown_page(api, area="UPN-75-10", period="2026-07", view="outcome")

    assert [row for table in page.tables for row in table.rows if row.checks is not None] == []
    assert "Not shown" in page.text


@pytest.mark.parametrize(
    ("subject", "role", "query", "status"),
    [
        ("agent-3", Role.OFFICER, {}, 403),
        ("agent-3", Role.AUDITOR, {}, 403),
        ("agent-5", Role.SUPERVISOR, {}, 403),
        ("agent-2", Role.SUPERVISOR, {"area": "UPN-75"}, 403),
        ("agent-3", Role.SUPERVISOR, {"area": "UPN-973"}, 403),
        ("agent-3", Role.SUPERVISOR, {"area": "D973"}, 403),
        ("agent-3", Role.SUPERVISOR, {"area": "F"}, 403),
        ("agent-3", Role.SUPERVISOR, {"area": "nonsense"}, 422),
        ("agent-3", Role.SUPERVISOR, {"area": "C75110", "view": "reason"}, 422),
        ("agent-3", Role.SUPERVISOR, {"view": "officer"}, 422),
        ("agent-3", Role.SUPERVISOR, {"period": "2026-10"}, 404),
        ("agent-3", Role.SUPERVISOR, {"period": "2026-10-01"}, 422),
        ("agent-3", Role.SUPERVISOR, {"officer": "1234567"}, 422),
    ],
)
def test_refusals_are_pages_in_words(released, subject, role, query, status):
    answer = get_page(released, subject, role, **query)

    assert answer.status == status
    assert answer.header("content-type") == "text/html; charset=utf-8"
    page = Page(answer.body.decode())
    assert len(page.having("h1")) == 1
    assert page.tables == []


def test_a_unit_of_another_and_one_that_there_is_not_are_refused_alike(released):
    other, none = get_page(released, area="UPN-973"), get_page(released, area="UNO-SUCH")

    assert other.body.replace(b"UPN-973", b"UNO-SUCH") == none.body


def test_a_period_that_is_not_released_names_those_that_are(released):
    assert "2026-Q3" in get_page(released, period="2026-10").body.decode()


def test_without_sign_in_the_page_waits_for_a_proxys_token(released):
    services = replace(released.process.services, sign_in=None, start=None, stop=None)
    with AsgiClient(create_app(services)) as client:
        answer = get_page(released, subject=None, client=client)
        assert answer.status == 401
        assert answer.header("www-authenticate") is not None
        assert "Authorization" in answer.body.decode()
        assert get_page(released, client=client).status == 200
        for path in ("/supervision/sign-in", "/supervision/callback?code=x&state=y"):
            assert client.request("GET", path).status == 401


def test_without_a_session_the_browser_is_sent_to_sign_in_and_back(released):
    answer = get_page(released, subject=None, area="UPN-75", view="basis", officer="1")

    assert answer.status == 303
    path, _, query = str(answer.header("location")).partition("?")
    assert path == "/supervision/sign-in"
    assert parse_qs(query) == {"area": ["UPN-75"], "view": ["basis"]}


def test_a_bad_token_of_a_proxy_is_refused_and_a_spoilt_session_begins_anew(released):
    bad = released.client.request("GET", "/supervision", headers={"authorization": "Bearer nonsense"})
    spoilt = released.client.request("GET", "/supervision", headers={"cookie": "receipt-session=AAAA"})
    sign_in = released.process.services.sign_in
    now = released.process.services.clock()
    old = sign_in.session_cookie(b"not.a.token", now.timestamp() + 60, now).partition(";")[0]

    assert bad.status == 401
    assert (spoilt.status, spoilt.header("location")) == (303, "/supervision/sign-in")
    refused = released.client.request("GET", "/supervision", headers={"cookie": old})
    assert (refused.status, refused.header("location")) == (303, "/supervision/sign-in")


def test_a_session_of_an_officer_is_refused(released):
    services = released.process.services
    now = services.clock()
    token = released.token("agent-3", Role.OFFICER).encode()
    cookie = services.sign_in.session_cookie(token, now.timestamp() + 60, now).partition(";")[0]

    assert released.client.request("GET", "/supervision", headers={"cookie": cookie}).status == 403


def test_only_our_own_page_signs_out(released):
    own = released.client.request("POST", "/supervision/sign-out", headers={"sec-fetch-site": "same-origin"})
    other = released.client.request("POST", "/supervision/sign-out", headers={"sec-fetch-site": "cross-site"})

    assert (own.status, own.header("location")) == (303, "/supervision/signed-out")
    assert "receipt-session=;" in str(own.header("set-cookie"))
    assert "Max-Age=0" in str(own.header("set-cookie"))
    assert (other.status, other.header("set-cookie")) == (403, None)
    assert (
        "signed out"
        in released.client.request("GET", "/supervision/signed-out", headers={"accept-language": "en"}).body.decode()
    )


def test_an_answer_that_no_sign_in_waits_for_is_refused(released):
    answer = released.client.request("GET", "/supervision/callback?code=x&state=y", headers={"accept-language": "en"})

    assert answer.status == 400
    assert "Begin again" in answer.body.decode()
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize(("given", "language"), [("fr-FR", "fr"), ("en;q=0.9", "en"), ("de", "fr")])
def test_the_language_is_the_readers(released, given, language):
    answer = get_page(released, language=given)

    assert answer.header("content-language") == language
    assert Page(answer.body.decode()).having("html") == [{"lang": language}]


def test_the_language_of_the_address_comes_first_and_stays(released):
    page = shown_page(released, language="fr", lang="en", view="basis", area="UPN-75-10")
    switch = [link for link in page.having("a") if link.get("hreflang")]

    assert page.having("html") == [{"lang": "en"}]
    assert [parse_qs(str(link["href"]).partition("?")[2]) for link in switch] == [
        {"area": ["UPN-75-10"], "view": ["basis"], "lang": ["fr"]},
        {"area": ["UPN-75-10"], "view": ["basis"], "lang": ["en"]},
    ]
    assert [link.get("aria-current") for link in switch] == [None, "page"]


def test_pages_are_shut_in_and_kept_nowhere(released):
    for answer in (
        get_page(released),
        get_page(released, area="UPN-973"),
        released.client.request("GET", "/supervision/method"),
    ):
        policy = dict(part.split(" ", 1) for part in str(answer.header("content-security-policy")).split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert (policy["style-src"], policy["form-action"]) == ("'self'", "'self'")
        assert "script-src" not in policy
        assert answer.header("cache-control") == "no-store"
        assert answer.header("referrer-policy") == "no-referrer"


def test_pages_have_no_script_and_nothing_from_elsewhere(released):
    for view in (*VIEWS, "basis*outcome", "indicators"):
        text = get_page(released, view=view).body.decode()
        page = Page(text)
        assert page.having("script") == []
        assert re.findall(r"<[^>]*\s(?:style|on[a-z]+)=", text) == []
        loaded = [link["href"] for link in page.having("link")]
        assert [address for address in loaded if not str(address).startswith(("/r/static/", "data:"))] == []
        links = [str(link["href"]) for link in page.having("a")]
        assert [address for address in links if not address.startswith(("/", "#"))] == []


def test_tables_drawings_and_fields_are_named(released):
    for view in (*VIEWS, "basis*outcome", "indicators"):
        page = shown_page(released, view=view)
        assert all(table.caption for table in page.tables)
        assert {scope for table in page.tables for scope in table.scopes} <= {"col", "row", "rowgroup"}
        identifiers = [str(each["id"]) for _, each in page.elements if "id" in each]
        assert len(identifiers) == len(set(identifiers))
        for name in ("aria-labelledby", "for"):
            named = [part for _, each in page.elements for part in str(each.get(name) or "").split()]
            assert [part for part in named if part not in identifiers] == []
        assert all(svg.get("role") == "img" and svg.get("aria-labelledby") for svg in page.having("svg"))
        assert {label["for"] for label in page.having("label")} == {select["id"] for select in page.having("select")}
        assert page.having("main")
        assert page.having("nav")


def test_the_form_offers_what_may_be_asked_and_nothing_else(released):
    page = shown_page(released)
    values = [str(option["value"]) for option in page.having("option")]

    assert {"UPN-75", "UPN-75-10", "UPN-75-18", "D75"} <= set(values)
    assert [value for value in values if "973" in value or "GN" in value or value == "F"] == []
    assert {"2026-07", "2026-Q3"} <= set(values)
    for view in [value for value in values if value in {*VIEWS, *CROSSED, "indicators"}]:
        assert get_page(released, view=view).status == 200


def test_a_unit_seated_in_many_departments_leads_to_each_of_them(released, monkeypatch):
    monkeypatch.setattr("receipt_service.web.supervision.views.MOST_PLACES", 0)

    page = shown_page(released, view="places")

    assert page.tables == []
    links = [parse_qs(str(link["href"]).partition("?")[2]) for link in page.having("a")]
    assert {"area": ["D75"], "period": ["2026-Q3"], "view": ["places"], "lang": ["en"]} in links


def test_the_method_is_told_to_everybody(released):
    answer = released.client.request("GET", "/supervision/method", headers={"accept-language": "fr"})

    assert answer.status == 200
    assert "méthode des clés aléatoires" in answer.body.decode()
    assert "Taux de suite par fondement" in answer.body.decode()


def test_the_dashboard_is_for_supervisors_and_the_way_to_it_for_everybody():
    roles = {
        (method, route.path): route.endpoint.roles for route in supervision_router().routes for method in route.methods
    }

    assert roles.pop(("GET", "/supervision")) == (Role.SUPERVISOR,)
    assert set(roles.values()) == {()}
    assert not any(route.include_in_schema for route in supervision_router().routes)
