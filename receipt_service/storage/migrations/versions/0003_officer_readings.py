"""Who looked at the figures of which officers.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

WRITTEN_ONCE = "a reading is never changed"
KEPT = "a reading is kept for three years"
# Three years less a day: the clocks of application and database may differ.
TOO_YOUNG_ON_SQLITE = "OLD.read_at > (CAST(strftime('%s', 'now') AS INTEGER) - 94608000) * 1000000"
TOO_YOUNG_ON_POSTGRESQL = "OLD.read_at > now() - interval '1095 days'"


def upgrade() -> None:
    op.create_table(
        "officer_reading",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("reader_number", sa.String(20), nullable=False),
        sa.Column("reader_unit", sa.String(40), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("officers", sa.Integer(), nullable=False),
        sa.CheckConstraint("officers >= 0", name="ck_officer_reading_officers"),
        sa.CheckConstraint("purpose <> ''", name="ck_officer_reading_purpose"),
    )
    op.create_index("ix_officer_reading_read_at", "officer_reading", ["read_at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER officer_reading_is_written_once BEFORE UPDATE ON officer_reading"
            f" BEGIN SELECT RAISE(ABORT, '{WRITTEN_ONCE}'); END"
        )
        op.execute(
            f"CREATE TRIGGER officer_reading_is_kept BEFORE DELETE ON officer_reading WHEN {TOO_YOUNG_ON_SQLITE}"
            f" BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        )
        return
    for name, event, condition, message in (
        ("officer_reading_is_written_once", "UPDATE", "true", WRITTEN_ONCE),
        ("officer_reading_is_kept", "DELETE", TOO_YOUNG_ON_POSTGRESQL, KEPT),
    ):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
            f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
            " RETURN OLD; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON officer_reading FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
    op.execute(
        "CREATE TRIGGER officer_reading_is_not_truncated BEFORE TRUNCATE ON officer_reading"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
    )


def downgrade() -> None:
    op.drop_table("officer_reading")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION officer_reading_is_written_once()")
        op.execute("DROP FUNCTION officer_reading_is_kept()")
