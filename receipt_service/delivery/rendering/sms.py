"""The text message: what happened, under which law, who answers for it, and the link to all the rest.

Everything is folded to GSM-7 and the whole takes four segments at most, three as a rule. When a
text is longer, the free texts give way first and say so with ``...``; the basis, the outcome, the
time, the officer's number and the link are never cut. The identity stands nowhere in the clear:
the link carries it in its fragment, in base64url.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from receipt_service.delivery.rendering import gsm7
from receipt_service.delivery.rendering.labels import FRENCH, chosen, labels
from receipt_service.delivery.rendering.sheet import catalogue_of, title
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.errors import ReceiptServiceError

MAX_SEGMENTS: Final = 4
MAX_SEPTETS: Final = MAX_SEGMENTS * gsm7.SEGMENT_SEPTETS

USUAL_SEPTETS: Final = 3 * gsm7.SEGMENT_SEPTETS

_MARK: Final = "..."


class LinkTooLong(ReceiptServiceError):
    """The link leaves no room for a message; the address of the page is set too long."""


@dataclass(frozen=True, slots=True, repr=False)
class SmsText:
    """The exact body to send, and what it will be billed as."""

    text: str
    segments: int

    def __repr__(self) -> str:
        """Show nothing: the link is in the text."""
        return f"SmsText(…, segments={self.segments})"


@dataclass(frozen=True, slots=True)
class _Piece:
    """``before`` + ``text``. Without ``give`` both stay; the pieces with the lowest ``give`` give way first.

    ``least`` is the length to which the text may be shortened; 0 means that it goes as a whole.
    A text that went leaves ``before`` and the mark behind, or nothing if it is ``silent``.
    """

    text: str
    before: str = ""
    give: int | None = None
    least: int = 0
    silent: bool = False

    @property
    def whole(self) -> str:
        return f"{self.before}{self.text}"

    def cut(self, excess: int) -> "_Piece":
        """Give up ``excess`` septets, or as many as the text has above its least length."""
        wanted = max(gsm7.septets(self.text) - excess - len(_MARK), self.least)
        text = self.text
        while gsm7.septets(text) > wanted:
            text = text[:-1]
        text = text.rstrip(" ,.;:-'") + _MARK
        return replace(self, text=text) if gsm7.septets(text) < gsm7.septets(self.text) else self

    def gone(self) -> "_Piece":
        """Leave nothing but the mark."""
        return replace(self, text="", before="") if self.silent else replace(self, text=_MARK)


def render_sms(
    receipt: Receipt, url: str, catalogues: Mapping[str, Catalogue], languages: tuple[str, ...] = (FRENCH,)
) -> SmsText:
    """Write the message for a receipt whose link is ``url``.

    The text is French; a second language gets one line that says where to read it, since half of
    two languages would serve nobody. When the names are so long that the link alone would fill the
    message, the link goes without the person (the page then shows the stub) and the text says so.

    Raises ``CatalogueUnknown``, and ``LinkTooLong`` when even that can't be sent.
    """
    catalogue = catalogue_of(receipt, catalogues)
    pieces = [
        *_pieces(receipt.claims(), catalogue),
        *(_Piece(f"\n{_line(labels(other)('sms.other'))}", give=0, silent=True) for other in chosen(languages)[1:]),
    ]
    for key, link in (("sms.link", url), ("sms.link_without_person", _without_person(url))):
        end = _Piece(f"\n{_line(labels(FRENCH)(key))}: {link}")
        for limit, last in ((USUAL_SEPTETS, 0), (MAX_SEPTETS, _LAST)):
            text = _fitted([*pieces, end], limit, last)
            if text is not None:
                return SmsText(text, gsm7.count(text).segments)
    raise LinkTooLong("the link leaves no room for the text of a message")


_LAST: Final = 9
"""Highest ``give``. For three segments only level 0 (the hint) goes and texts are cut; for four any level may go."""


def _pieces(claims: Mapping[Group, Any], catalogue: Catalogue) -> list[_Piece]:
    say = labels(FRENCH)
    legal, where, officer = claims[Group.LEGAL_BASIS], claims[Group.WHEN_WHERE], claims[Group.OFFICER]
    bases = [_line(catalogue.short("bases", basis["code"], FRENCH)) for basis in legal["bases"]]
    outcomes = [_line(catalogue.short("outcomes", code, FRENCH)) for code in claims[Group.CONSEQUENCES]["outcomes"]]
    family = str(catalogue.bases[legal["bases"][0]["code"]].family)
    moment = where["checked_at"]
    return [
        _Piece(f"{_line(title(say, 'sms.title', family))}\n", give=9, silent=True),
        _Piece(f"{moment[8:10]}/{moment[5:7]}/{moment[:4]} {moment[11:16]}"),
        _Piece(_line(where["place"]), before=", ", give=3, least=16),
        _Piece(f"{_line(where['commune_name'])} ({where['department']})", before=", ", give=8),
        *_replaced(where),
        _Piece(f"\n{_line(say('sms.basis'))}: {bases[0]}"),
        *(_Piece(basis, before=" + ", give=5) for basis in bases[1:]),
        *_reasons([_line(catalogue.short("reasons", code, FRENCH)) for code in legal["reasons"]], legal),
        _Piece(f"\n{_line(say('sms.outcome'))}: {outcomes[0]}"),
        *(_Piece(outcome, before=", ", give=6) for outcome in outcomes[1:]),
        _Piece(f"\n{_line(say('sms.officer'))} {_line(officer['number'])}"),
        _Piece(_line(officer["service"]["name"]), before=", ", give=2, least=10),
    ]


def _replaced(where: Mapping[str, Any]) -> Iterator[_Piece]:
    """Say which receipt this one takes the place of; never cut."""
    replaced = where.get("replaces")
    if replaced is not None:
        at = replaced["recorded_at"]
        date = f"{at[8:10]}/{at[5:7]}/{at[:4]}"
        yield _Piece(f"\n{_line(labels(FRENCH)('sms.replaces', number=replaced['receipt_number'], date=date))}")


def _reasons(reasons: list[str], legal: Mapping[str, Any]) -> Iterator[_Piece]:
    """Write the coded reasons, then the officer's words, on one line."""
    said = _line(legal.get("reason_text", ""))
    before = f"\n{_line(labels(FRENCH)('sms.reason'))}: "
    for at, reason in enumerate(reasons):
        yield _Piece(reason, before=", " if at else before, give=4 if at else 7)
    if said:
        yield _Piece(said, before=". " if reasons else before, give=1, least=24)


