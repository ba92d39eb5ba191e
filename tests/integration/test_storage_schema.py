"""The schema that the migrations make is the schema of the models, to the index and the CHECK, on both databases."""

import stat
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from receipt_service.bootstrap.database import (
    alembic_settings,
    migrate,
    require_current_schema,
    schema_is_current,
    undo_migrations,
)
from receipt_service.errors import ConfigurationError
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.schema import ROWS, metadata

TABLES = {row.__tablename__ for row in ROWS}


def described(engine):
    """Everything the inspector tells of our tables, in a form that compares."""
    inspector = inspect(engine)

    def plain(entries):
        return sorted(str(sorted(entry.items(), key=str)) for entry in entries)

    return {
        table: {
            "columns": plain({**column, "type": str(column["type"])} for column in inspector.get_columns(table)),
            "primary key": inspector.get_pk_constraint(table)["constrained_columns"],
            "foreign keys": plain(inspector.get_foreign_keys(table)),
            "indexes": plain(
                {"name": index["name"], "columns": index["column_names"], "unique": index["unique"]}
                for index in inspector.get_indexes(table)
            ),
            "unique": plain({"columns": unique["column_names"]} for unique in inspector.get_unique_constraints(table)),
            "checks": plain(
                {"name": check["name"], "text": " ".join(check["sqltext"].split())}
                for check in inspector.get_check_constraints(table)
            ),
            "options": str(inspector.get_table_options(table)),
        }
        for table in sorted(TABLES)
    }


def partial_indexes(engine):
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if engine.dialect.name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    with engine.connect() as connection:
        return {name: sql for name, sql in connection.execute(text(query)) if "alembic" not in name}


def bare(url):
    """An engine without our settings: what SQLAlchemy's create_all makes of the models."""
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


@pytest.mark.filterwarnings("ignore:Computed default on message.sealed_id:UserWarning")  # PostgreSQL writes its ELSE
def test_autogenerate_finds_nothing_to_do(engine):
    with reading(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []


def test_migrations_make_exactly_what_the_models_say(empty_database_url):
    engine = bare(empty_database_url)
    migrate(empty_database_url)
    migrated = described(engine), partial_indexes(engine)
    undo_migrations(empty_database_url)
    metadata.create_all(engine)
    assert migrated == (described(engine), partial_indexes(engine))
    engine.dispose()


def test_it_goes_up_from_nothing_and_all_the_way_down_again(empty_database_url):
    migrate(empty_database_url)
    migrate(empty_database_url)  # repeating it changes nothing
    engine = open_engine(empty_database_url)
    assert schema_is_current(engine)
    assert set(inspect(engine).get_table_names()) >= TABLES
    engine.dispose()
    undo_migrations(empty_database_url)
    left = inspect(engine).get_table_names()
    assert set(left) <= {"alembic_version"}
    if engine.dialect.name == "postgresql":
        with reading(engine) as connection:
            functions = connection.execute(
                text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
            )
            assert functions.all() == []
    with pytest.raises(ConfigurationError):
        require_current_schema(engine)
    engine.dispose()
    migrate(empty_database_url)


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url, monkeypatch):
    real = command.upgrade

    def upgrade_then_fail(settings, revision):
        real(settings, revision)
        raise RuntimeError("power cut")

    monkeypatch.setattr(command, "upgrade", upgrade_then_fail)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(empty_database_url)
    engine = open_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_there_is_one_head_and_every_migration_can_be_undone():
    script = ScriptDirectory.from_config(alembic_settings())
    assert len(script.get_heads()) == 1
    for migration in script.walk_revisions():
        assert callable(migration.module.downgrade)
        assert migration.doc


@pytest.mark.parametrize("url", ["mysql://u:p@h/d", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_other_databases_are_refused_without_repeating_the_url(url):
    with pytest.raises(ConfigurationError) as refused:
        open_engine(url)
    assert "u:p" not in str(refused.value)


def test_sqlite_is_set_to_lose_nothing(sqlite_url):
    engine = open_engine(sqlite_url)
    with reading(engine) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "trusted_schema")
        }
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 5000
    engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "trusted_schema": 0,
    }


def test_a_new_sqlite_file_is_ours_alone(tmp_path):
    path = tmp_path / "new.db"
    engine = open_engine(f"sqlite:///{path}")
    assert not path.exists()
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    engine.dispose()


def test_another_process_that_leaves_a_sqlite_file_takes_no_commit_with_it(tmp_path):
    path = tmp_path / "shared.db"
    engine = open_engine(f"sqlite:///{path}")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    held, grown = engine.connect(), engine.connect()  # the pool opens the file while it is in use
    look = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(*c.execute('SELECT count(*) FROM t'))\nc.close()"
    )

    def seen_elsewhere():
        done = subprocess.run([sys.executable, "-c", look, path], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert seen_elsewhere() == "(0,)"
    held.exec_driver_sql("INSERT INTO t VALUES (1)")
    held.commit()
    assert seen_elsewhere() == "(1,)"
    held.close()
    grown.close()
    engine.dispose()


def test_errors_do_not_show_bound_values(engine):
    with pytest.raises(Exception, match="SQL") as failed, engine.connect() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "CANARY-DUPONT"})
    assert "CANARY" not in str(failed.value)


def test_the_stub_keeps_these_columns_and_no_other(engine):
    assert [column["name"] for column in inspect(engine).get_columns("stub")] == [
        "id",
        "checked_at",
        "committed_at",
        "frame_id",
        "receipt_number",
        "officer_number",
        "unit_code",
        "digests",
        "signature",
        "disclosures",
    ]
