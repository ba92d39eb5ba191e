"""A look into the service's SQLite file, read only and past all of its code: what is stored is what is shown."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from receipt_service.domain.canonical import base64url
from receipt_service.domain.stub import Stub
from receipt_service.errors import NotFound


@dataclass(frozen=True, slots=True)
class StoredStub:
    """One row of the view ``whole_stub``."""

    columns: dict[str, str]
    disclosures: tuple[str, ...]
    """Its four disclosures as they are stored: the JSON that the signature binds, one a line."""
    compact: str


def read_stub(database: Path, number: str) -> StoredStub:
    """Read the row of a receipt number. Raises ``NotFound``."""
    with closing(_open(database)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute("SELECT * FROM whole_stub WHERE receipt_number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound("no stub of that number")
    columns = {name: str(row[name]) for name in row.keys()}  # noqa: SIM118 - iterating a row gives its values
    disclosures = columns["disclosures"].split("\n")
    header, payload, signature = columns["leaf"].split("\n")
    leaf = f"{base64url(header.encode())}.{base64url(payload.encode())}.{signature}"
    stub = Stub(leaf, tuple(base64url(line.encode()) for line in disclosures))
    return StoredStub(columns, tuple(disclosures), stub.compact)


def count_envelopes(database: Path) -> int:
    """Count the sealed envelopes: one for each message that is not settled."""
    with closing(_open(database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM envelope").fetchone()
    return int(count)


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)
