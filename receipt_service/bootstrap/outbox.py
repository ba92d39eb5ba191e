"""The outbox for an operator's command: the database opened, checked, and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from receipt_service.bootstrap.database import require_current_schema
from receipt_service.config.parts import DatabaseSettings
from receipt_service.errors import Unavailable
from receipt_service.storage.engine import open_engine


@contextmanager
def opened_outbox(settings: DatabaseSettings) -> Iterator[Engine]:
    """Open the database of ``settings``.

    Raises:
        ConfigurationError: its schema is another version's.
        Unavailable: there is none, or it does not answer.

    """
    engine = open_engine(settings.database, pool_size=1)
    try:
        require_current_schema(engine)
        yield engine
    except OperationalError:
        raise Unavailable("the database does not answer, or its file cannot be opened") from None
    finally:
        engine.dispose()
