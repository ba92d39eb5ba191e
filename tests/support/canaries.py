"""Five hundred people who do not exist, every field of theirs a marker, and the search for the markers' every spelling.

The search itself is GNU grep's, for fixed strings: no code of ours decides what counts as found.
"""

import base64
import json
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from receipt_service.demo.identity_search import spellings
from tests.support.checks_of_now import check_body

IDENTITIES = 500
_LETTERS = "bcdfghjklmnprstvwxyz"
_FIRST_BIRTH = date(1911, 1, 1)
_FIRST_NUMBER = 33_639_981_000
_SHORTEST = 7
CHANNELS = ("sms", "email", "both", "screen", "paper", "declined")


def _code(number: int) -> str:
    """Four letters for a number; no two numbers share them."""
    letters = []
    for _ in range(4):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)


@dataclass(frozen=True)
class Canary:
    """One person."""

    number: int

    @cached_property
    def code(self) -> str:
        return _code(self.number)

    @property
    def family_name(self) -> str:
        return f"Zwéqual-{self.code}"

    @property
    def given_names(self) -> str:
        return f"Xyàmque {self.code.title()}"

    @property
    def birth_place(self) -> str:
        return f"Qwistrôff-{self.code}"

    @property
    def birth_date(self) -> str:
        return (_FIRST_BIRTH + timedelta(days=self.number)).isoformat()

    @property
    def sms(self) -> str:
        return f"+{_FIRST_NUMBER + self.number}"

    @property
    def email(self) -> str:
        """A mailbox; some are nobody's, and the server says so."""
        return f"{'nobody.' if self.number % 9 == 4 else ''}kwz.{self.code}@zyqmail.example.org"

    @property
    def channel(self) -> str:
        return CHANNELS[self.number % len(CHANNELS)]

    def body(self, **changed: Any) -> dict[str, Any]:
        """A valid check of this person, by the channel that is theirs."""
        recipient: dict[str, Any] = {
            "sms": {"sms": self.sms},
            "email": {"email": self.email},
            "both": {"sms": self.sms, "email": self.email, "on_screen": True},
            "screen": {"on_screen": True},
            "paper": {"on_paper": True},
            "declined": {"declined": True},
        }[self.channel]
        person = {
            "identity": "established",
            "family_name": self.family_name,
            "given_names": self.given_names,
            "birth_date": self.birth_date,
            "birth_place": self.birth_place,
            "established_by": "identity_card",
        }
        return {**check_body(person=person, recipient=recipient), **changed}

    def markers(self) -> Iterator[str]:
        """Every text that would give this person away, as people and programs write it."""
        yield from (self.family_name, self.given_names, self.birth_place, self.email, self.sms, self.birth_date)
        digits = self.sms.removeprefix("+33")
        yield f"33{digits}"
        yield f"0{digits}"
        yield "0" + " ".join((digits[:1], digits[1:3], digits[3:5], digits[5:7], digits[7:]))
        yield "+33 " + " ".join((digits[:1], digits[1:3], digits[3:5], digits[5:7], digits[7:]))
        year, month, day = self.birth_date.split("-")
        yield f"{day}/{month}/{year}"


def without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def forms(text: str) -> frozenset[bytes]:
    """Everything a marker may look like on a disk, beyond what the demonstration's own search looks for."""
    found: set[bytes] = set()
    for plain in {text, without_accents(text), unicodedata.normalize("NFD", text)}:
        found |= spellings(plain)
        for cased in (plain, plain.upper(), plain.lower()):
            for written in (
                quote(cased, safe=""),
                quote_plus(cased),
                quote(cased, safe="").lower(),
                json.dumps(cased)[1:-1],
                json.dumps(cased)[1:-1].replace("\\u00e", "\\u00E"),
                escape(cased),
                cased.encode("ascii", "xmlcharrefreplace").decode(),
                repr(cased.encode())[2:-1],
                cased.encode("unicode_escape").decode(),
                quote(cased, safe="", encoding="latin-1", errors="replace"),
            ):
                found.add(written.encode())
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                raw = cased.encode(encoding)
                found |= {raw.hex().encode(), raw.hex().upper().encode()}
    return frozenset(form for form in found if len(form) >= _SHORTEST)


@dataclass(frozen=True)
class Finding:
    """What a search read and where it found something."""

    files: tuple[Path, ...]
    bytes_read: int
    hits: tuple[Path, ...]


