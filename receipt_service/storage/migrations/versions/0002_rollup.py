"""The rollup behind statistics: its cells, the officers' cells, the fold queue, and when a message was delivered.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
REWRITTEN_IN_PLACE = {
    "fillfactor": 85,
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_threshold": 2000,
}
SWEPT_AT_ONCE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000}

# A message rests in these states as far as statistics go; whoever enters or leaves one is told to the fold queue.
RESTING = "'accepted', 'delivered', 'undeliverable', 'expired', 'dead_letter'"
MOVED = f"OLD.state <> NEW.state AND (NEW.state IN ({RESTING}) OR OLD.state IN ({RESTING}))"
TELL = (
    "INSERT INTO fold_queue (stub_id, sign, left_state, became_state, elapsed_seconds)"
    " VALUES (NEW.stub_id, 0, OLD.state, NEW.state, {elapsed})"
)


def upgrade() -> None:
    op.add_column("message", sa.Column("delivered_at", MOMENT))
    _create_queue()
    _create_cells()
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        tell = TELL.format(elapsed="(NEW.delivered_at - NEW.created_at) / 1000000")
        op.execute(f"CREATE TRIGGER message_is_told AFTER UPDATE ON message WHEN {MOVED} BEGIN {tell}; END")
    else:
        tell = TELL.format(elapsed="trunc(EXTRACT(EPOCH FROM NEW.delivered_at - NEW.created_at))")
        op.execute(
            f"CREATE FUNCTION message_is_told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {tell}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER message_is_told AFTER UPDATE ON message FOR EACH ROW WHEN ({MOVED})"
            " EXECUTE FUNCTION message_is_told()"
        )
    op.execute("INSERT INTO rollup_state (id, directory_revision) VALUES (1, -1)")
    # What was registered before there were statistics is counted as well; messages of that time as they stand by now.
    op.execute("INSERT INTO fold_queue (stub_id, sign) SELECT id, 1 FROM stub ORDER BY id")
    op.execute(
        "INSERT INTO fold_queue (stub_id, sign, left_state, became_state)"
        f" SELECT stub_id, 0, 'queued', state FROM message WHERE state IN ({RESTING}) ORDER BY id"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER message_is_told")
    else:
        op.execute("DROP TRIGGER message_is_told ON message")
        op.execute("DROP FUNCTION message_is_told()")
    for table in ("rollup_state", "rollup_unit", "officer_cell", "rollup_cell", "withdrawn_stub", "fold_queue"):
        op.drop_table(table)
    op.drop_column("message", "delivered_at")


def _create_queue() -> None:
    op.create_table(
        "fold_queue",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("stub_id", ROW_NUMBER, nullable=False),
        sa.Column("sign", sa.SmallInteger(), nullable=False),
        sa.Column("left_state", sa.String(14)),
        sa.Column("became_state", sa.String(14)),
        sa.Column("elapsed_seconds", sa.Integer()),
        sa.CheckConstraint("sign IN (-1, 0, 1)", name="ck_fold_queue_sign"),
        sa.CheckConstraint("(sign = 0) = (became_state IS NOT NULL)", name="ck_fold_queue_move"),
        postgresql_with=SWEPT_AT_ONCE,
    )
    op.create_table(
        "withdrawn_stub",
        sa.Column("stub_id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("withdrawn_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["stub_id"], ["stub.id"], name="fk_withdrawn_stub"),
    )


def _create_cells() -> None:
    op.create_table(
        "rollup_cell",
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("area", sa.String(41), primary_key=True),
        sa.Column("table_code", sa.String(24), primary_key=True),
        sa.Column("a", sa.String(60), primary_key=True),
        sa.Column("b", sa.String(40), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.CheckConstraint("n >= 0", name="ck_rollup_cell_n"),
        sa.CheckConstraint("k >= 0 AND k < 65536", name="ck_rollup_cell_k"),
        sqlite_with_rowid=False,
        postgresql_with=REWRITTEN_IN_PLACE,
    )
    op.create_table(
        "officer_cell",
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("unit_code", sa.String(40), primary_key=True),
        sa.Column("officer_number", sa.String(20), primary_key=True),
        sa.Column("family", sa.String(40), primary_key=True),
        sa.Column("outcome", sa.String(40), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("n >= 0", name="ck_officer_cell_n"),
        sqlite_with_rowid=False,
        postgresql_with=REWRITTEN_IN_PLACE,
    )
    op.create_table(
        "rollup_unit",
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column("parent_code", sa.String(40)),
    )
    op.create_table(
        "rollup_state",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("directory_revision", ROW_NUMBER, nullable=False),
        sa.Column("key_fingerprint", sa.String(16)),
        sa.Column("folded_at", MOMENT),
        sa.Column("rebuilding_until", MOMENT),
        sa.CheckConstraint("id = 1", name="ck_rollup_state_single"),
    )
