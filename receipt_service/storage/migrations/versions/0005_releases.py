"""Releases: the figures of closed periods as they may be shown, and nothing that changes them afterwards.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

# Name, event, table, condition on OLD or NEW under which the change is refused.
STANDS = "EXISTS (SELECT 1 FROM release WHERE period = {row}.period AND released_at IS NOT NULL)"
RULES = (
    ("release_stands", "UPDATE", "release", "OLD.released_at IS NOT NULL"),
    ("release_is_kept", "DELETE", "release", "OLD.released_at IS NOT NULL"),
    ("released_cell_is_not_added", "INSERT", "released_cell", STANDS.format(row="NEW")),
    ("released_cell_stands", "UPDATE", "released_cell", "1 = 1"),
    ("released_cell_is_kept", "DELETE", "released_cell", STANDS.format(row="OLD")),
)
MESSAGE = "what is released never changes"


def upgrade() -> None:
    op.create_table(
        "release",
        sa.Column("period", sa.String(7), primary_key=True),
        sa.Column("released_at", MOMENT),
        sa.Column("making_until", MOMENT, nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("leak", sa.Double(), nullable=False),
    )
    op.create_table(
        "released_cell",
        sa.Column("period", sa.String(7), primary_key=True),
        sa.Column("table_code", sa.String(24), primary_key=True),
        sa.Column("area", sa.String(41), primary_key=True),
        sa.Column("a", sa.String(60), primary_key=True),
        sa.Column("b", sa.String(40), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(9), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.CheckConstraint("value >= 11", name="ck_released_cell_value"),
        sa.CheckConstraint("n >= 11", name="ck_released_cell_n"),
        sa.CheckConstraint("mark IN ('perturbed', 'merged')", name="ck_released_cell_mark"),
        sa.ForeignKeyConstraint(["period"], ["release.period"], name="fk_released_cell_release"),
        sqlite_with_rowid=False,
    )
    for name, event, table, refused in RULES:
        _refuse(name, event, table, refused)
    if op.get_bind().dialect.name == "postgresql":
        for table in ("release", "released_cell"):
            op.execute(
                f"CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
            )


def _refuse(name: str, event: str, table: str, refused: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {refused}"
            f" BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
        return
    returned = "OLD" if event == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {refused} THEN"
        f" RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
        f" RETURN {returned}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    op.drop_table("released_cell")
    op.drop_table("release")
    if op.get_bind().dialect.name == "postgresql":
        for name, *_ in RULES:
            op.execute(f"DROP FUNCTION {name}()")
