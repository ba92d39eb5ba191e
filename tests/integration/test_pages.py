"""The page as the server gives it: small, the same for everybody, and shut."""

import re
import urllib.error
import urllib.request

import pytest

from receipt_service.web.pages import HEADERS, page, static_files, text_files
from tests.support.page_site import page_site


@pytest.fixture(scope="module")
def address():
    with page_site() as site:
        yield site.address


def get(url, headers=None):
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


FILES = ["", *(f"/static/{name}" for name in static_files()), *(f"/texts/{name}" for name in text_files())]


@pytest.mark.parametrize("path", FILES)
def test_every_file_comes_with_the_headers_that_shut_it_in(address, path):
    status, headers, body = get(f"{address}/r{path}")
    assert status == 200
    assert body
    lower = {name.lower(): value for name, value in headers.items()}
    for name, value in HEADERS.items():
        assert lower[name.lower()] == value
    assert lower["content-type"].split(";")[0] in {"text/html", "text/css", "text/javascript", "application/json"}
    assert "set-cookie" not in lower


@pytest.mark.parametrize("path", FILES)
def test_a_copy_that_is_still_good_is_not_sent_again(address, path):
    _, headers, _ = get(f"{address}/r{path}")
    tag = {name.lower(): value for name, value in headers.items()}["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, again, body = get(f"{address}/r{path}", {"If-None-Match": known})
        assert (status, body) == (304, b"")
        assert "Content-Security-Policy" in {name.title() for name in again}
    assert get(f"{address}/r{path}", {"If-None-Match": '"other"'})[0] == 200


def test_the_policy_admits_our_own_files_and_nothing_else():
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_the_whole_page_is_small_and_names_no_other_host():
    files = [page(), *static_files().values(), *text_files().values()]
    assert sum(map(len, files)) <= 120_000
    for content in files:
        hosts = set(re.findall(rb"https?://[^\s\"'`)/]+", content))
        assert hosts <= {b"https:"}, hosts


def test_nothing_makes_markup_of_a_text_or_runs_a_string():
    for name, content in static_files().items():
        for forbidden in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"document.write", b"eval(", b"Function("):
            assert forbidden not in content, name
        for storage in (b"localStorage", b"sessionStorage", b"document.cookie", b"indexedDB"):
            assert storage not in content, name


def test_the_page_holds_no_inline_script_or_style():
    text = page().decode()
    assert re.findall(r"<script(?![^>]*src=)", text) == []
    assert "<style" not in text
    assert re.findall(r"\s(?:style|on[a-z]+)=", text) == []


def test_every_text_that_the_page_asks_for_is_there():
    texts = text_files()["fr.json"].decode()
    scripts = b"".join(content for name, content in static_files().items() if name.endswith(".js")).decode()
    asked = set(re.findall(r'data-text="([^"]+)"', page().decode()))
    asked |= set(re.findall(r'say\.say\("([^"]+)"', scripts)) | set(re.findall(r'words\.say\("([^"]+)"', scripts))
    assert len(asked) >= 25
    assert [key for key in sorted(asked) if f'"{key}"' not in texts] == []


def test_every_reason_that_the_page_can_give_has_a_text():
    scripts = b"".join(content for name, content in static_files().items() if name.endswith(".js")).decode()
    texts = text_files()["fr.json"].decode()
    own = set(re.findall(r'"([a-z_]+)", "indeterminate"', scripts)) | {"key_unknown", "issuer_unknown"}
    assert own >= {"stub_unreachable", "stub_not_found", "keys_unreachable", "link_malformed"}
    assert [reason for reason in sorted(own) if f'"reason.{reason}"' not in texts] == []


@pytest.mark.parametrize("name", ["../pages.py", "%2e%2e/pages.py", "nothing.js", "page.js/", "verify.html"])
def test_no_other_file_is_served(address, name):
    assert get(f"{address}/r/static/{name}")[0] == 404
