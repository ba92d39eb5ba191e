"""An envelope exists exactly while its message needs it, and the database sees to that, on both engines."""

import threading

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from receipt_service.domain.message import HOLDS_ENVELOPE, MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.storage import envelopes
from receipt_service.storage.engine import open_engine, reading, writing
from tests.support.issuances import NOW, an_issuance, store
from tests.support.message_rows import ROUTES, bring, give_birth, insert_envelope, move, run

S = MessageState


@pytest.mark.parametrize("state", list(MessageState))
def test_an_envelope_exists_exactly_while_it_may_be_needed(engine, state):
    message = bring(engine, state)
    with reading(engine) as connection:
        sealed = run(connection, "SELECT sealed_id FROM message WHERE id = :id", id=message).scalar_one()
        assert envelopes.count(connection) == (state in HOLDS_ENVELOPE)
    assert sealed == (message if state in HOLDS_ENVELOPE else None)


def test_the_statement_that_settles_shreds(engine):
    """Not the commit: nobody sees a settled message with an envelope, not even within the transaction."""
    for state in sorted(ROUTES.keys() & {S.ACCEPTED, S.DELIVERED, S.UNDELIVERABLE, S.EXPIRED}):
        bring(engine, S.QUEUED if state is S.EXPIRED else S.SENDING)
        with writing(engine) as connection:
            message = run(connection, "SELECT message_id FROM envelope").scalar_one()
            move(connection, message, state)
            assert envelopes.count(connection) == 0


def test_many_are_settled_and_shredded_by_one_statement(engine):
    store(engine, *(an_issuance() for _ in range(20)))
    with writing(engine) as connection:
        run(connection, "UPDATE message SET state = 'expired', due_at = NULL, settled_at = :at", at=NOW)
        assert envelopes.count(connection) == 0


@pytest.mark.parametrize("state", sorted(HOLDS_ENVELOPE))
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM envelope",
        "UPDATE envelope SET ciphertext = ciphertext",
        "UPDATE envelope SET epoch = '2026-11-23T15Z'",
        "UPDATE envelope SET message_id = message_id + 1",
        "INSERT INTO envelope (message_id, epoch, ciphertext) SELECT id + 1, 'e', '' FROM message",
        "INSERT INTO envelope (message_id, epoch, ciphertext) SELECT id, 'e', '' FROM message",
        "UPDATE message SET sealed_id = NULL",
    ],
)
def test_an_envelope_stays_as_it_is_until_its_message_is_settled(engine, state, change):
    bring(engine, state)
    with pytest.raises(DBAPIError), writing(engine) as connection:
        run(connection, change)
    with reading(engine) as connection:
        assert run(connection, "SELECT epoch FROM envelope").scalar_one() == "2026-11-23T14Z"


def test_an_envelope_is_not_exchanged_within_a_transaction_either(engine):
    message = bring(engine, S.UNKNOWN)

    def exchange():
        with writing(engine) as connection:
            run(connection, "DELETE FROM envelope")
            insert_envelope(connection, message)

    with pytest.raises(IntegrityError, match="kept"):
        exchange()


@pytest.mark.parametrize("state", sorted(set(MessageState) - HOLDS_ENVELOPE))
def test_a_settled_message_never_gets_an_envelope(engine, state):
    message = bring(engine, state)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        insert_envelope(connection, message)
    with reading(engine) as connection:
        assert envelopes.count(connection) == 0


@pytest.mark.parametrize(
    ("channel", "state", "at"), [(Channel.SMS, S.QUEUED, None), (Channel.PAPER, S.HANDED_OVER, NOW)]
)
def test_a_message_to_be_sent_is_born_with_its_envelope_and_no_other_is(engine, channel, state, at):
    (first,) = store(engine, an_issuance())
    lawful = state in HOLDS_ENVELOPE
    with pytest.raises(IntegrityError):
        give_birth(engine, first, channel, state, sealed=not lawful, at=at)
    give_birth(engine, first, channel, state, sealed=lawful, at=at)
    with reading(engine) as connection:
        assert envelopes.count(connection) == (2 if lawful else 1)


@pytest.mark.needs_postgres
def test_an_envelope_that_comes_while_its_message_is_being_settled_is_refused(postgres_url):
    engine = open_engine(postgres_url)
    message = bring(engine, S.SENDING)
    refused = []

    def insert():
        try:
            with writing(engine) as connection:
                insert_envelope(connection, message)  # waits for the other transaction, which takes the first one away
        except IntegrityError as error:
            refused.append(error)

    late = threading.Thread(target=insert)
    with writing(engine) as connection:
        move(connection, message, S.ACCEPTED)
        late.start()
        late.join(0.3)
        assert late.is_alive()
    late.join(10)
    with reading(engine) as connection:
        assert (len(refused), envelopes.count(connection)) == (1, 0)
    engine.dispose()
