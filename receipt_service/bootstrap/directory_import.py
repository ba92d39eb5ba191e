"""Importing a directory file into the database that the settings name."""

from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from receipt_service.bootstrap.database import require_current_schema
from receipt_service.bootstrap.law import load_law
from receipt_service.config.parts import DatabaseSettings
from receipt_service.errors import Unavailable
from receipt_service.issuance.directory import DirectoryReport, import_directory
from receipt_service.storage.engine import open_engine


def import_directory_file(settings: DatabaseSettings, data: bytes, *, complete: bool) -> DirectoryReport:
    """Import the file, or nothing of it. Raises ``ConfigurationError`` and ``Unavailable``."""
    law = load_law()
    engine = open_engine(settings.database, pool_size=1)
    try:
        require_current_schema(engine)
        return import_directory(
            engine, data, catalogue=law.current, territory=law.territory, now=datetime.now(UTC), complete=complete
        )
    except OperationalError:
        raise Unavailable("the database does not answer, or its file cannot be opened") from None
    finally:
        engine.dispose()
