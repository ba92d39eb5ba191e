"""The QR code of a link, as SVG."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from receipt_service.delivery.rendering.qr_matrix import qr_rows

QUIET_ZONE: Final = 4
"""Light modules around the code (ISO/IEC 18004 §9.1): without them a reader may not find it."""

_RUNS: Final = re.compile("0+|1+").findall


def qr_svg(url: str, *, title: str = "") -> str:
    """Return a self-contained SVG of the code, dark on light, quiet zone included, one unit per module.

    ``title`` is what a screen reader says. Raises ``QrTooLong``.
    """
    rows = qr_rows(url)
    size = len(rows) + 2 * QUIET_ZONE
    label = f' role="img" aria-label="{_escaped(title)}"' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"{label}>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path stroke="#000" d="{"".join(_strokes(rows))}"/></svg>'
    )


def _strokes(rows: Iterable[str]) -> Iterator[str]:
    """Write each horizontal run of dark modules as one stroke through its middle."""
    for row, modules in enumerate(rows, QUIET_ZONE):
        yield f"M{QUIET_ZONE} {row}.5" + "".join(map(_step, _RUNS(modules)))


@cache
def _step(run: str) -> str:
    """Draw over a run of dark modules, move over one of light modules."""
    return f"h{len(run)}" if run[0] == "1" else f"m{len(run)} 0"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
