"""Reading codes back from pixels: a QR code in an SVG of ours, and whatever is printed on a PDF page."""

import re

import pypdfium2
import zxingcpp

_ROW = re.compile(r"M(\d+) (\d+)\.5([mh\d ]+)")
_STEP = re.compile(r"([mh])(\d+)")
_SIZE = re.compile(r'viewBox="0 0 (\d+) \1"')


def pixels_of_svg(svg: str, scale: int = 4) -> memoryview:
    """Draw the strokes of ``qr_svg`` as grey pixels."""
    found = _SIZE.search(svg)
    assert found is not None
    side = int(found[1]) * scale
    canvas = bytearray(b"\xff" * side * side)
    for first, row, steps in _ROW.findall(svg):
        column = int(first) * scale
        for step, modules in _STEP.findall(steps):
            length = int(modules) * scale
            if step == "h":
                for line in range(int(row) * scale, (int(row) + 1) * scale):
                    canvas[line * side + column : line * side + column + length] = bytes(length)
            column += length
    return memoryview(bytes(canvas)).cast("B", (side, side))


def read_svg(svg: str) -> str:
    """The text of the one code in an SVG."""
    (found,) = zxingcpp.read_barcodes(pixels_of_svg(svg))
    return str(found.text)


def read_page(pdf: bytes, page: int = 0, dpi: int = 150) -> list[str]:
    """The texts of the codes on a page, at the resolution of a portable printer or a careless photograph."""
    document = pypdfium2.PdfDocument(pdf)
    bitmap = document[page].render(scale=dpi / 72, grayscale=True)
    pixels = memoryview(bytes(bitmap.buffer)).cast("B", (bitmap.height, bitmap.stride))
    return [found.text for found in zxingcpp.read_barcodes(pixels)]
