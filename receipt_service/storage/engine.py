"""The database connection: SQLite and PostgreSQL behind one engine, each set to lose nothing that it confirmed.

SQLite runs in WAL mode with ``synchronous=FULL``: a commit that returned is on the disk. Its writers take the write
lock at ``BEGIN IMMEDIATE``, so they queue instead of failing half-way. ``secure_delete`` overwrites what is deleted.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    Table,
    bindparam,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

from receipt_service.errors import ConfigurationError

SQLITE_BUSY_MILLISECONDS = 10_000
SQLITE_PAGE_BYTES = 8192
"""Five stubs to a page. The usual 4096 would hold two and stand empty by a quarter; 16384 saves some 3 % of the room
and costs some 6 % more to write, since each stub touches a page of both indexes whose keys are chance."""
SQLITE_CACHE_KIB = 65_536
"""64 MiB a connection at most: holds the two indexes whose keys are chance up to some half a million stubs."""
SQLITE_CACHED_STATEMENTS = 512
"""Enough for one prepared INSERT of each size and table (``storage.issuances``)."""
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key; only a column called INTEGER is the row's own number on SQLite, and costs no second index."""
SWEPT_EARLY = {"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_threshold": 2000}
"""PostgreSQL's settings for a table whose rows are rewritten a few times and then rest: what that leaves dead makes
room for the next rows."""
SWEPT_AT_ONCE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000, "toast_tuple_target": 8160}
"""The same where rows live for seconds. They stay in their page up to this size, instead of being cut up into a second
table with an index of its own."""
_POSTGRESQL_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "tcp_user_timeout": 15_000,
}
"""Seconds, seconds, seconds, milliseconds (libpq): a server that vanished is noticed before clients give up."""
_WRITES = "receipt_service_writes"
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Count the microseconds since 1970 of an aware datetime; how SQLite keeps every time."""
    return (at - _UNIX_EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Turn SQLite's number back into an aware UTC datetime."""
    return _UNIX_EPOCH + timedelta(microseconds=count)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, always read back in UTC: ``timestamptz`` on PostgreSQL, microseconds since 1970 on SQLite.

    SQLite's own ``DATETIME`` would come back naive. A naive value is refused with ``ValueError``.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database at hand."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive datetime, then write it in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone can't be stored")
        return to_microseconds(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read back an aware datetime in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return from_microseconds(value)
        moment: datetime = value
        return moment.astimezone(UTC)


def open_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Open ``sqlite:///PATH`` or ``postgresql://…``; nothing is connected before the first use.

    Bound values never appear in errors or logs (``hide_parameters``).

    Raises ``ConfigurationError`` where the URL names another database, or an SQLite database in memory, which two
    threads could not share.
    """
    address = _checked_address(url)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(
            address,
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=10,
            connect_args={"cached_statements": SQLITE_CACHED_STATEMENTS},
        )
        event.listen(engine, "do_connect", _create_sqlite_closed_to_others)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        address,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args=_POSTGRESQL_PATIENCE,
    )


def _checked_address(url: str) -> URL:
    try:
        address = make_url(url)
        backend = address.get_backend_name()
    except Exception as error:
        raise ConfigurationError("the database URL can't be read") from error
    if backend == "sqlite":
        if address.database in {None, "", ":memory:"}:
            raise ConfigurationError("SQLite needs a file: sqlite:///PATH")
        return address
    if backend == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    raise ConfigurationError("the database must be sqlite:///PATH or postgresql://…")


def _create_sqlite_closed_to_others(_dialect: Any, _record: Any, arguments: Any, _keywords: Any) -> None:
    """Make a new file readable for us alone; its ``-wal`` and ``-shm`` take over the mode.

    A file that is there must not even be opened: closing it again would drop this process's locks on it (POSIX), and
    the next process that leaves the database would take itself for the last one and delete the log that we write to.
    """
    with suppress(OSError):  # SQLite says more clearly why a file can't be opened
        os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions behind our back
    cursor = connection.cursor()
    for setting in (
        f"page_size = {SQLITE_PAGE_BYTES}",  # of a new file; an existing one keeps its own
        f"busy_timeout = {SQLITE_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
        f"cache_size = -{SQLITE_CACHE_KIB}",
    ):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def write_option() -> dict[str, Any]:
    """Give the execution option that makes SQLite take its write lock when a transaction begins."""
    return {_WRITES: True}


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open one transaction that writes: it commits when the block ends and rolls back when the block raises."""
    with engine.connect().execution_options(**write_option()) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open one transaction that only reads, and end it without a commit."""
    with engine.connect() as connection:
        yield connection


def is_sqlite(connection: Connection | Engine) -> bool:
    """Tell which of the two databases is behind the connection."""
    return connection.dialect.name == "sqlite"


def table_of(row: type[SQLModel]) -> Table:
    """Give the table behind a row class, for Core statements: the hot paths build no objects."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


def moment(name: str, at: datetime) -> BindParameter[datetime]:
    """Bind a time into a textual statement, in the form the database keeps."""
    return bindparam(name, at, type_=UtcDateTime)


def skip_locked(connection: Connection, of: str) -> str:
    """Give the clause that lets PostgreSQL's workers pass by each other; SQLite has one writer and needs none."""
    return "" if is_sqlite(connection) else f" FOR UPDATE OF {of} SKIP LOCKED"
