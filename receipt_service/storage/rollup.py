"""The rollup: true counts by the cells of the lattice, and by officer. Secret: nothing here is ever shown as it is.

Rows are ``(month, area, table, a, b) → n, k`` (``statistics.lattice``): only what occurred has one, and one that comes
to nothing is deleted, so that the table equals what a rebuild from the stubs makes, row by row.

A unit with no unit below it has one set of rows, ``U<unit>``. One with units below has two: ``L<unit>`` for its own
checks, and ``U<unit>`` for the sum. The tree that these sums follow is kept beside them (``rollup_unit``): when the
directory has another one, the sums of the units concerned are made again from what the units below them have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, Integer, String, func, insert, select, text
from sqlmodel import Field, SQLModel

from receipt_service.storage.engine import ROW_NUMBER, UtcDateTime, is_sqlite, table_of

MODULUS = 2**16
_REWRITTEN_IN_PLACE = {
    "fillfactor": 85,
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_threshold": 2000,
}
"""PostgreSQL's settings: a cell is counted up in its own page, without a word to the index."""
_FOLDING = 0x464F_4C44  # "FOLD": the advisory lock of whoever changes the cells


class RollupCellRow(SQLModel, table=True):
    """One cell: ``n`` checks, and the sum of their record keys modulo 2^16."""

    __tablename__ = "rollup_cell"
    __table_args__ = (
        CheckConstraint("n >= 0", name="ck_rollup_cell_n"),
        CheckConstraint("k >= 0 AND k < 65536", name="ck_rollup_cell_k"),
        {"sqlite_with_rowid": False, "postgresql_with": _REWRITTEN_IN_PLACE},
    )

    month: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    area: str = Field(sa_column=Column(String(41), primary_key=True))
    table_code: str = Field(sa_column=Column(String(24), primary_key=True))
    a: str = Field(sa_column=Column(String(60), primary_key=True))
    b: str = Field(sa_column=Column(String(40), primary_key=True))
    n: int = Field(sa_column=Column(BigInteger, nullable=False))
    k: int = Field(sa_column=Column(Integer, nullable=False))


class OfficerCellRow(SQLModel, table=True):
    """Checks of one officer: by outcome, and all of them where ``outcome`` is empty. For their own hierarchy alone."""

    __tablename__ = "officer_cell"
    __table_args__ = (
        CheckConstraint("n >= 0", name="ck_officer_cell_n"),
        {"sqlite_with_rowid": False, "postgresql_with": _REWRITTEN_IN_PLACE},
    )

    month: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    unit_code: str = Field(sa_column=Column(String(40), primary_key=True))
    officer_number: str = Field(sa_column=Column(String(20), primary_key=True))
    family: str = Field(sa_column=Column(String(40), primary_key=True))
    outcome: str = Field(sa_column=Column(String(40), primary_key=True))
    n: int = Field(sa_column=Column(BigInteger, nullable=False))


class RollupUnitRow(SQLModel, table=True):
    """The tree of units that the sums follow."""

    __tablename__ = "rollup_unit"

    code: str = Field(sa_column=Column(String(40), primary_key=True))
    parent_code: str | None = Field(default=None, sa_column=Column(String(40)))


class RollupStateRow(SQLModel, table=True):
    """One row: which directory the sums follow, when something was last folded, whether a rebuild is under way."""

    __tablename__ = "rollup_state"
    __table_args__ = (CheckConstraint("id = 1", name="ck_rollup_state_single"),)

    id: int = Field(sa_column=Column(ROW_NUMBER, primary_key=True, autoincrement=False))
    directory_revision: int = Field(sa_column=Column(ROW_NUMBER, nullable=False))
    key_fingerprint: str | None = Field(default=None, sa_column=Column(String(16)))
    """By which statistics key the sums were made: no other may add to them."""
    folded_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    rebuilding_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """While a rebuild reads (SQLite), nothing is folded; it says again and again how long that holds at most."""


