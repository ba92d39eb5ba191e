"""Releases: the figures of a closed period as they may be shown, decided once. Nothing else is ever read for an answer.

Beside each shown value stand the true count and key sum that it was made from. They serve the next releases, which must
keep their distance from what is shown already, and never leave this module's ``basis_of`` for a reader.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Double,
    ForeignKey,
    Integer,
    String,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as insert_into_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_into_sqlite
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import UtcDateTime, is_sqlite, table_of

_ROWS_AT_ONCE = 20_000
_SEPARATOR = "\x1f"
"""No code and no reference holds it: a request with a control character is refused."""


class ReleaseRow(SQLModel, table=True):
    """One released period, or one that is being released: ``released_at`` is written when all its cells stand."""

    __tablename__ = "release"

    period: str = Field(sa_column=Column(String(7), primary_key=True))
    released_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    making_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """Whoever makes it says again and again how long that holds at most; then another may begin anew."""
    method: str = Field(sa_column=Column(String(64), nullable=False))
    """Digest of the perturbation that made it, so that another one cannot be used beside it unseen."""
    leak: float = Field(sa_column=Column(Double, nullable=False))
    """M of ``statistics.releasing.averaging`` at the area where it is largest."""


class ReleasedCellRow(SQLModel, table=True):
    """One figure that may be shown."""

    __tablename__ = "released_cell"
    __table_args__ = (
        CheckConstraint("value >= 11", name="ck_released_cell_value"),
        CheckConstraint("n >= 11", name="ck_released_cell_n"),
        CheckConstraint("mark IN ('perturbed', 'merged')", name="ck_released_cell_mark"),
        {"sqlite_with_rowid": False},
    )

    period: str = Field(
        sa_column=Column(String(7), ForeignKey("release.period", name="fk_released_cell_release"), primary_key=True)
    )
    table_code: str = Field(sa_column=Column(String(24), primary_key=True))
    area: str = Field(sa_column=Column(String(41), primary_key=True))
    a: str = Field(sa_column=Column(String(60), primary_key=True))
    b: str = Field(sa_column=Column(String(40), primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))
    mark: str = Field(sa_column=Column(String(9), nullable=False))
    n: int = Field(sa_column=Column(BigInteger, nullable=False))
    k: int = Field(sa_column=Column(Integer, nullable=False))


class ReleasedCell(NamedTuple):
    """A row of ``released_cell``, in the order of its columns."""

    period: str
    table_code: str
    area: str
    a: str
    b: str
    value: int
    mark: str
    n: int
    k: int


Figure = tuple[str, str, str, str, int, str]
"""What a reader may know of a cell: period, area, a, b, value, mark. Bare, since an answer may have thousands."""


class Release(NamedTuple):
    """A released period."""

    period: str
    released_at: datetime
    method: str
    leak: float


_release, _cell = table_of(ReleaseRow), table_of(ReleasedCellRow)


def released(connection: Connection) -> dict[str, Release]:
    """Read every released period, in order."""
    columns = (_release.c.period, _release.c.released_at, _release.c.method, _release.c.leak)
    query = select(*columns).where(_release.c.released_at.is_not(None)).order_by(_release.c.period)
    return {row.period: Release(*row) for row in connection.execute(query)}


def claim(connection: Connection, period: str, *, method: str, now: datetime, until: datetime) -> bool:
    """Begin to make a release; False when it stands already or somebody is at it.

    What an attempt that was broken off has left is deleted.
    """
    row = connection.execute(select(_release).where(_release.c.period == period)).one_or_none()
    values = {"making_until": until, "method": method, "leak": 0.0}
    if row is None:
        insert = insert_into_sqlite if is_sqlite(connection) else insert_into_postgresql
        statement = insert(_release).values(period=period, **values).on_conflict_do_nothing()
        return connection.execute(statement.returning(_release.c.period)).first() is not None
    mine = (_release.c.period == period, _release.c.released_at.is_(None), _release.c.making_until < now)
    if connection.execute(_release.update().where(*mine).values(values)).rowcount != 1:
        return False
    connection.execute(_cell.delete().where(_cell.c.period == period))
    return True


def prolong(connection: Connection, period: str, *, held: datetime, until: datetime) -> bool:
    """Say that the release is still being made; False when it is another's by now.

    ``held`` is what was said last: whoever began anew since then has said something later.
    """
    return connection.execute(_release.update().where(*_held(period, held)).values(making_until=until)).rowcount == 1


def finish(connection: Connection, release: Release, *, held: datetime) -> bool:
    """Show a release whose cells all stand; False when it is another's by now."""
    values = release._asdict()
    period = values.pop("period")
    return connection.execute(_release.update().where(*_held(period, held)).values(values)).rowcount == 1


