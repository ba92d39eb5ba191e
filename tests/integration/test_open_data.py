"""``/open-data/``: what was published, as it was signed, to everybody; and nothing that lies beside it."""

import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace

import pytest
from starlette.routing import Router

from receipt_service.bootstrap.open_data import OpenDataShelf
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.statistics.publication.folder import put_in_place, write_draft
from receipt_service.verify.publication import verify_publication
from receipt_service.web.boundary import Boundary
from receipt_service.web.pages import HEADERS
from receipt_service.web.routes.open_data import LANGUAGES, open_data_router, texts
from tests.support.asgi import AsgiClient
from tests.support.publishing import NOW, QUARTER, a_key, files_of, trust_in

KEY = a_key()
FILES = files_of(KEY)
PAGES = ("/open-data", "/open-data/", "/open-data/fr/", "/open-data/en/")


@pytest.fixture
def empty(tmp_path):
    """A client of the open data alone, behind the API's own boundary; nothing is published."""
    router = Router(open_data_router().routes, redirect_slashes=False)
    services = SimpleNamespace(open_data=OpenDataShelf(tmp_path / "open-data"))

    async def with_services(scope, receive, send):
        await router({**scope, "app": SimpleNamespace(state=SimpleNamespace(services=services))}, receive, send)

    with AsgiClient(Boundary(with_services, request_limit_bytes=1000, https=False)) as client:
        yield SimpleNamespace(client=client)


def lay_out(tmp_path):
    root = tmp_path / "open-data"
    root.mkdir()
    write_draft(root, QUARTER, FILES)
    put_in_place(root, QUARTER)
    return root


@pytest.fixture
def shelf(tmp_path):
    """The folder that is served, with one quarter in it."""
    return lay_out(tmp_path)


@pytest.fixture
def site(empty, shelf):
    return empty


def test_the_api_serves_the_folder_that_its_settings_name(api, tmp_path):
    lay_out(tmp_path)

    assert get(api, f"/open-data/{QUARTER}/{MANIFEST}").body == FILES[MANIFEST]
    assert get(api, "/open-data/").body.decode().count("<section") == 1