class CellRow(NamedTuple):
    """A cell, or what is to be added to one, in the order of the columns."""

    month: int
    area: str
    table_code: str
    a: str
    b: str
    n: int
    k: int


class OfficerRow(NamedTuple):
    """An officer's cell, or what is to be added to one."""

    month: int
    unit_code: str
    officer_number: str
    family: str
    outcome: str
    n: int


class _Counter(NamedTuple):
    """The statements that add to one table of counters."""

    keys: tuple[str, ...]
    types: tuple[str, ...]
    table: str
    sums: tuple[str, ...]


_cell, _officer = table_of(RollupCellRow), table_of(OfficerCellRow)
_unit, _state = table_of(RollupUnitRow), table_of(RollupStateRow)
_CELLS = _Counter(
    ("month", "area", "table_code", "a", "b"),
    ("integer", "text", "text", "text", "text", "bigint", "integer"),
    "rollup_cell",
    ("n = rollup_cell.n + {new}.n", f"k = (rollup_cell.k + {{new}}.k) % {MODULUS}"),
)
_OFFICERS = _Counter(
    ("month", "unit_code", "officer_number", "family", "outcome"),
    ("integer", "text", "text", "text", "text", "bigint"),
    "officer_cell",
    ("n = officer_cell.n + {new}.n",),
)
_ROWS_AT_ONCE = 20_000
_SEPARATOR = "\x1f"


def add_cells(connection: Connection, deltas: Sequence[CellRow]) -> None:
    """Add to cells, each named once; ``n`` may be negative, ``k`` is reduced already.

    Raises ``ValueError`` when something is taken from a cell that isn't there: the rollup is damaged then, and nothing
    of the batch may stand.
    """
    _add(connection, _CELLS, deltas)


def add_officers(connection: Connection, deltas: Sequence[OfficerRow]) -> None:
    """Add to officers' cells; as ``add_cells``."""
    _add(connection, _OFFICERS, deltas)


def _add(connection: Connection, counter: _Counter, deltas: Sequence[CellRow] | Sequence[OfficerRow]) -> None:
    """Count up by inserting; count down by updating, since an insert may not propose less than nothing."""
    up = [delta for delta in deltas if delta.n > 0]
    down = [delta for delta in deltas if delta.n <= 0]
    for start in range(0, len(up), _ROWS_AT_ONCE):
        _insert(connection, counter, up[start : start + _ROWS_AT_ONCE])
    if down and _take(connection, counter, down) != len(down):
        raise ValueError("the rollup lacks a cell that something is to be taken from: rebuild it")


def _insert(connection: Connection, counter: _Counter, rows: Sequence[tuple[object, ...]]) -> None:
    width = len(counter.types)
    sums = ", ".join(counter.sums).format(new="excluded")
    conflict = f"ON CONFLICT ({', '.join(counter.keys)}) DO UPDATE SET {sums}"
    if is_sqlite(connection):
        statement = f"INSERT INTO {counter.table} VALUES ({', '.join('?' * width)}) {conflict}"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))
        return
    statement = f"INSERT INTO {counter.table} SELECT * FROM unnest({_arrays(counter)}) {conflict}"  # noqa: S608
    connection.exec_driver_sql(statement.replace("% 65536", "%% 65536"), _columns(rows))


def _arrays(counter: _Counter) -> str:
    """Write the arrays that PostgreSQL makes of ``_columns``."""
    return ", ".join(f"(string_to_array(%s, E'\\x1f'))[2:]::{kind}[]" for kind in counter.types)


def _columns(rows: Sequence[tuple[object, ...]]) -> tuple[str, ...]:
    """Write each column as one text with a separator before every value; the driver's lists cost ten times as much.

    Raises ``ValueError`` for a value that holds the separator: no code and no reference does.
    """
    columns = tuple("".join(f"{_SEPARATOR}{value}" for value in column) for column in zip(*rows, strict=True))
    if any(column.count(_SEPARATOR) != len(rows) for column in columns):
        raise ValueError("a value of a cell holds a control character")
    return columns


