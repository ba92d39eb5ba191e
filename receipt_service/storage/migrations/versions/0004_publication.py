"""The ledger of the public file: one row for each quarter whose privacy budget is spent, for ever.

Frozen: what stands here never follows the models. A later change is a later migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

# Name, event, condition on OLD and NEW under which the change is refused, what the database says.
RULES = (
    ("publication_is_kept", "DELETE", "1 = 1", "a spent privacy budget is never forgotten"),
    (
        "publication_is_completed_once",
        "UPDATE",
        "OLD.manifest_sha256 IS NOT NULL OR NEW.manifest_sha256 IS NULL OR NEW.period <> OLD.period"
        " OR NEW.epsilon <> OLD.epsilon OR NEW.mechanism <> OLD.mechanism OR NEW.reserved_at <> OLD.reserved_at",
        "a publication is completed once and never changed",
    ),
)


def upgrade() -> None:
    op.create_table(
        "publication",
        sa.Column("period", sa.String(7), primary_key=True),
        sa.Column("epsilon", sa.Double(), nullable=False),
        sa.Column("mechanism", sa.Text(), nullable=False),
        sa.Column("reserved_at", MOMENT, nullable=False),
        sa.Column("manifest_sha256", sa.String(64)),
        sa.Column("kid", sa.String(43)),
        sa.Column("published_at", MOMENT),
        sa.CheckConstraint("epsilon > 0 AND epsilon <= 1", name="ck_publication_epsilon"),
        sa.CheckConstraint(
            "(manifest_sha256 IS NULL) = (published_at IS NULL) AND (manifest_sha256 IS NULL) = (kid IS NULL)",
            name="ck_publication_complete",
        ),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, event, refused, message in RULES:
        if sqlite:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON publication WHEN {refused}"
                f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
            continue
        returned = "OLD" if event == "DELETE" else "NEW"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {refused} THEN"
            f" RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}'; END IF;"
            f" RETURN {returned}; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON publication FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
    if not sqlite:
        op.execute(
            "CREATE TRIGGER publication_is_not_truncated BEFORE TRUNCATE ON publication"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
        )


def downgrade() -> None:
    op.drop_table("publication")  # and its triggers with it
    if op.get_bind().dialect.name == "postgresql":
        for name, *_ in RULES:
            op.execute(f"DROP FUNCTION {name}()")
