"""Write docs/settings.md from the settings' own classes: ``python docs/write_settings.py``."""

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from receipt_service.config.loading import PROCESSES
from receipt_service.environment import PREFIX, is_secret

PAGE = Path(__file__).parent / "settings.md"

BEGINNING = """\
# Settings

Written from `receipt_service/config/` by `make schemas`; do not edit.
Why they are closed: [ADR 0013](adr/0013-settings.md).

Every setting is an environment variable. A secret (marked *secret*) may come as a file instead, named by the
variable with `_FILE` added. A process refuses to start when it finds a variable that begins with `RECEIPT_` and that
no process knows.

| variable | read by | default | meaning |
|---|---|---|---|
"""


def render() -> str:
    """Return the page as it should be."""
    fields: dict[str, FieldInfo] = {}
    readers: dict[str, list[str]] = {}
    for process, settings in PROCESSES.items():
        for name, field in settings.model_fields.items():
            fields.setdefault(name, field)
            readers.setdefault(name, []).append(process)
    rows = [row(name, fields[name], readers[name]) for name in fields]
    return BEGINNING + "".join(f"{line}\n" for line in rows)


def row(name: str, field: FieldInfo, processes: list[str]) -> str:
    """Return one setting's line of the table."""
    read_by = "all" if len(processes) == len(PROCESSES) else ", ".join(processes)
    meaning = (field.description or "").replace("|", "\\|")
    if get_origin(field.annotation) is Literal:
        meaning += " One of " + ", ".join(f"`{word}`" for word in get_args(field.annotation)) + "."
    secret = "*secret*; " if is_secret(field) else ""
    return f"| `{PREFIX}{name.upper()}` | {read_by} | {secret}{default(field.default)} | {meaning} |"


def default(value: Any) -> str:
    """Return how a default is typed, or that there is none."""
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "unset"
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