def _take(connection: Connection, counter: _Counter, rows: Sequence[tuple[object, ...]]) -> int:
    """Take from cells, drop those that come to nothing, and return how many were found."""
    wide = len(counter.keys)
    if is_sqlite(connection):
        found = " AND ".join(f"{key} = ?" for key in counter.keys)
        sums = ", ".join(counter.sums).replace("{new}.n", "?").replace("{new}.k", "?")
        update = f"UPDATE {counter.table} SET {sums} WHERE {found}"  # noqa: S608 - our own names
        taken = sum(connection.exec_driver_sql(update, (*row[wide:], *row[:wide])).rowcount for row in rows)
        empty = f"DELETE FROM {counter.table} WHERE {found} AND n = 0"  # noqa: S608
        connection.exec_driver_sql(empty, [row[:wide] for row in rows])
        return taken
    names = ", ".join((*counter.keys, "n", "k")[: len(counter.types)])
    arrays = _arrays(counter)
    same = " AND ".join(f"{counter.table}.{key} = d.{key}" for key in counter.keys)
    columns = _columns(rows)
    sums = ", ".join(counter.sums).format(new="d").replace("% 65536", "%% 65536")
    update = f"UPDATE {counter.table} SET {sums} FROM unnest({arrays}) AS d ({names}) WHERE {same}"  # noqa: S608
    taken = connection.exec_driver_sql(update, columns).rowcount
    empty = f"DELETE FROM {counter.table} USING unnest({arrays}) AS d ({names}) WHERE {same} AND {counter.table}.n = 0"  # noqa: S608
    connection.exec_driver_sql(empty, columns)
    return taken


def replace_all(connection: Connection, cells: Iterable[CellRow], officers: Iterable[OfficerRow]) -> None:
    """Put a rebuild in the place of what stands there, within the caller's transaction."""
    for table, counter in ((_cell, _CELLS), (_officer, _OFFICERS)):
        connection.execute(table.delete() if is_sqlite(connection) else text(f"TRUNCATE {counter.table}"))
    append(connection, cells, officers)


def append(connection: Connection, cells: Iterable[CellRow], officers: Iterable[OfficerRow]) -> None:
    """Write rows where there are none of these keys: the quickest way that each database has for many of them."""
    for counter, rows in ((_CELLS, cells), (_OFFICERS, officers)):
        if is_sqlite(connection):
            _append_to_sqlite(connection, counter, rows)
        else:
            _append_to_postgresql(connection, counter, rows)


def _append_to_sqlite(connection: Connection, counter: _Counter, rows: Iterable[tuple[object, ...]]) -> None:
    cursor = connection.connection.cursor()
    statement = f"INSERT INTO {counter.table} VALUES ({', '.join('?' * len(counter.types))})"  # noqa: S608 - our names
    remaining = iter(rows)
    while part := list(islice(remaining, _ROWS_AT_ONCE)):
        cursor.executemany(statement, part)
    cursor.close()


def _append_to_postgresql(connection: Connection, counter: _Counter, rows: Iterable[tuple[object, ...]]) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - for the type verifier: the connection is open
    with driver.cursor() as copying, copying.copy(f"COPY {counter.table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def cells(
    connection: Connection, *, months: Sequence[int], areas: Sequence[str] | None = None, tables: Sequence[str] = ()
) -> Iterator[CellRow]:
    """Read cells of these months, in no order; of these areas or all, and these tables or all.

    Rows of ``L<unit>`` come with them unless ``areas`` are named: who reads for showing leaves them out.
    """
    query = select(_cell).where(_cell.c.month.in_(months))
    if areas is not None:
        query = query.where(_cell.c.area.in_(areas))
    if tables:
        query = query.where(_cell.c.table_code.in_(tables))
    for row in connection.execution_options(yield_per=10_000).execute(query):
        yield CellRow(*row)


