"""Messages brought into any state by SQL alone, past the code that would refuse: what is left is the database."""
# ruff: noqa: S608 - the statements are put together from this file's own words

from sqlalchemy import bindparam, text

from receipt_service.domain.message import HOLDS_ENVELOPE, WINDOWS, MessageState
from receipt_service.domain.recipient import Channel
from receipt_service.storage.engine import UtcDateTime, reading, writing
from tests.support.issuances import NOW, an_issuance, store

S = MessageState
BORN = {S.QUEUED: Channel.SMS, S.HANDED_OVER: Channel.PAPER, S.DECLINED: Channel.DECLINED}
ROUTES = {
    S.QUEUED: (),
    S.SENDING: (S.SENDING,),
    S.UNKNOWN: (S.SENDING, S.UNKNOWN),
    S.ACCEPTED: (S.SENDING, S.ACCEPTED),
    S.DELIVERED: (S.SENDING, S.DELIVERED),
    S.UNDELIVERABLE: (S.SENDING, S.UNDELIVERABLE),
    S.EXPIRED: (S.EXPIRED,),
    S.DEAD_LETTER: (S.SENDING, S.DEAD_LETTER),
    S.HANDED_OVER: (),
    S.DECLINED: (),
}
"""A lawful way from birth to each state."""


def run(connection, statement, **values):
    moments = [bindparam(name, type_=UtcDateTime) for name in values if name in {"at", "now", "due", "lease"}]
    return connection.execute(text(statement).bindparams(*moments), values)


def move(connection, message, state, **other):
    """Set a state by SQL, with every column that the CHECKs tie to it as they want it."""
    shred = state not in HOLDS_ENVELOPE
    columns = {
        "state": state.value,
        "leased_until": NOW if state is S.SENDING else None,
        "due_at": NOW if state in {S.QUEUED, S.UNKNOWN} else None,
        "settled_at": NOW if shred else None,
    } | other
    moments = [bindparam(name, type_=UtcDateTime) for name in ("leased_until", "due_at", "settled_at")]
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    statement = text(f"UPDATE message SET {assignments} WHERE id = :id").bindparams(*moments)
    assert connection.execute(statement, {**columns, "id": message}).rowcount == 1


def begin_attempt(connection, message):
    run(connection, "INSERT INTO attempt (message_id, provider, started_at) VALUES (:id, 'p', :at)", id=message, at=NOW)


def insert_envelope(connection, message):
    statement = "INSERT INTO envelope (message_id, epoch, ciphertext) VALUES (:id, '2026-11-23T14Z', :sealed)"
    run(connection, statement, id=message, sealed=b"another")


def bring(engine, state):
    """A message in ``state``, an attempt on record."""
    channel = BORN.get(state, Channel.SMS)
    (message,) = store(engine, an_issuance(channel))
    with writing(engine) as connection:
        if channel is Channel.SMS:
            begin_attempt(connection, message)
        for step in ROUTES[state]:
            move(connection, message, step)
    return message


def state_of(engine, message):
    with reading(engine) as connection:
        return MessageState(run(connection, "SELECT state FROM message WHERE id = :id", id=message).scalar_one())


def give_birth(engine, first, channel, state, *, sealed, at, lease=None):
    """Add a message to a stub by SQL; ``at`` is when it was settled."""
    window = NOW if channel in WINDOWS else None
    with writing(engine) as connection:
        if sealed:
            insert_envelope(connection, first + 1)
        run(
            connection,
            "INSERT INTO message (id, stub_id, channel, state, created_at, due_at, leased_until, expires_at,"
            " settled_at) VALUES (:id, :stub, :channel, :state, :now, :due, :lease, :due, :at)",
            id=first + 1,
            stub=first,
            channel=channel,
            state=state.value,
            now=NOW,
            due=window,
            lease=lease,
            at=at,
        )