def _fitted(pieces: list[_Piece], limit: int, last: int) -> str | None:
    """Join the pieces within ``limit`` septets, or return ``None``.

    The hint goes first; then the free texts are cut, the officer's words before the service and the
    place; then pieces go whole, up to level ``last``.
    """
    gives = {at: piece.give for at, piece in enumerate(pieces) if piece.give is not None}
    by_level = sorted(gives, key=lambda at: (gives[at], -at))  # of one level, the last of a list first
    hints = [at for at in by_level if gives[at] == 0]
    cuts = [at for at in by_level if pieces[at].least]
    goes = [at for at in by_level if 0 < gives[at] <= last]
    for at, step in [*((at, "go") for at in hints), *((at, "cut") for at in cuts), *((at, "go") for at in goes)]:
        excess = _size(pieces) - limit
        if excess <= 0:
            break
        pieces[at] = pieces[at].cut(excess) if step == "cut" else pieces[at].gone()
    return "".join(piece.whole for piece in pieces) if _size(pieces) <= limit else None


def _size(pieces: list[_Piece]) -> int:
    return gsm7.septets("".join(piece.whole for piece in pieces))


def _line(text: str) -> str:
    """Fold a text and bring it to one line, so that no value can look like a line of ours."""
    return " ".join(gsm7.fold(text).split())


def _without_person(url: str) -> str:
    """Keep the page and the receipt number: the page shows the stub of such a link."""
    page, _, fragment = url.partition("#")
    return f"{page}#{fragment.partition('.')[0]}"
