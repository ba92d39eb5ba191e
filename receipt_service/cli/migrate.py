"""``receipt-service migrate``: the database's schema."""

import click
from sqlalchemy.exc import OperationalError

from receipt_service import telemetry
from receipt_service.bootstrap import database
from receipt_service.config.loading import load
from receipt_service.config.parts import DatabaseSettings
from receipt_service.errors import Unavailable


@click.command()
def migrate() -> None:
    """Bring the database to this version's schema; several processes may do it at once."""
    settings = load(DatabaseSettings)
    telemetry.configure("migrate", level=settings.log_level)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        database.migrate(settings.database)
    except OperationalError:
        raise Unavailable("the database does not answer, or its file cannot be opened") from None
    click.echo("the database is at this version's schema")
