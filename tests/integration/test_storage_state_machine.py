"""The database itself refuses what the message states do not allow, whoever asks, on both engines."""
# ruff: noqa: S608 - the statements are put together from this file's own words

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy.exc import IntegrityError

from receipt_service.domain.message import ALLOWED_MOVES, FINAL, HOLDS_ENVELOPE, MessageState, may_move
from receipt_service.domain.recipient import Channel
from receipt_service.storage.attempts import AttemptOutcome
from receipt_service.storage.engine import reading, writing
from tests.support.issuances import NOW, an_issuance, store
from tests.support.message_rows import BORN, begin_attempt, bring, give_birth, move, run, state_of

S = MessageState


def test_every_pair_of_states(engine):
    tried = set()
    for old, new in product(MessageState, MessageState):
        message = bring(engine, old)
        try:
            with writing(engine) as connection:
                move(connection, message, new)
        except IntegrityError:
            allowed = False
        else:
            allowed = True
        assert state_of(engine, message) is (new if allowed else old)
        lawful = may_move(old, new) or (old is new and old not in FINAL)
        assert allowed == lawful, f"{old} to {new}"
        tried.add((old, new))
    assert len(tried) == len(MessageState) ** 2
    assert sum(len(onward) for onward in ALLOWED_MOVES.values()) == 19


@pytest.mark.parametrize("state", sorted(set(MessageState) - set(BORN)))
def test_no_message_is_born_in_another_state(engine, state):
    (message,) = store(engine, an_issuance(Channel.SMS))
    shred = state not in HOLDS_ENVELOPE
    lease, settled = NOW if state is S.SENDING else None, NOW if shred else None
    with pytest.raises(IntegrityError):
        give_birth(engine, message, Channel.SMS, state, sealed=not shred, lease=lease, at=settled)


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (S.ACCEPTED, {"settled_at": None}),
        (S.ACCEPTED, {"leased_until": NOW}),
        (S.UNKNOWN, {"due_at": None}),
        (S.UNKNOWN, {"settled_at": NOW}),
        (S.QUEUED, {"due_at": None}),
        (S.QUEUED, {"leased_until": NOW}),
        (S.SENDING, {"leased_until": None}),
        (S.DEAD_LETTER, {"settled_at": NOW}),
        (S.QUEUED, {"settled_at": NOW}),
        (S.UNKNOWN, {"channel": "email"}),
        (S.UNKNOWN, {"stub_id": 1}),
        (S.UNKNOWN, {"expires_at": None}),
    ],
)
def test_columns_keep_to_the_state(engine, state, wrong):
    message = bring(engine, S.SENDING)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        move(connection, message, state, **wrong)
    assert state_of(engine, message) is S.SENDING


@pytest.mark.parametrize("outcome", [S.ACCEPTED, S.DELIVERED, S.UNKNOWN])
def test_no_outcome_without_an_attempt_on_record(engine, outcome):
    (message,) = store(engine, an_issuance())
    with writing(engine) as connection:
        move(connection, message, S.SENDING)
    with pytest.raises(IntegrityError, match="attempt"), writing(engine) as connection:
        move(connection, message, outcome)


@pytest.mark.parametrize("table", ["stub", "frame", "message", "envelope", "attempt", "idempotency"])
def test_what_is_registered_is_never_deleted(engine, table):
    bring(engine, S.UNKNOWN if table == "envelope" else S.ACCEPTED)
    statements = [f"DELETE FROM {table}"]
    if engine.dialect.name == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with pytest.raises(IntegrityError), writing(engine) as connection:
            run(connection, statement)
    with reading(engine) as connection:
        assert run(connection, f"SELECT count(*) FROM {table}").scalar_one() == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stub SET digests = 'x'",
        "UPDATE stub SET frame_id = frame_id",
        "UPDATE stub SET disclosures = disclosures",
        "UPDATE stub SET officer_number = '7654321'",
        "UPDATE stub SET id = id + 1",
        "UPDATE frame SET head = head",
        "UPDATE frame SET catalogue = 'x'",
        "UPDATE idempotency SET stub_id = stub_id",
        "UPDATE idempotency SET replay_period = 0",
    ],
)
def test_a_stub_and_its_record_are_written_once(engine, change):
    store(engine, an_issuance())
    with pytest.raises(IntegrityError), writing(engine) as connection:
        run(connection, change)


