"""Alembic's migrations: the only readers of the whole schema."""