class Page(HTMLParser):
    """What of a page matters to whoever can't see it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def get(site, path, **headers):
    return site.client.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("path", PAGES)
def test_the_page_lists_every_file_of_every_quarter(site, shelf, path):
    answer = get(site, path)
    page = Page(answer.body.decode())

    assert answer.status == 200
    assert answer.header("content-type") == "text/html; charset=utf-8"
    linked = [link["href"] for link in page.all("a") if "download" in link]
    assert linked == [f"/open-data/{QUARTER}/{name}" for name in FILES]
    assert {get(site, link).status for link in linked} == {200}


@pytest.mark.parametrize("path", PAGES)
def test_the_page_comes_with_the_headers_that_shut_it_in(site, shelf, path):
    answer = get(site, path)

    assert {name: answer.header(name) for name in HEADERS} == dict(HEADERS)
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_can_be_read_without_seeing_it(site, shelf, language):
    text = get(site, f"/open-data/{language}/").body.decode()
    page = Page(text)

    assert page.open == []  # every element is closed in its turn
    assert page.all("html") == [{"lang": language}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert all("scope" in cell for cell in page.all("th"))
    assert len(page.all("table")) == 1
    (labelled,) = page.all("section")
    assert [heading["id"] for heading in page.all("h3")] == [labelled["aria-labelledby"]]
    assert [link["lang"] for link in page.all("a") if link.get("aria-current") == "page"] == [language]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.all("script") == page.all("style") == page.all("img") == []
    assert re.findall(r"\s(?:style|on[a-z]+)=", text) == []


def test_the_page_speaks_the_readers_language_and_else_french(site, shelf):
    asked = {
        "en-GB,en;q=0.9,fr;q=0.1": "en",
        "de, EN;q=0.5": "en",
        "de": "fr",
        "": "fr",
        "fr": "fr",
    }

    for header, language in asked.items():
        answer = get(site, "/open-data/", accept_language=header)
        assert answer.header("content-language") == language
        assert answer.header("vary") == "Accept-Language"
        assert texts(language)["title"] in answer.body.decode()


def test_both_languages_say_the_same_things():
    french, english = texts("fr"), texts("en")

    assert french.keys() == english.keys()
    assert [key for key in french if french[key] == english[key]] == []
    assert set(FILES) - {key for key in FILES if key.startswith("identity")} <= french.keys()


def test_a_page_without_quarters_says_so(empty):
    for language in LANGUAGES:
        answer = get(empty, f"/open-data/{language}/")
        assert answer.status == 200
        assert texts(language)["none"] in answer.body.decode()


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_bytes_that_were_signed_and_may_be_kept_for_ever(site, shelf, name):
    answer = get(site, f"/open-data/{QUARTER}/{name}")

    assert (answer.status, answer.body) == (200, FILES[name])
    assert answer.header("cache-control") == "public, max-age=31536000, immutable"
    assert answer.header("etag") == f'"{hashlib.sha256(FILES[name]).hexdigest()}"'
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("x-content-type-options") == "nosniff"
    kept = get(site, f"/open-data/{QUARTER}/{name}", if_none_match=answer.header("etag"))
    assert (kept.status, kept.body) == (304, b"")
    assert get(site, f"/open-data/{QUARTER}/{name}", if_none_match='"other"').status == 200


def test_what_is_downloaded_verifies(site, shelf):
    manifest = json.loads(get(site, f"/open-data/{QUARTER}/{MANIFEST}").body)
    names = [MANIFEST, SIGNED_MANIFEST, *(file["name"] for file in manifest["files"])]
    downloaded = {name: get(site, f"/open-data/{QUARTER}/{name}").body for name in names}

    assert verify_publication(downloaded, trust_in(KEY), NOW).period == QUARTER


@pytest.mark.parametrize(
    "path",
    [
        f"{QUARTER}/../secret.txt",
        f"{QUARTER}/..%2fsecret.txt",
        f"{QUARTER}/%2e%2e",
        f"{QUARTER}/..",
        f"{QUARTER}/unlisted.txt",
        f"{QUARTER}/",
        f"{QUARTER}",
        "../secret.txt",
        f".{QUARTER}.draft/{MANIFEST}",
        f".2026-Q2.draft/{MANIFEST}",
        f"2026-Q2/{MANIFEST}",
        f"%2e%2e/{MANIFEST}",
        f"{QUARTER}%00/{MANIFEST}",
        "secret/manifest.json",
    ],
)
def test_no_other_file_is_served(site, shelf, path):
    (shelf / "secret.txt").write_text("secret")
    (shelf / QUARTER / "unlisted.txt").write_text("secret")
    (shelf / "secret").mkdir()
    write_draft(shelf, "2026-Q2", FILES)
    for name, content in FILES.items():
        (shelf / "secret" / name).write_bytes(content)
        (shelf / name).write_bytes(content)

    answer = get(site, f"/open-data/{path}")
    assert answer.status == 404
    assert b"secret" not in answer.body
    listed = get(site, "/open-data/en/").body.decode()
    assert listed.count("<section") == 1


def test_a_file_that_was_altered_on_the_disk_is_not_served(site, shelf):
    data = f"identity-checks-{QUARTER}.csv"
    for name in (data, MANIFEST):
        (shelf / QUARTER / name).write_bytes(FILES[name] + b" ")
        answer = get(site, f"/open-data/{QUARTER}/{name}")
        assert (answer.status, answer.problem) == (503, "unavailable")
    (shelf / QUARTER / data).unlink()
    assert get(site, f"/open-data/{QUARTER}/{data}").status == 404


def test_a_folder_without_a_manifest_is_no_publication(site, shelf):
    (shelf / "2026-Q1").mkdir()
    (shelf / "2025-Q4").write_text("a file")
    (shelf / "2025-Q3").mkdir()
    (shelf / "2025-Q3" / SIGNED_MANIFEST).write_text("a.b.c")

    assert get(site, "/open-data/fr/").body.decode().count("<section") == 1