def test_no_message_without_a_stub(engine):
    with pytest.raises(IntegrityError), writing(engine) as connection:
        run(
            connection,
            "INSERT INTO message (id, stub_id, channel, state, created_at, settled_at)"
            " VALUES (1, 1, 'paper', 'handed_over', :now, :now)",
            now=NOW,
        )


INSERT_STUB = (
    "INSERT INTO stub (id, checked_at, committed_at, frame_id, receipt_number, officer_number, unit_code, digests,"
    " signature, disclosures) VALUES (:stub, :now, :at, :frame, 'N', 'o', 'u', 'd', 's', 'd')"
)


def test_no_stub_without_a_message(engine):
    with writing(engine) as connection:
        run(connection, "INSERT INTO frame (id, head, tail, catalogue) VALUES (:frame, 'h', 't', 'c')", frame=b"f")
    for _ in range(2):
        with pytest.raises(IntegrityError), writing(engine) as connection:
            run(connection, INSERT_STUB, stub=1, now=NOW, at=NOW, frame=b"f")
        # The message of another stub is not enough: it has another number.
        store(engine, an_issuance())
    with reading(engine) as connection:
        assert run(connection, "SELECT count(*) FROM stub").scalar_one() == 2


def test_no_stub_without_its_frame(engine):
    (message,) = store(engine, an_issuance())
    with pytest.raises(IntegrityError, match="needs its frame"), writing(engine) as connection:
        run(connection, INSERT_STUB, stub=message + 1, now=NOW, at=NOW, frame=b"f")


OUTCOMES = [None, *AttemptOutcome]


@pytest.mark.parametrize(("old", "new"), list(product(OUTCOMES, OUTCOMES)))
def test_the_outcome_of_an_attempt_is_written_once_and_only_unknown_is_resolved(engine, old, new):
    (message,) = store(engine, an_issuance())

    def write(connection, outcome):
        statement = "UPDATE attempt SET outcome = :outcome, finished_at = :at WHERE message_id = :id"
        run(connection, statement, outcome=outcome, at=None if outcome is None else NOW, id=message)

    with writing(engine) as connection:
        begin_attempt(connection, message)
        if old is not None:
            write(connection, old.value)
    lawful = old is None or old is new or (old is AttemptOutcome.UNKNOWN and new is not None)
    try:
        with writing(engine) as connection:
            write(connection, None if new is None else new.value)
    except IntegrityError:
        assert not lawful
    else:
        assert lawful


def test_an_attempt_is_recorded_before_its_outcome(engine):
    (message,) = store(engine, an_issuance())
    with pytest.raises(IntegrityError), writing(engine) as connection:
        run(
            connection,
            "INSERT INTO attempt (message_id, provider, started_at, finished_at, outcome)"
            " VALUES (:id, 'p', :at, :at, 'accepted')",
            id=message,
            at=NOW,
        )


def accepted_with_reference(engine):
    """A message whose attempt the provider took, under a reference that is to be erased."""
    message = bring(engine, S.ACCEPTED)
    with writing(engine) as connection:
        run(
            connection,
            "UPDATE attempt SET outcome = 'accepted', finished_at = :at, provider_ref = 'SM1', redact_due_at = :at"
            " WHERE message_id = :id",
            at=NOW,
            id=message,
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE attempt SET provider_ref = NULL, redact_due_at = NULL",  # forgotten, not erased
        "UPDATE attempt SET provider_ref = 'other'",
        "UPDATE attempt SET redacted_at = started_at",  # erased, and the reference kept
        "UPDATE attempt SET started_at = started_at - 1",
        "UPDATE attempt SET provider = 'other'",
        "UPDATE attempt SET message_id = message_id + 1",
    ],
)
def test_the_ledger_keeps_what_it_says(engine, change):
    if engine.dialect.name == "postgresql":
        change = change.replace("started_at - 1", "started_at - interval '1 second'")
    accepted_with_reference(engine)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        run(connection, change)


def test_a_reference_is_gone_once_it_is_erased_at_the_provider_and_never_comes_back(engine):
    accepted_with_reference(engine)
    with writing(engine) as connection:
        run(connection, "UPDATE attempt SET provider_ref = NULL, redact_due_at = NULL, redacted_at = :at", at=NOW)
    for change in ("provider_ref = 'SM1', redact_due_at = :at", "redacted_at = NULL", "redacted_at = :at"):
        with pytest.raises(IntegrityError), writing(engine) as connection:
            run(
                connection,
                f"UPDATE attempt SET {change}",
                **({"at": NOW + timedelta(days=1)} if ":at" in change else {}),
            )
