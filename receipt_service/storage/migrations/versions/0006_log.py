"""The transparency log: its queue, its entries, its tree, and the checkpoints that are kept.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
SWEPT_AT_ONCE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000}
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962, section 2.1

ENTRIES_FOLLOW = (
    "NEW.size > OLD.size AND (SELECT count(*) FROM log_entry WHERE entry_index >= OLD.size AND entry_index < NEW.size)"
    " <> NEW.size - OLD.size"
)
# Name, table, event, condition on OLD and NEW under which the change is refused, what the database says.
RULES = (
    ("log_entry_stands", "log_entry", "UPDATE", "1 = 1", "an entry of the log is never changed"),
    ("log_entry_is_kept", "log_entry", "DELETE", "1 = 1", "an entry of the log is never deleted"),
    (
        "log_tree_grows",
        "log_tree",
        "UPDATE",
        "NEW.size < OLD.size OR NEW.published_size < OLD.published_size"
        " OR (NEW.size = OLD.size AND NEW.root <> OLD.root)",
        "the log grows and is never cut or written anew",
    ),
    ("log_tree_has_its_entries", "log_tree", "UPDATE", ENTRIES_FOLLOW, "the log has as many entries as its tree"),
    ("log_tree_is_kept", "log_tree", "DELETE", "1 = 1", "the tree of the log is never deleted"),
    ("log_anchor_stands", "log_anchor", "UPDATE", "1 = 1", "a checkpoint that is kept is never changed"),
    ("log_anchor_is_kept", "log_anchor", "DELETE", "1 = 1", "a checkpoint that is kept is never deleted"),
)
AT_THE_END = "an entry of the log is added at its end"
NEVER_TRUNCATED = ("log_entry", "log_tree", "log_anchor")


def upgrade() -> None:
    _create_tables()
    for rule in RULES:
        _refuse(*rule)
    _refuse_entries_before_the_end()
    if op.get_bind().dialect.name == "postgresql":
        for table in NEVER_TRUNCATED:
            op.execute(
                f"CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
            )
    op.execute(
        sa.text("INSERT INTO log_tree (id, size, root, edge, published_size) VALUES (1, 0, :root, :edge, 0)").bindparams(
            sa.bindparam("root", EMPTY_ROOT, type_=sa.LargeBinary()), sa.bindparam("edge", b"", type_=sa.LargeBinary())
        )
    )
    # Stubs from before there was a log get their places too.
    op.execute("INSERT INTO log_queue (stub_id) SELECT id FROM stub ORDER BY id")


def _create_tables() -> None:
    op.create_table(
        "log_queue",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.SmallInteger(), nullable=False, server_default="1"),
        sa.Column("stub_id", ROW_NUMBER),
        sa.Column("record", sa.Text()),
        sa.CheckConstraint("(stub_id IS NULL) <> (record IS NULL)", name="ck_log_queue_one"),
        sa.CheckConstraint("(record IS NULL) = (kind = 1)", name="ck_log_queue_kind"),
        postgresql_with=SWEPT_AT_ONCE,
    )
    op.create_table(
        "log_entry",
        sa.Column("entry_index", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("leaf_key", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("stub_id", ROW_NUMBER),
        sa.Column("record", sa.Text()),
        sa.CheckConstraint("entry_index >= 0", name="ck_log_entry_index"),
        sa.CheckConstraint("(stub_id IS NULL) <> (record IS NULL)", name="ck_log_entry_one"),
        sa.CheckConstraint("(record IS NULL) = (kind = 1)", name="ck_log_entry_kind"),
    )
    op.create_index("ix_log_entry_leaf_key", "log_entry", ["leaf_key"])
    op.create_table(
        "log_tree",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("size", ROW_NUMBER, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("published_size", ROW_NUMBER, nullable=False),
        sa.Column("published_at", MOMENT),
        sa.CheckConstraint("id = 1", name="ck_log_tree_single"),
        sa.CheckConstraint("published_size >= 0 AND published_size <= size", name="ck_log_tree_sizes"),
    )
    op.create_table(
        "log_anchor",
        sa.Column("size", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("size > 0", name="ck_log_anchor_size"),
    )


def _refuse(name: str, table: str, event: str, refused: str, message: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {refused}"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    returned = "OLD" if event == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {refused} THEN"
        f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
        f" RETURN {returned}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _refuse_entries_before_the_end() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER log_entry_is_added_at_the_end BEFORE INSERT ON log_entry"
            " WHEN NEW.entry_index < (SELECT size FROM log_tree WHERE id = 1)"
            f" BEGIN SELECT RAISE(ABORT, '{AT_THE_END}'); END"
        )
        return
    # Once for each statement, however many entries it brings.
    op.execute(
        "CREATE FUNCTION log_entry_is_added_at_the_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF (SELECT min(entry_index) FROM added) < (SELECT size FROM log_tree WHERE id = 1) THEN"
        f" RAISE EXCEPTION '{AT_THE_END}' USING ERRCODE = 'check_violation',"
        " CONSTRAINT = 'log_entry_is_added_at_the_end'; END IF; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER log_entry_is_added_at_the_end AFTER INSERT ON log_entry REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION log_entry_is_added_at_the_end()"
    )


def downgrade() -> None:
    for table in ("log_anchor", "log_tree", "log_entry", "log_queue"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in (*(name for name, *_ in RULES), "log_entry_is_added_at_the_end"):
            op.execute(f"DROP FUNCTION {name}()")
