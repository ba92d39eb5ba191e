"""The search that backs the claim "no identity stays": every byte of every file, in every usual spelling."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PIECE: Final = 1 << 20
_SHORTEST: Final = 4
"""Words below this length occur by chance in keys and compressed pages, and are left out."""
_SHORTEST_BASE64: Final = 7
"""The same for the letters of base64, of which a database of signatures is full."""
_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search went through and found. ``hits`` name files, never what was found in them."""

    identities: int
    forms: int
    files: int
    bytes_read: int
    hits: tuple[Path, ...]


def identities_of(bodies: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """Collect every value of ``person`` and ``recipient`` that could name or reach someone."""
    found: set[str] = set()
    for body in bodies:
        person, recipient = body["person"], body["recipient"]
        assert isinstance(person, Mapping)  # noqa: S101 - our own requests
        assert isinstance(recipient, Mapping)  # noqa: S101 - our own requests
        for name in ("family_name", "given_names", "birth_date", "birth_place"):
            found.add(str(person.get(name, "")))
        for name in ("sms", "email"):
            found.add(str(recipient.get(name, "")))
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def spellings(text: str) -> frozenset[bytes]:
    """Give the bytes under which a text may hide: encodings, cases, JSON escapes, base64 at every offset."""
    plain = {text, text.upper(), text.lower(), text.encode("unicode_escape").decode()}
    encoded = {spelling.encode(name, "ignore") for spelling in plain for name in _ENCODINGS}
    whole = {raw for raw in encoded if len(raw) >= _SHORTEST}
    return frozenset(whole | {piece for raw in whole for piece in _base64(raw)})


def search(folders: Iterable[Path], identities: frozenset[str]) -> SearchResult:
    """Read every file below the folders and look for every spelling of every identity."""
    forms = {form for identity in identities for form in spellings(identity)}
    overlap = max(map(len, forms), default=1) - 1
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    hits = []
    total = 0
    for path in files:
        found = False
        for piece, size in _pieces(path, overlap):
            total += size
            found = found or any(form in piece for form in forms)
        if found:
            hits.append(path)
    return SearchResult(
        identities=len(identities), forms=len(forms), files=len(files), bytes_read=total, hits=tuple(hits)
    )


def _pieces(path: Path, overlap: int) -> Iterator[tuple[bytes, int]]:
    """Give a file in pieces that overlap, so that nothing hides on a seam, and how many bytes are new."""
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield before + piece, len(piece)
            before = (before + piece)[-overlap:] if overlap else b""


def _base64(raw: bytes) -> Iterator[bytes]:
    """Give what stays the same of the text's base64 at each of the three offsets it can begin at."""
    for offset in range(3):
        padded = b"\x00" * offset + raw
        first, end = (offset * 8 + 5) // 6, len(padded) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            stable = encode(padded)[first:end]
            if len(stable) >= _SHORTEST_BASE64:
                yield stable
