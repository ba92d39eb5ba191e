"""How Alembic reaches the database: on the connection that ``bootstrap.database`` hands over, and only there."""

from alembic import context
from sqlalchemy import Connection

from receipt_service.storage.schema import metadata


def run(connection: Connection) -> None:
    """Run the migrations in one transaction: a migration that fails leaves nothing behind, on SQLite too."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
