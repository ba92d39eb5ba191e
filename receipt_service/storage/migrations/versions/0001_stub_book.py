"""The stub-book, the outbox with its envelopes and attempts, the idempotency records and the directory.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

STATES = (
    "'queued', 'sending', 'unknown', 'accepted', 'delivered', 'undeliverable', 'expired', 'dead_letter', "
    "'handed_over', 'declined'"
)
UNSETTLED = "'queued', 'sending', 'unknown', 'dead_letter'"
FINAL = "'delivered', 'undeliverable', 'expired', 'handed_over', 'declined'"
MOVES = {
    "queued": ("sending", "expired"),
    "sending": ("accepted", "delivered", "queued", "unknown", "undeliverable", "dead_letter", "expired"),
    "unknown": ("accepted", "delivered", "queued", "undeliverable", "dead_letter", "expired"),
    "accepted": ("delivered", "undeliverable"),
    "dead_letter": ("queued", "expired"),
}
PAIRS = ", ".join(f"'{old}>{new}'" for old, onward in MOVES.items() for new in onward)
PROVED = "'accepted', 'delivered', 'unknown'"  # states that only an attempt can lead to
SEALED_ID = "CASE WHEN settled_at IS NULL THEN id END"

# Each rule: table, event, condition on OLD and NEW under which the change is refused, what the database says.
# {differs} is "is distinct from" in the words of the database at hand.
RULES = (
    ("frame_is_written_once", "frame", "UPDATE", "1 = 1", "a frame is never changed"),
    ("frame_is_kept", "frame", "DELETE", "1 = 1", "a frame is never deleted"),
    ("stub_is_written_once", "stub", "UPDATE", "1 = 1", "a stub is never changed"),
    ("stub_is_kept", "stub", "DELETE", "1 = 1", "a stub is never deleted"),
    ("idempotency_is_written_once", "idempotency", "UPDATE", "1 = 1", "an idempotency record is never changed"),
    ("idempotency_is_kept", "idempotency", "DELETE", "1 = 1", "an idempotency record is never deleted"),
    ("message_is_kept", "message", "DELETE", "1 = 1", "a message is never deleted"),
    (
        "message_begins",
        "message",
        "INSERT",
        "NEW.state NOT IN ('queued', 'handed_over', 'declined') OR NEW.last_code IS NOT NULL",
        "a message begins queued, handed over or declined",
    ),
    (
        "message_moves",
        "message",
        "UPDATE",
        f"OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({PAIRS})",
        "a message may not move that way",
    ),
    ("message_ends", "message", "UPDATE", f"OLD.state IN ({FINAL})", "a settled message is never changed"),
    (
        "message_keeps_its_origin",
        "message",
        "UPDATE",
        "NEW.id <> OLD.id OR NEW.stub_id <> OLD.stub_id OR NEW.channel <> OLD.channel"
        " OR NEW.created_at <> OLD.created_at OR NEW.expires_at {differs} OLD.expires_at"
        " OR (OLD.settled_at IS NOT NULL AND NEW.settled_at {differs} OLD.settled_at)",
        "what a message was made of never changes",
    ),
    (
        "message_was_attempted",
        "message",
        "UPDATE",
        f"OLD.state = 'sending' AND NEW.state IN ({PROVED})"
        " AND NOT EXISTS (SELECT 1 FROM attempt WHERE message_id = NEW.id)",
        "an attempt must be on record before its outcome",
    ),
    ("envelope_is_written_once", "envelope", "UPDATE", "1 = 1", "an envelope is never changed"),
    (
        "envelope_is_kept",
        "envelope",
        "DELETE",
        "EXISTS (SELECT 1 FROM message WHERE id = OLD.message_id AND settled_at IS NULL)",
        "an envelope is kept until its message is settled",
    ),
    ("attempt_is_kept", "attempt", "DELETE", "1 = 1", "an attempt is never deleted"),
    (
        "attempt_begins",
        "attempt",
        "INSERT",
        "NEW.outcome IS NOT NULL OR NEW.redacted_at IS NOT NULL",
        "an attempt is recorded before its outcome",
    ),
    (
        "attempt_outcome_is_written_once",
        "attempt",
        "UPDATE",
        "NEW.outcome {differs} OLD.outcome AND OLD.outcome IS NOT NULL"
        " AND NOT (OLD.outcome = 'unknown' AND NEW.outcome IS NOT NULL)",
        "the outcome of an attempt is written once",
    ),
    (
        "attempt_keeps_its_origin",
        "attempt",
        "UPDATE",
        "NEW.id <> OLD.id OR NEW.message_id <> OLD.message_id OR NEW.provider <> OLD.provider"
        " OR NEW.started_at <> OLD.started_at"
        " OR (OLD.redacted_at IS NOT NULL AND NEW.redacted_at {differs} OLD.redacted_at)"
        " OR (OLD.redacted_at IS NOT NULL AND NEW.provider_ref IS NOT NULL)"
        " OR (OLD.provider_ref IS NOT NULL AND NEW.provider_ref {differs} OLD.provider_ref"
        " AND NEW.redacted_at IS NULL)",
        "what is on record of an attempt stays, and so does its reference until its erasure",
    ),
)
NEVER_TRUNCATED = ("frame", "stub", "message", "envelope", "attempt", "idempotency")
SHRED = "DELETE FROM envelope WHERE message_id = NEW.id"
SETTLES = "OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL"
SWEPT_AT_ONCE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000, "toast_tuple_target": 8160}
SWEPT_EARLY = {"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_threshold": 2000}


FRAMELESS = "a stub needs its frame"
# 25: an opening bracket and the first salt in its quotes, after which the frame's catalogue was cut out.
WHOLE_STUB = """
CREATE VIEW whole_stub AS
SELECT stub.id, receipt_number, head || digests || tail || signature AS leaf,
       substr(disclosures, 1, 25) || catalogue || substr(disclosures, 26) AS disclosures,
       officer_number, unit_code, checked_at, committed_at
