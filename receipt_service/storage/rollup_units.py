"""Making sums of units again after the directory has moved some of them: plain statements, month by month."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, text

from receipt_service.storage.engine import is_sqlite
from receipt_service.storage.rollup import MODULUS


def months(connection: Connection) -> Iterator[int]:
    """Yield the months that have cells, by one look into the index for each."""
    month = 0
    query = text("SELECT min(month) FROM rollup_cell WHERE month > :month")
    while (found := connection.execute(query, {"month": month}).scalar()) is not None:
        month = int(found)
        yield month


def has_rows(connection: Connection, month: int, area: str) -> bool:
    """Tell whether an area has a cell in that month."""
    query = text("SELECT 1 FROM rollup_cell WHERE month = :month AND area = :area LIMIT 1")
    return connection.execute(query, {"month": month, "area": area}).first() is not None


def rename(connection: Connection, month: int, area: str, new: str) -> None:
    """Give an area's cells of a month another area."""
    statement = text("UPDATE rollup_cell SET area = :new WHERE month = :month AND area = :area")
    connection.execute(statement, {"month": month, "area": area, "new": new})


def drop(connection: Connection, month: int, area: str) -> None:
    """Delete an area's cells of a month."""
    connection.execute(
        text("DELETE FROM rollup_cell WHERE month = :month AND area = :area"), {"month": month, "area": area}
    )


def add_up(connection: Connection, month: int, area: str, parts: Iterable[str]) -> None:
    """Make an area's cells of a month the sum of its parts'."""
    among = "IN (SELECT value FROM json_each(:parts))" if is_sqlite(connection) else "= ANY(:parts)"
    listed = sorted(parts)
    connection.execute(
        text(
            "INSERT INTO rollup_cell (month, area, table_code, a, b, n, k)"  # noqa: S608 - one of two words of ours
            f" SELECT month, CAST(:area AS VARCHAR(41)), table_code, a, b, sum(n), sum(k) % {MODULUS} FROM rollup_cell"
            f" WHERE month = :month AND area {among} GROUP BY month, table_code, a, b"
        ),
        {
            "month": month,
            "area": area,
            "parts": "[" + ", ".join(f'"{part}"' for part in listed) + "]" if is_sqlite(connection) else listed,
        },
    )