def _held(period: str, held: datetime) -> tuple[ColumnElement[bool], ...]:
    return _release.c.period == period, _release.c.released_at.is_(None), _release.c.making_until == held


def add_cells(connection: Connection, cells: Iterable[ReleasedCell]) -> int:
    """Write the cells of a release; return how many there were."""
    written, remaining = 0, iter(cells)
    while part := list(islice(remaining, _ROWS_AT_ONCE)):
        _insert(connection, part)
        written += len(part)
    return written


def _insert(connection: Connection, cells: Sequence[ReleasedCell]) -> None:
    names = ", ".join(ReleasedCell._fields)
    if is_sqlite(connection):
        marks = ", ".join("?" * len(ReleasedCell._fields))
        connection.exec_driver_sql(f"INSERT INTO released_cell ({names}) VALUES ({marks})", [*cells])  # noqa: S608 - our names
        return
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - for the type checker: the connection is open
    with driver.cursor() as copying, copying.copy(f"COPY released_cell ({names}) FROM STDIN") as copy:
        for cell in cells:
            copy.write_row(cell)


_JOINED = ", ".join(
    f"string_agg({column}, '{_SEPARATOR}') AS {name}"
    for name, column in (("a", "a"), ("b", "b"), ("value", "CAST(value AS text)"), ("mark", "mark"))
)
_EACH_AREA = text(
    "SELECT period, area, found.* FROM unnest(CAST(:periods AS text[])) AS period, unnest(CAST(:areas AS text[])) AS"  # noqa: S608 - our names
    f" area, LATERAL (SELECT {_JOINED} FROM released_cell AS c WHERE c.period = period.period"
    " AND c.table_code = :table AND c.area = area.area) AS found WHERE found.a IS NOT NULL"
)
"""PostgreSQL looks for each area by itself. Given a list it reads all areas, as long as it has no statistics of a
period that has just been released: 50 ms instead of one."""


def figures(connection: Connection, *, periods: Sequence[str], areas: Sequence[str], table: str) -> Iterator[Figure]:
    """Read what may be shown of a table, for these periods and areas, in no order.

    The database joins the lines of an area into one text for each column: twenty thousand rows (operations of France)
    take longer to come one by one.
    """
    if is_sqlite(connection):
        columns = (_cell.c.a, _cell.c.b, cast(_cell.c.value, String), _cell.c.mark)
        query = select(_cell.c.period, _cell.c.area, *(func.aggregate_strings(each, _SEPARATOR) for each in columns))
        query = query.where(_cell.c.period.in_(periods), _cell.c.area.in_(areas), _cell.c.table_code == table)
        found = connection.execute(query.group_by(_cell.c.period, _cell.c.area)).all()
    else:
        given = {"periods": list(periods), "areas": list(areas), "table": table}
        found = connection.execute(_EACH_AREA, given).all()
    for period, area, *texts in found:
        for a, b, value, mark in zip(*(each.split(_SEPARATOR) for each in texts), strict=True):
            yield period, area, a, b, int(value), mark


def areas_like(connection: Connection, period: str, beginning: str) -> list[str]:
    """Give the areas of a period that show something, and whose codes begin like this; reads all areas of the period.

    Compared letter by letter: in what order a database sorts texts is its own affair.
    """
    begins = func.substr(_cell.c.area, 1, len(beginning)) == beginning
    found = select(_cell.c.area).where(_cell.c.period == period, _cell.c.table_code == "total", begins)
    return list(connection.execute(found).scalars())


def basis_of(
    connection: Connection, *, periods: Sequence[str], areas: Sequence[str], tables: Sequence[str]
) -> Iterator[tuple[str, str, str, str, str, int, str, int, int]]:
    """Read released cells with the truth behind them, in no order, for the next release alone.

    As ``ReleasedCell`` has them; a year's release reads millions, so they are not made into any.
    """
    query = select(_cell).where(_cell.c.period.in_(periods), _cell.c.table_code.in_(tables), _cell.c.area.in_(areas))
    for some in connection.execute(query).partitions(_ROWS_AT_ONCE):
        yield from some
