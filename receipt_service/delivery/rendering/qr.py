"""The QR code of a link, as SVG.

Choosing among the eight masks is most of the work of making a code (measured: 8.7 of 9.5 ms in
pure Python, see docs/receipt-forms.md). A reader finds the mask in the format information whichever
it is; the choice only avoids unlucky patterns, which the base64url of random bytes does not make.
So every code takes the checkerboard mask, and ``tests/unit/test_qr.py`` reads hundreds of them back.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import segno

QUIET_ZONE: Final = 4
"""Light modules around the code (ISO/IEC 18004 §9.1): without them a reader may not find it."""

_CHECKERBOARD: Final = 0


def qr_svg(url: str, *, title: str = "") -> str:
    """Return a self-contained SVG of the code, dark on light, quiet zone included, one unit per module.

    Error correction is level M (15 %): enough for a crease in thermal paper; ``segno`` raises it
    when the same size of code allows. ``title`` is what a screen reader says.
    """
    code = segno.make_qr(url, error="m", mask=_CHECKERBOARD)
    size = len(code.matrix) + 2 * QUIET_ZONE
    label = f' role="img" aria-label="{_escaped(title)}"' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"{label}>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path stroke="#000" d="{"".join(_runs(code.matrix))}"/></svg>'
    )


def _runs(matrix: tuple[bytearray, ...]) -> Iterator[str]:
    """Write each horizontal run of dark modules as one stroke through its middle."""
    for row, modules in enumerate(matrix, QUIET_ZONE):
        column = QUIET_ZONE
        for dark, run in groupby(modules):
            length = len(list(run))
            if dark:
                yield f"M{column} {row}.5h{length}"
            column += length


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