FROM stub JOIN frame ON frame.id = stub.frame_id
"""


def upgrade() -> None:
    _create_directory()
    _create_stub_and_message()
    _create_envelope()
    _create_attempt()
    _create_idempotency()
    if op.get_bind().dialect.name == "sqlite":
        _add_rules_to_sqlite()
    else:
        _add_rules_to_postgresql()
    op.execute(WHOLE_STUB)
    op.execute("INSERT INTO directory_revision (id, revision) VALUES (1, 0)")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute("DROP VIEW whole_stub")
    op.execute("DROP TRIGGER stub_has_its_frame" + (" ON stub" if postgresql else ""))
    for name, table, *_ in RULES:
        op.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        for table in NEVER_TRUNCATED:
            op.execute(f"DROP TRIGGER {table}_is_not_truncated ON {table}")
        op.execute("DROP TRIGGER message_shreds ON message")
        op.execute("ALTER TABLE stub DROP CONSTRAINT fk_stub_message")
        op.execute("ALTER TABLE message DROP CONSTRAINT fk_message_envelope")
    else:
        op.execute("DROP TRIGGER message_shreds")
    op.drop_table("idempotency")
    op.drop_table("attempt")
    if not postgresql:
        # Each references the other, so the rows of all go before any table can.
        op.execute("DELETE FROM envelope")
        op.execute("DELETE FROM message")
        op.execute("DELETE FROM stub")
    op.drop_table("envelope")
    op.drop_table("message")
    op.drop_table("stub")
    op.drop_table("frame")
    op.drop_table("officer")
    op.drop_table("unit")
    op.drop_table("directory_revision")
    if postgresql:
        for name, *_ in RULES:
            op.execute(f"DROP FUNCTION {name}()")
        op.execute("DROP FUNCTION message_shreds()")
        op.execute("DROP FUNCTION stub_has_its_frame()")
        op.execute("DROP FUNCTION refuse_truncation()")


def _create_directory() -> None:
    op.create_table(
        "unit",
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("parent_code", sa.String(40)),
        sa.Column("force", sa.String(20), nullable=False),
        sa.Column("department", sa.String(3)),
        sa.Column("commune", sa.String(5)),
        sa.CheckConstraint("parent_code IS NULL OR parent_code <> code", name="ck_unit_parent"),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["unit.code"], name="fk_unit_parent", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_index("ix_unit_parent", "unit", ["parent_code"])
    op.create_table(
        "officer",
        sa.Column("number", sa.String(20), primary_key=True),
        sa.Column("subject", sa.String(255), nullable=False, unique=True),
        sa.Column("rank", sa.String(40), nullable=False),
        sa.Column("quality", sa.String(40), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"], name="fk_officer_unit"),
    )
    op.create_index("ix_officer_unit", "officer", ["unit_code"])
    op.create_table(
        "directory_revision",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("revision", ROW_NUMBER, nullable=False),
        sa.Column("imported_at", MOMENT),
        sa.CheckConstraint("id = 1", name="ck_directory_revision_single"),
    )


def _create_stub_and_message() -> None:
    to_message = sa.ForeignKeyConstraint(
        ["id"], ["message.id"], name="fk_stub_message", deferrable=True, initially="DEFERRED", use_alter=True
    )
    to_envelope = sa.ForeignKeyConstraint(
        ["sealed_id"],
        ["envelope.message_id"],
        name="fk_message_envelope",
        deferrable=True,
        initially="DEFERRED",
        use_alter=True,
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "frame",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("tail", sa.Text(), nullable=False),
        sa.Column("catalogue", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stub",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("committed_at", MOMENT, nullable=False),
        sa.Column("frame_id", sa.LargeBinary(16), nullable=False),
        sa.Column("receipt_number", sa.String(26), nullable=False, unique=True),
        sa.Column("officer_number", sa.String(20), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("disclosures", sa.Text(), nullable=False),
        *([to_message] if sqlite else []),
    )
    op.create_table(
        "message",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("stub_id", ROW_NUMBER, nullable=False),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("state", sa.String(14), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("leased_until", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.Column("last_code", sa.String(80)),
        sa.Column("sealed_id", ROW_NUMBER, sa.Computed(SEALED_ID, persisted=True), unique=True),
        sa.CheckConstraint(f"state IN ({STATES})", name="ck_message_state"),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'screen', 'paper', 'declined')", name="ck_message_channel"
        ),
        sa.CheckConstraint(f"(settled_at IS NULL) = (state IN ({UNSETTLED}))", name="ck_message_settled"),
        sa.CheckConstraint("(leased_until IS NOT NULL) = (state = 'sending')", name="ck_message_lease"),
        sa.CheckConstraint("id - stub_id BETWEEN 0 AND 4", name="ck_message_number"),
        sa.CheckConstraint("(expires_at IS NOT NULL) = (channel IN ('sms', 'email'))", name="ck_message_window"),
        sa.CheckConstraint(
            "(channel IN ('screen', 'paper')) = (state = 'handed_over')", name="ck_message_handed_over"
        ),
        sa.CheckConstraint("(channel = 'declined') = (state = 'declined')", name="ck_message_declined"),
        sa.CheckConstraint("state NOT IN ('queued', 'unknown') OR due_at IS NOT NULL", name="ck_message_due"),
        sa.ForeignKeyConstraint(["stub_id"], ["stub.id"], name="fk_message_stub"),
        *([to_envelope] if sqlite else []),
        postgresql_with=SWEPT_EARLY,
    )
    if not sqlite:
        op.create_foreign_key(
            "fk_stub_message", "stub", "message", ["id"], ["id"], deferrable=True, initially="DEFERRED"
        )
    unsettled = sa.text("settled_at IS NULL")
    followed = sa.text("state = 'accepted' AND due_at IS NOT NULL")
    for name, columns, where in (
        ("ix_message_due", ["state", "due_at"], unsettled),
        ("ix_message_expires", ["expires_at"], unsettled),
        ("ix_message_followed", ["due_at"], followed),
    ):
        op.create_index(name, "message", columns, sqlite_where=where, postgresql_where=where)


def _create_envelope() -> None:
    op.create_table(
        "envelope",
        sa.Column("message_id", ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.String(20), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.sealed_id"],
            name="fk_envelope_message",
            deferrable=True,
            initially="DEFERRED",
        ),
        postgresql_with=SWEPT_AT_ONCE,
    )
    op.create_index("ix_envelope_epoch", "envelope", ["epoch"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(
            "fk_message_envelope",
            "message",
            "envelope",
            ["sealed_id"],
            ["message_id"],
            deferrable=True,
            initially="DEFERRED",
        )


def _create_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        sa.Column("message_id", ROW_NUMBER, nullable=False),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("outcome", sa.String(16)),
        sa.Column("code", sa.String(80)),
        sa.Column("provider_ref", sa.String(120)),
        sa.Column("redact_due_at", MOMENT),
        sa.Column("redacted_at", MOMENT),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('accepted', 'transient', 'permanent', 'configuration', 'unknown')",
            name="ck_attempt_outcome",
        ),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="ck_attempt_finished"),
        sa.CheckConstraint("provider_ref IS NULL OR outcome = 'accepted'", name="ck_attempt_ref"),
        sa.CheckConstraint("redacted_at IS NULL OR provider_ref IS NULL", name="ck_attempt_redacted"),
        sa.CheckConstraint("(redact_due_at IS NULL) = (provider_ref IS NULL)", name="ck_attempt_redact_due"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_attempt_message"),
        postgresql_with=SWEPT_EARLY,
    )
    op.create_index("ix_attempt_message", "attempt", ["message_id"])
    named = sa.text("provider_ref IS NOT NULL")
    op.create_index(
        "ix_attempt_redact_due", "attempt", ["redact_due_at"], sqlite_where=named, postgresql_where=named
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("lookup", sa.LargeBinary(16), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary(16), nullable=False),
        sa.Column("replay_period", sa.Integer(), nullable=False),
        sa.Column("stub_id", ROW_NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["stub_id"], ["stub.id"], name="fk_idempotency_stub"),
        sqlite_with_rowid=False,
    )


def _add_rules_to_sqlite() -> None:
    for name, table, event, condition, message in RULES:
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition.format(differs='IS NOT')}"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    op.execute(f"CREATE TRIGGER message_shreds AFTER UPDATE ON message WHEN {SETTLES} BEGIN {SHRED}; END")
    # AFTER: before an INSERT of many rows a trigger makes SQLite copy each of them once more.
    op.execute(
        "CREATE TRIGGER stub_has_its_frame AFTER INSERT ON stub"
        " WHEN NOT EXISTS (SELECT 1 FROM frame WHERE id = NEW.frame_id)"
        f" BEGIN SELECT RAISE(ABORT, '{FRAMELESS}'); END"
    )


def _add_rules_to_postgresql() -> None:
    for name, table, event, condition, message in RULES:
        # A function for each rule, so that the error names the rule; WHEN may not hold a subquery, IF may.
        found = condition.format(differs="IS DISTINCT FROM")
        returned = "OLD" if event == "DELETE" else "NEW"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {found} THEN"
            f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
            f" RETURN {returned}; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
    op.execute(
        f"CREATE FUNCTION message_shreds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {SHRED}; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER message_shreds AFTER UPDATE ON message FOR EACH ROW WHEN ({SETTLES})"
        " EXECUTE FUNCTION message_shreds()"
    )
    # Once for each statement, however many stubs it brings.
    op.execute(
        "CREATE FUNCTION stub_has_its_frame() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT 1 FROM added WHERE NOT EXISTS (SELECT 1 FROM frame WHERE frame.id = added.frame_id)) THEN"
        f" RAISE EXCEPTION '{FRAMELESS}' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'stub_has_its_frame';"
        " END IF; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER stub_has_its_frame AFTER INSERT ON stub REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION stub_has_its_frame()"
    )
    op.execute(
        "CREATE FUNCTION refuse_truncation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'the stub-book is never emptied' USING ERRCODE = 'check_violation'; END $$"
    )
    for table in NEVER_TRUNCATED:
        op.execute(
            f"CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
        )
