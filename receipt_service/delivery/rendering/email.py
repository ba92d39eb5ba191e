"""The mail: the receipt in words, plain and HTML, with the PDF, the signed file and the log's proof attached.

French first, each further language after it, whole. The HTML is for people who read with a screen
reader as much as for the others: headings, lists, languages marked, no tables for layout. It loads
nothing from anywhere, so that opening it tells nobody. The subject names the kind of document only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from receipt_service.delivery.channel import Attachment, MailContent
from receipt_service.delivery.rendering.labels import FRENCH, Labels, labels
from receipt_service.delivery.rendering.pdf import PROOF_FILE, RECEIPT_FILE, set_sheet
from receipt_service.delivery.rendering.sheet import Sheet, grouped, sheet
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.receipt import Receipt

PDF_FILE: Final = "recepisse.pdf"
RECEIPT_TYPE: Final = "application/dc+sd-jwt"
"""Media type of the signed file (SD-JWT VC, IANA)."""

PROOF_TYPE: Final = "application/octet-stream"
"""A tlog-proof has no type of its own; as text some mail programs would show it below the letter."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The mail in one language, as both templates read it."""

    language: str
    say: Labels
    title: str
    lead: str
    sections: tuple["_Section", ...]


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Terms with their items."""


def render_email(
    receipt: Receipt,
    url: str,
    catalogues: Mapping[str, Catalogue],
    languages: tuple[str, ...] = (FRENCH,),
    proof: bytes | None = None,
) -> MailContent:
    """Write the mail for a receipt whose link is ``url``, in French and the second languages asked for.

    ``proof`` is the log's, where it has the receipt already. Raises ``CatalogueUnknown`` and ``PdfRefused``.
    """
    written = sheet(receipt, catalogues, languages)
    values = {
        "parts": _parts(written),
        "number": grouped(written.number),
        "url": url,
        "private": "email.private" if written.identified else "email.private.not_established",
        "file": RECEIPT_FILE,
        "proof": None if proof is None else PROOF_FILE,
    }
    attachments = [
        Attachment(PDF_FILE, "application/pdf", set_sheet(written, receipt, url, proof)),
        Attachment(RECEIPT_FILE, RECEIPT_TYPE, receipt.compact.encode("ascii")),
    ]
    if proof is not None:
        attachments.append(Attachment(PROOF_FILE, PROOF_TYPE, proof))
    return MailContent(
        subject=" / ".join(written.titles),
        text=_environment().get_template("email.txt").render(values),
        html=_environment().get_template("email.html").render(values),
        attachments=tuple(attachments),
        language=", ".join(written.languages),
    )


def _parts(written: Sheet) -> list[_Part]:
    return [
        _Part(
            language=language,
            say=labels(language),
            title=written.titles[at],
            lead=written.leads[at],
            sections=tuple(
                _Section(
                    title=section.titles[at],
                    rows=tuple((row.terms[at], tuple(map(_one_line, row.values[at]))) for row in section.rows),
                )
                for section in written.sections
            ),
        )
        for at, language in enumerate(written.languages)
    ]


def _one_line(text: str) -> str:
    """Bring a value to one line, so that none can look like a heading of ours in plain text."""
    return " ".join(text.split())


@cache
def _environment() -> Environment:
    """Escape in HTML, fail on a name that isn't there."""
    return Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
