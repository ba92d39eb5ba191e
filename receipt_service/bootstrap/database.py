"""The database as a whole: bring its schema up to date, and refuse to run on one that is not."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from receipt_service.errors import ConfigurationError
from receipt_service.storage.engine import is_sqlite, open_engine, reading, writing

MIGRATIONS = "receipt_service.storage.migrations"
_ONE_AT_A_TIME = 0x5245_4345_5049_5453  # "RECEIPTS": the advisory lock that migrating processes wait for


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to ``revision`` in one transaction; several processes may start it at once.

    Raises ``ConfigurationError`` where the URL names no database that we support.
    """
    _run(url, lambda settings: command.upgrade(settings, revision))


def undo_migrations(url: str, revision: str = "base") -> None:
    """Take the database back to ``revision``. ``base`` drops every table, stubs included."""
    _run(url, lambda settings: command.downgrade(settings, revision))


def require_current_schema(engine: Engine) -> None:
    """Refuse a database that ``receipt-service migrate`` has not brought up to date.

    Raises ``ConfigurationError`` where its schema is older or newer than this program's.
    """
    if not schema_is_current(engine):
        raise ConfigurationError("the database schema is not this program's: run `receipt-service migrate`")


def schema_is_current(engine: Engine) -> bool:
    """Tell whether the schema is exactly this program's."""
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == _newest_revision()


@cache
def _newest_revision() -> str | None:
    return ScriptDirectory.from_config(alembic_settings()).get_current_head()


def _run(url: str, action: Callable[[Config], None]) -> None:
    engine = open_engine(url, pool_size=1)
    try:
        with writing(engine) as connection:
            if not is_sqlite(connection):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_ONE_AT_A_TIME))
            settings = alembic_settings()
            settings.attributes["connection"] = connection
            action(settings)
    finally:
        engine.dispose()


def alembic_settings() -> Config:
    """Give Alembic's settings, without an ini file: the migrations are part of the package."""
    settings = Config()
    settings.set_main_option("script_location", str(files(MIGRATIONS)))
    return settings
