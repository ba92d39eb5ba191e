"""The receipt as a PDF: A4, tagged (PDF/UA-1), archivable (PDF/A-3a), the signed file and the log's proof inside.

Typst sets ``templates/receipt.typ``; all texts enter as one quoted string of JSON. Only the fonts here and
those inside the ``typst`` package are used, so that the same receipt gives the same bytes on every
machine. One compiler per thread is kept; Typst works outside the interpreter's lock, so two threads
make almost twice as many (docs/receipt-forms.md has the figures).
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typst

from receipt_service.delivery.rendering.labels import FRENCH, labels
from receipt_service.delivery.rendering.qr import qr_svg
from receipt_service.delivery.rendering.sheet import Sheet, grouped, sheet
from receipt_service.domain.catalogue import Catalogue
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.errors import ReceiptServiceError

if TYPE_CHECKING:
    from typst import PDFStandard

RECEIPT_FILE: Final = "receipt.sd-jwt"
"""Name of the signed file, inside the PDF and beside it: the same for everybody."""

PROOF_FILE: Final = "receipt.tlog-proof"
"""Name of the log's proof, likewise."""

STANDARDS: "Final[list[PDFStandard]]" = ["a-3a", "ua-1"]
"""Archivable with an attachment of any type, and accessible. Both at once is what Typst can promise together."""

REPLACEMENT: Final = "□"
"""Printed for a character that no font here has; the note below the receipt says so."""

_COMMON: Final = 0x250
"""Up to the end of Latin Extended-B the fonts have every letter (tested)."""

_PACKAGE: Final = Path(str(resources.files(__package__)))
_TEMPLATES: Final = _PACKAGE / "templates"
_PER_THREAD = threading.local()


class PdfRefused(ReceiptServiceError):
    """Typst could not set the receipt, even with every unknown character replaced."""


def render_pdf(
    receipt: Receipt,
    url: str,
    catalogues: Mapping[str, Catalogue],
    languages: tuple[str, ...] = (FRENCH,),
    proof: bytes | None = None,
) -> bytes:
    """Set the receipt in French and the second languages asked for; ``url`` is the link in the QR code.

    ``proof`` is the log's proof (C2SP tlog-proof, UTF-8), where the log has the receipt already. The same
    arguments give the same bytes: the document's date is that of the recording.

    Raises ``CatalogueUnknown`` and ``PdfRefused``; a name in a script that no font here has is no
    failure (``REPLACEMENT``).
    """
    return set_sheet(sheet(receipt, catalogues, languages), receipt, url, proof)


def set_sheet(written: Sheet, receipt: Receipt, url: str, proof: bytes | None = None) -> bytes:
    """Set a receipt that is in words already, as ``render_pdf`` does. Raises ``PdfRefused``."""
    recorded_at = datetime.fromisoformat(receipt.disclosure(Group.WHEN_WHERE).value["recorded_at"])
    files = (receipt.compact, "" if proof is None else proof.decode(), qr_svg(url))
    proved = proof is not None
    for legible in (None, _has_glyph, _is_common):
        data = _data(written, proved=proved, replaced=legible is not None)
        if legible is not None:
            data = _printable(data, legible)
        try:
            return _compiled(data, *files, recorded_at)
        except typst.TypstError:
            # The compiler's message quotes the text it stumbled on, which may be a name: it goes no further.
            continue
    raise PdfRefused("Typst refused a receipt; its reasons quote the receipt and are withheld")


def _compiled(data: dict[str, Any], receipt: str, proof: str, qr: str, at: datetime) -> bytes:
    source = '#import "/receipt.typ": render\n' + "#render(json(bytes({})), {}, {}, {})".format(
        *map(_quoted, (json.dumps(data, ensure_ascii=False), receipt, proof, qr))
    )
    pdf = _compiler().compile(source.encode(), format="pdf", pdf_standards=STANDARDS, timestamp=int(at.timestamp()))
    if not isinstance(pdf, bytes):
        raise PdfRefused("Typst gave no document")
    return pdf


def _quoted(text: str) -> str:
    """Write a Typst string: within one only the backslash and the quotation mark mean anything."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _compiler() -> typst.Compiler:
    compiler: typst.Compiler | None = getattr(_PER_THREAD, "compiler", None)
    if compiler is None:
        compiler = typst.Compiler(root=str(_TEMPLATES), font_paths=[str(_PACKAGE / "fonts")], ignore_system_fonts=True)
        _PER_THREAD.compiler = compiler
    return compiler


def _data(written: Sheet, *, proved: bool, replaced: bool) -> dict[str, Any]:
    """Lay out the sheet as the template reads it."""
    words = [labels(language) for language in written.languages]
    first = words[0]
    notes = [
        [
            say("pdf.explanation"),
            say("pdf.attached", file=RECEIPT_FILE),
            say("pdf.issued", issuer=written.issuer, day=say.day(written.issued_on)),
        ]
        for say in words
    ]
    if proved:
        for said, say in zip(notes, words, strict=True):
            said.insert(2, say("pdf.attached_proof", file=PROOF_FILE))
    if replaced:
        for said, say in zip(notes, words, strict=True):
            said.append(say("pdf.replaced", mark=REPLACEMENT))
    return {
        "languages": written.languages,
        "titles": written.titles,
        "leads": written.leads,
        "number_label": first("term.receipt_number"),
        "number": grouped(written.number),
        "captions": [say("pdf.qr" if written.identified else "pdf.qr.not_established") for say in words],
        "qr_alt": first("pdf.qr_alt"),
        "file": RECEIPT_FILE,
        "file_description": first("pdf.attached_description"),
        "proof_file": PROOF_FILE,
        "proof_description": first("pdf.attached_proof_description"),
        "notes": notes,
        "sections": [
            {
                "titles": section.titles,
                "rows": [{"terms": row.terms, "values": row.values} for row in section.rows],
            }
            for section in written.sections
        ],
    }


def _printable(data: Any, legible: Callable[[str], bool]) -> Any:
    """Replace every character that is not legible, anywhere in the data."""
    if isinstance(data, str):
        return "".join(char if legible(char) else REPLACEMENT for char in data)
    if isinstance(data, dict):
        return {name: _printable(value, legible) for name, value in data.items()}
    return [_printable(value, legible) for value in data] if isinstance(data, list | tuple) else data


def _is_common(char: str) -> bool:
    return char == REPLACEMENT or (ord(char) < _COMMON and char.isprintable()) or char in "\n\u00a0\u2019\u2013"


@lru_cache(maxsize=4096)
def _has_glyph(char: str) -> bool:
    """Try one character alone. Rare enough: only the texts of a receipt that failed come here."""
    if _is_common(char):
        return True
    source = '#set document(title: "a")\n#set page(width: auto, height: auto)\n#sys.inputs.char'
    try:
        _compiler().compile(source.encode(), format="pdf", sys_inputs={"char": char}, pdf_standards=STANDARDS)
    except typst.TypstError:
        return False
    finally:
        _PER_THREAD.compiler = None  # its inputs would stay, and with them a letter of somebody's name
    return True
