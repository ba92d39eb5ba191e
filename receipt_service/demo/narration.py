"""Plain text for a terminal of 80 columns: headings, fields, quotations. No colours, nothing that moves."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 80
_INDENT: Final = "   "
_FIELD: Final = 16


@dataclass(slots=True)
class Narrator:
    """Writes the demonstration line by line to ``out``."""

    out: Callable[[str], None] = print
    _number: int = 0

    def title(self, text: str) -> None:
        """Write the first line."""
        self.out(text)
        self.out("=" * len(text))

    def heading(self, text: str) -> None:
        """Begin a numbered part."""
        self._number += 1
        self.out("")
        self.out(f"{self._number}. {text}")

    def say(self, text: str) -> None:
        """Write a paragraph, wrapped."""
        for line in textwrap.wrap(text, WIDTH - len(_INDENT), break_on_hyphens=False, break_long_words=False):
            self.out(_INDENT + line)

    def field(self, name: str, value: str, *, width: int = _FIELD) -> None:
        """Write a name and its value, the value's further lines below its first; the name takes ``width``."""
        room = WIDTH - len(_INDENT) - width
        lines = textwrap.wrap(value, room, break_on_hyphens=False, break_long_words=len(value.split()) == 0) or [""]
        self.out(f"{_INDENT}{name:<{width}}{lines[0]}".rstrip())
        for line in lines[1:]:
            self.out(f"{_INDENT}{'':<{width}}{line}")

    def result(self, mark: str, text: str, detail: str = "") -> None:
        """Write one line of a list: a mark of at most four letters, a text, and details below it."""
        first, *rest = textwrap.wrap(text, WIDTH - len(_INDENT) - 5, break_on_hyphens=False) or [""]
        self.out(f"{_INDENT}{mark:<5}{first}".rstrip())
        for line in [*rest, *textwrap.wrap(detail, WIDTH - len(_INDENT) - 5, break_on_hyphens=False)]:
            self.out(f"{_INDENT}     {line}")

    def quote(self, text: str, *, most: int | None = None) -> None:
        """Write somebody's words as they are, behind a bar; long words are cut so that nothing is hidden."""
        room = WIDTH - len(_INDENT) - 2
        lines = [part for line in text.splitlines() for part in _wrapped(line, room)]
        for line in lines[:most]:
            self.out(f"{_INDENT}| {line}".rstrip())
        if most is not None and len(lines) > most:
            self.out(f"{_INDENT}| … {len(lines) - most} more lines")


def _wrapped(line: str, room: int) -> list[str]:
    return textwrap.wrap(line, room, drop_whitespace=False, break_on_hyphens=False) or [""]