class MarkerSearch:
    """The list of all forms, written once, and grep over whatever folders."""

    def __init__(self, markers: Iterable[str], list_file: Path) -> None:
        every = frozenset(form for marker in markers for form in forms(marker))
        assert not any(b"\n" in form for form in every)
        list_file.write_bytes(b"\n".join(sorted(every)) + b"\n")
        self.forms = len(every)
        self._list_file = list_file

    def run(self, *folders: Path) -> Finding:
        """Read every byte of every file, and every path's own name."""
        files = tuple(path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
        size = sum(path.stat().st_size for path in files if path.exists())
        names = "\n".join(str(path) for folder in folders for path in folder.rglob("*")).encode()
        found = self._grep("-r", "-l", "-D", "skip", *map(str, folders), "-", given=names).splitlines()
        assert b"(standard input)" not in found, "a marker stands in the name of a file"
        return Finding(files, size, tuple(Path(line.decode()) for line in found))

    def _grep(self, *arguments: str, given: bytes) -> bytes:
        for _ in range(3):  # a database may take a file away while grep reads the folder: then once more
            done = subprocess.run(
                ["grep", "-a", "-F", "-f", self._list_file, *arguments],
                input=given,
                capture_output=True,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                check=False,
            )
            if done.returncode in {0, 1}:
                return done.stdout
        raise AssertionError(f"grep could not read everything: {done.stderr.decode()[:500]}")


def plant(folder: Path, canary: Canary) -> int:
    """Write one file for each way of hiding each marker, made without ``forms``; return how many."""
    folder.mkdir()
    count = 0
    for marker in canary.markers():
        for raw in _hidden(marker):
            (folder / f"{count:05}").write_bytes(b"\x00\xff{" + raw + b"}\xfe\x00")
            count += 1
    return count


def _hidden(marker: str) -> Iterator[bytes]:
    for written in (marker, marker.upper(), marker.lower(), without_accents(marker)):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            raw = written.encode(encoding)
            yield raw
            yield raw.hex().encode()
            for before in range(3):
                surrounded = b"\x01" * before + raw + b"\x02" * 4
                yield base64.b64encode(surrounded)
                yield base64.urlsafe_b64encode(surrounded).rstrip(b"=")
        yield json.dumps({"value": written}).encode()
        yield quote(written).encode()
        yield repr(written).encode("unicode_escape")


def hostile_requests(canary: Canary) -> Iterator[tuple[str, str, Mapping[str, str], bytes]]:
    """Requests to be refused, with markers where an error message might quote them: method, path, headers, body."""
    body, name, post = canary.body(), canary.family_name, ("POST", "/v1/checks")
    person = body["person"]

    def sent(**changed: Any) -> bytes:
        return json.dumps({**body, **changed}, ensure_ascii=False).encode()

    ascii_name = without_accents(name)
    yield *post, {}, sent(reason_text=f"Remise d'un objet par {name} à un passant.")
    yield *post, {}, sent(reason_text=f"Joignable au {canary.sms} ou {canary.email}.")
    yield *post, {}, sent(place={"public_place": f"Devant le domicile de {name}", "commune": "75110"})
    yield *post, {}, sent(**{name: canary.email})
    yield *post, {}, sent(person={**person, "family_name": [name]})
    yield *post, {}, sent(person={**person, "family_name": f"{name}\x07"})
    yield *post, {}, sent(person={**person, canary.birth_place: 1})
    yield *post, {}, sent(person={**person, "birth_date": f"{canary.birth_date}T"})
    yield *post, {}, sent(person=name)
    yield *post, {}, sent(recipient={"sms": f"{canary.sms}00000000"})
    yield *post, {}, sent(recipient={"email": f"{canary.email}@{canary.code}"})
    yield *post, {}, sent(recipient={canary.email: True, "sms": canary.sms})
    yield *post, {}, sent(second_language=name)
    yield *post, {}, sent(reasons=[name])
    yield *post, {}, sent(legal_bases=[{"code": name}])
    yield *post, {}, sent(checked_at=name)
    yield *post, {}, sent(ordered_by=name)
    yield *post, {}, sent()[:-20]
    yield *post, {}, sent().replace(b'"person"', b'"person": "%s", "person"' % name.encode())
    yield *post, {}, sent() + b" " * 40_000 + sent() * 60
    yield *post, {}, name.encode("utf-16")
    yield *post, {"Content-Type": f"text/{ascii_name}"}, sent()
    yield *post, {"Content-Encoding": ascii_name}, sent()
    yield *post, {"Idempotency-Key": ascii_name}, sent()
    yield *post, {"Idempotency-Key": f'"{canary.email}"'}, sent()
    yield *post, {"Authorization": f"Bearer {ascii_name}.{canary.code}.x"}, sent()
    yield *post, {"Authorization": f"Basic {base64.b64encode(canary.email.encode()).decode()}"}, sent()
    yield *post, {"Accept": f"text/{ascii_name}", "Accept-Language": ascii_name, "User-Agent": canary.email}, b"{}"
    yield "POST", f"/v1/checks?{quote(name)}={quote(canary.sms)}", {}, sent(reasons=[])
    yield "POST", "/v1/receipts/pdf", {}, json.dumps({"receipt": name, "link": canary.email}).encode()
    for path in ("/v1/stubs/", "/v1/checks/", "/v1/catalogue/", "/r/", "/.well-known/", "/metrics/", "/"):
        yield "GET", path + quote(f"{name} {canary.email}"), {}, b""
    yield "GET", f"/r?to={quote(canary.sms)}&name={quote(name)}", {}, b""
    yield "DELETE", f"/v1/checks/{quote(canary.email)}", {}, b""
