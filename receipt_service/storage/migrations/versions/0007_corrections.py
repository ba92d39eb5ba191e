"""Corrections and cancellations; deletions, and a stub-book that lets go only of what a deletion names.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

WRITTEN_ONCE = "stub_is_written_once"
NOT_NAMED = (
    "NOT (EXISTS (SELECT 1 FROM deletion_stub WHERE stub_id = OLD.id)"
    " AND NEW.id = OLD.id AND NEW.digests = OLD.digests AND NEW.signature = OLD.signature"
    " AND (SELECT head || tail FROM frame WHERE id = NEW.frame_id)"
    " = (SELECT head || tail FROM frame WHERE id = OLD.frame_id)"
    " AND NEW.committed_at = OLD.committed_at AND NEW.checked_at IN (OLD.checked_at, OLD.committed_at)"
    " AND NEW.officer_number IN (OLD.officer_number, '') AND NEW.unit_code IN (OLD.unit_code, '')"
    " AND length(NEW.disclosures) < length(OLD.disclosures)"
    " AND (NEW.receipt_number = OLD.receipt_number"
    " OR (NEW.disclosures = '' AND substr(NEW.receipt_number, 1, 1) = '!')))"
)
UNCHANGED = "a stub is never changed"
# Name, table, event, condition on OLD and NEW under which the change is refused, what the database says.
RULES = (
    (
        "correction_is_of_what_stands",
        "correction",
        "INSERT",
        "EXISTS (SELECT 1 FROM correction WHERE old_stub_id = NEW.new_stub_id)",
        "a receipt that was replaced itself replaces none",
    ),
    (
        "correction_stands",
        "correction",
        "UPDATE",
        "NOT (EXISTS (SELECT 1 FROM deletion_stub WHERE stub_id IN (OLD.old_stub_id, OLD.new_stub_id))"
        " AND NEW.explanation IS NULL AND NEW.officer_number = '' AND NEW.old_stub_id = OLD.old_stub_id"
        " AND NEW.new_stub_id {same} OLD.new_stub_id AND NEW.reason = OLD.reason"
        " AND NEW.corrected_at = OLD.corrected_at AND NEW.record = OLD.record AND NEW.disclosure = OLD.disclosure)",
        "a correction is never changed",
    ),
    ("correction_is_kept", "correction", "DELETE", "1 = 1", "a correction is never deleted"),
    ("deletion_stands", "deletion", "UPDATE", "1 = 1", "a deletion is never changed"),
    ("deletion_is_kept", "deletion", "DELETE", "1 = 1", "a deletion is never deleted"),
    (
        "deletion_is_of_what_is_published",
        "deletion_stub",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM log_entry JOIN log_tree ON log_tree.id = 1"
        " WHERE entry_index = NEW.entry_index AND stub_id = NEW.stub_id AND entry_index < published_size)",
        "only a stub whose leaf is published is deleted",
    ),
    ("deletion_stub_stands", "deletion_stub", "UPDATE", "1 = 1", "a deletion is never changed"),
    ("deletion_stub_is_kept", "deletion_stub", "DELETE", "1 = 1", "a deletion is never deleted"),
)
TABLES = ("correction", "deletion_stub", "deletion")


def upgrade() -> None:
    _create_tables()
    for rule in RULES:
        _refuse(*rule)
    _replace_rule_of_stubs(NOT_NAMED)
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
            )


def downgrade() -> None:
    _replace_rule_of_stubs("1 = 1")
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name, *_ in RULES:
            op.execute(f"DROP FUNCTION {name}()")


def _create_tables() -> None:
    op.create_table(
        "correction",
        sa.Column("old_stub_id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("new_stub_id", ROW_NUMBER, unique=True),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("explanation", sa.String(280)),
        sa.Column("officer_number", sa.String(20), nullable=False),
        sa.Column("corrected_at", MOMENT, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.CheckConstraint("new_stub_id IS NULL OR new_stub_id <> old_stub_id", name="ck_correction_of_another"),
        sa.ForeignKeyConstraint(["old_stub_id"], ["stub.id"], name="fk_correction_old"),
        sa.ForeignKeyConstraint(["new_stub_id"], ["stub.id"], name="fk_correction_new"),
    )
    op.create_table(
        "deletion",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("deleted_at", MOMENT, nullable=False),
        sa.Column("dropped", sa.String(80), nullable=False),
        sa.Column("end_index", ROW_NUMBER, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.CheckConstraint("end_index > 0", name="ck_deletion_end"),
    )
    op.create_table(
        "deletion_stub",
        sa.Column("stub_id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("deletion_id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("entry_index", ROW_NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["deletion_id"], ["deletion.id"], name="fk_deletion_stub_deletion"),
        sqlite_with_rowid=False,
    )


def _refuse(name: str, table: str, event: str, refused: str, message: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {refused.format(same='IS')}"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    op.execute(_function(name, event, refused, message))
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _replace_rule_of_stubs(refused: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {WRITTEN_ONCE}")
        op.execute(
            f"CREATE TRIGGER {WRITTEN_ONCE} BEFORE UPDATE ON stub WHEN {refused}"
            f" BEGIN SELECT RAISE(ABORT, '{UNCHANGED}'); END"
        )
        return
    op.execute(_function(WRITTEN_ONCE, "UPDATE", refused, UNCHANGED))


def _function(name: str, event: str, refused: str, message: str) -> str:
    returned = "OLD" if event == "DELETE" else "NEW"
    found = refused.format(same="IS NOT DISTINCT FROM")
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {found} THEN"
        f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
        f" RETURN {returned}; END $$"
    )
