"""What an audit needs: the units' daily closings, and the record of who audited what and why.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

# Three years less a day: the clocks of application and database may differ.
TOO_YOUNG_ON_SQLITE = "OLD.read_at > (CAST(strftime('%s', 'now') AS INTEGER) - 94608000) * 1000000"
TOO_YOUNG_ON_POSTGRESQL = "OLD.read_at > now() - interval '1095 days'"
# Name, table, event, what the database says; the last one holds while a reading is young.
RULES = (
    ("daily_closing_stands", "daily_closing", "UPDATE", "a daily closing is never changed"),
    ("daily_closing_is_kept", "daily_closing", "DELETE", "a daily closing is never deleted"),
    ("audit_reading_is_written_once", "audit_reading", "UPDATE", "a reading is never changed"),
    ("audit_reading_is_kept", "audit_reading", "DELETE", "a reading is kept for three years"),
)
TABLES = ("daily_closing", "audit_reading")


def upgrade() -> None:
    op.create_table(
        "daily_closing",
        sa.Column("unit_code", sa.String(40), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.CheckConstraint("record <> '' AND disclosure <> ''", name="ck_daily_closing_record"),
    )
    op.create_index("ix_daily_closing_day", "daily_closing", ["day"])
    op.create_table(
        "audit_reading",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("reader_kind", sa.String(12), nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(40), nullable=False),
        sa.CheckConstraint(
            "reader_kind IN ('officer', 'subject', 'system_user')", name="ck_audit_reading_reader_kind"
        ),
        sa.CheckConstraint("kind IN ('match', 'period', 'evidence')", name="ck_audit_reading_kind"),
        sa.CheckConstraint("reader <> '' AND purpose <> '' AND reference <> ''", name="ck_audit_reading_said"),
    )
    op.create_index("ix_audit_reading_read_at", "audit_reading", ["read_at"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for rule in RULES:
        (_refuse_on_sqlite if sqlite else _refuse_on_postgresql)(*rule)
    if not sqlite:
        for table in TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
            )


def _refuse_on_sqlite(name: str, table: str, event: str, message: str) -> None:
    when = f" WHEN {TOO_YOUNG_ON_SQLITE}" if name == "audit_reading_is_kept" else ""
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table}{when} BEGIN SELECT RAISE(ABORT, '{message}'); END")


def _refuse_on_postgresql(name: str, table: str, event: str, message: str) -> None:
    condition = TOO_YOUNG_ON_POSTGRESQL if name == "audit_reading_is_kept" else "true"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
        f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
        " RETURN OLD; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name, *_ in RULES:
            op.execute(f"DROP FUNCTION {name}()")