def sums(
    connection: Connection, *, months: Sequence[int], least: int, areas: Sequence[str] = (), tables: Sequence[str] = ()
) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Read cells added up over these months, as (area, table, a, b, n, k), in no order: those with n from ``least`` on.

    Of these areas or all, of these tables or all.
    """
    keys = (_cell.c.area, _cell.c.table_code, _cell.c.a, _cell.c.b)
    if len(months) == 1:
        query = select(*keys, _cell.c.n, _cell.c.k).where(_cell.c.n >= least)
    else:
        n = func.sum(_cell.c.n)
        query = select(*keys, n, func.sum(_cell.c.k)).group_by(*keys).having(n >= least)
    query = query.where(_cell.c.month.in_(months))
    if areas:
        query = query.where(_cell.c.area.in_(areas))
    if tables:
        query = query.where(_cell.c.table_code.in_(tables))
    for some in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query).partitions():
        for area, table, a, b, n, k in some:
            yield area, table, a, b, int(n), int(k) % MODULUS


def officer_cells(connection: Connection, *, months: Sequence[int], units: Sequence[str]) -> list[OfficerRow]:
    """Read the officers' cells of these months and units (each unit's own checks)."""
    query = select(_officer).where(_officer.c.month.in_(months), _officer.c.unit_code.in_(units))
    return [OfficerRow(*row) for row in connection.execute(query)]


def all_rows(connection: Connection) -> tuple[set[CellRow], set[OfficerRow]]:
    """Read everything, to hold it against a rebuild."""
    return (
        {CellRow(*row) for row in connection.execute(select(_cell))},
        {OfficerRow(*row) for row in connection.execute(select(_officer))},
    )


def take_fold_lock(connection: Connection) -> bool:
    """Become the one process that folds, until this transaction ends; False when another one is.

    SQLite has one writer anyway.
    """
    if is_sqlite(connection):
        return True
    query = text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=_FOLDING)
    return bool(connection.execute(query).scalar_one())


def wait_for_fold_lock(connection: Connection) -> None:
    """Become the one process that changes the cells, until this connection is closed (PostgreSQL)."""
    connection.execute(text("SELECT pg_advisory_lock(:key)").bindparams(key=_FOLDING))


def release_fold_lock(connection: Connection) -> None:
    """Let others fold again (PostgreSQL)."""
    connection.execute(text("SELECT pg_advisory_unlock(:key)").bindparams(key=_FOLDING))


class State(NamedTuple):
    """The one row of ``rollup_state``."""

    directory_revision: int
    key_fingerprint: str | None
    folded_at: datetime | None
    rebuilding_until: datetime | None


def state(connection: Connection) -> State:
    """Read how the rollup stands."""
    columns = (_state.c.directory_revision, _state.c.key_fingerprint, _state.c.folded_at, _state.c.rebuilding_until)
    return State(*connection.execute(select(*columns)).one())


def note_folded(connection: Connection, now: datetime, fingerprint: str) -> None:
    """Write down when something was folded last, and by which key."""
    connection.execute(_state.update().values(folded_at=now, key_fingerprint=fingerprint))


def note_rebuilding(connection: Connection, until: datetime | None) -> None:
    """Let nobody fold until then; ``None`` when the rebuild is done."""
    connection.execute(_state.update().values(rebuilding_until=until))


def count_cells(connection: Connection) -> tuple[int, int]:
    """Count the cells and the officers' cells; full scans."""
    counts = (connection.execute(text(f"SELECT count(*) FROM {name}")) for name in ("rollup_cell", "officer_cell"))  # noqa: S608
    first, second = (int(found.scalar_one()) for found in counts)
    return first, second


def tree(connection: Connection) -> dict[str, str | None]:
    """Read the tree that the sums follow: each unit's parent."""
    return {row.code: row.parent_code for row in connection.execute(select(_unit))}


def save_tree(connection: Connection, parents: Mapping[str, str | None], revision: int) -> None:
    """Write down the tree that the sums follow from now on."""
    connection.execute(_unit.delete())
    if parents:
        connection.execute(insert(_unit), [{"code": code, "parent_code": up} for code, up in parents.items()])
    connection.execute(_state.update().values(directory_revision=revision))
