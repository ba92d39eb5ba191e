"""PDF files with others attached to them."""

import io

from pypdf import PdfWriter


def pdf_with(*files: tuple[str, bytes]) -> bytes:
    """One empty page, and the files by name."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    for name, content in files:
        writer.add_attachment(name, content)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()
