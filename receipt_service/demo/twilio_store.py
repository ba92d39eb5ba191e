"""What the Twilio stand-in remembers: the provider's records, and beside them the phones that got the texts.

The two are kept apart on purpose. Redacting a record empties it at the provider; the text stays on
the handset, where it belongs. Nothing is written to disk.
"""

import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum

from receipt_service.delivery.rendering import gsm7


class Behaviour(StrEnum):
    """How the stand-in treats a number. Those that end in ``_once`` do so for the first request only."""

    DELIVERS = "delivers"
    REFUSES = "refuses"
    FAILS_LATER = "fails_later"
    NEVER_FINAL = "never_final"
    LIMITS_ONCE = "limits_once"
    BREAKS_ONCE = "breaks_once"
    """500, and the message was not taken."""
    BREAKS_AFTER_TAKING_ONCE = "breaks_after_taking_once"
    """500 although the message was taken."""
    DROPS_AFTER_TAKING_ONCE = "drops_after_taking_once"
    """Takes the message, then drops the connection: the answer is lost."""
    HANGS_ONCE = "hangs_once"
    """Never answers, and the message was not taken."""
    HANGS_AFTER_TAKING_ONCE = "hangs_after_taking_once"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Manner:
    """A behaviour with the Twilio error code that goes with it."""

    behaviour: Behaviour
    code: int | None = None


MAGIC_NUMBERS: dict[str, Manner] = {
    # Arcep keeps 06 39 98 xx xx for fiction; the numbers of our demonstrations lie in 06 39 98 00 xx.
    "+33639989001": Manner(Behaviour.REFUSES, 21211),
    "+33639989002": Manner(Behaviour.REFUSES, 21614),
    "+33639989003": Manner(Behaviour.REFUSES, 21610),
    "+33639989004": Manner(Behaviour.REFUSES, 21612),
    "+33639989005": Manner(Behaviour.LIMITS_ONCE, 20429),
    "+33639989006": Manner(Behaviour.BREAKS_ONCE, 20500),
    "+33639989007": Manner(Behaviour.DROPS_AFTER_TAKING_ONCE),
    "+33639989008": Manner(Behaviour.HANGS_ONCE),
    "+33639989009": Manner(Behaviour.SLOW),
    "+33639989010": Manner(Behaviour.FAILS_LATER, 30005),
    "+33639989011": Manner(Behaviour.FAILS_LATER, 30003),
    "+33639989012": Manner(Behaviour.NEVER_FINAL),
    "+33639989013": Manner(Behaviour.BREAKS_AFTER_TAKING_ONCE, 20500),
    "+33639989014": Manner(Behaviour.HANGS_AFTER_TAKING_ONCE),
    "+33639989015": Manner(Behaviour.REFUSES, 29999),
    # Twilio's own test numbers (https://www.twilio.com/docs/iam/test-credentials).
    "+15005550001": Manner(Behaviour.REFUSES, 21211),
    "+15005550002": Manner(Behaviour.REFUSES, 21612),
    "+15005550003": Manner(Behaviour.REFUSES, 21408),
    "+15005550004": Manner(Behaviour.REFUSES, 21610),
    "+15005550009": Manner(Behaviour.REFUSES, 21614),
}

FINAL_STATUSES = frozenset({"delivered", "undelivered", "failed", "canceled"})


@dataclass(slots=True, repr=False)
class Record:
    """A Message resource as the provider keeps it."""

    sid: str
    to: str
    sender: str
    body: str
    created_at: datetime
    manner: Manner
    num_segments: int
    updated_at: datetime
    canceled: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Arrival:
    """An SMS on a handset."""

    to: str
    sender: str
    text: str
    at: datetime
    segments: int


@dataclass(slots=True)
class MessageStore:
    """All that one stand-in knows. ``delivery_time``: from taking a message to its delivery."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    delivery_time: timedelta = timedelta(seconds=1)
    phone: deque[Arrival] = field(default_factory=lambda: deque(maxlen=100_000))
    records: dict[str, Record] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    """Requests seen, by operation name of the contract (``CreateMessage``…)."""
    manners: dict[str, Manner] = field(default_factory=lambda: dict(MAGIC_NUMBERS))
    _by_number: dict[str, list[str]] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def manner_of(self, to: str, body: str) -> Manner:
        """Return how this request is to be treated; the ``_once`` ones only when number and text are new."""
        manner = self.manners.get(to, Manner(Behaviour.DELIVERS))
        if not manner.behaviour.value.endswith("_once"):
            return manner
        seen = (to, body) in self._seen
        self._seen.add((to, body))
        return Manner(Behaviour.DELIVERS) if seen else manner

    def take(self, *, to: str, sender: str, body: str, manner: Manner) -> Record:
        """Keep a message and put it on the phone."""
        now = self.clock()
        segments = gsm7.count(body).segments
        record = Record(f"SM{secrets.token_hex(16)}", to, sender, body, now, manner, segments, now)
        self.records[record.sid] = record
        self._by_number.setdefault(to, []).append(record.sid)
        if manner.behaviour is not Behaviour.FAILS_LATER:
            self.phone.append(Arrival(to, sender, body, now, segments))
        return record

    def status(self, record: Record) -> str:
        """Return Twilio's word for where the message is now: queued, sent, then a final one."""
        age = self.clock() - record.created_at
        if record.canceled:
            return "canceled"
        if age < self.delivery_time / 2:
            return "queued"
        if age < self.delivery_time or record.manner.behaviour is Behaviour.NEVER_FINAL:
            return "sent"
        return "undelivered" if record.manner.behaviour is Behaviour.FAILS_LATER else "delivered"

    def sent_at(self, record: Record) -> datetime | None:
        """Return when the message left, or None while it is queued."""
        return None if self.status(record) == "queued" else record.created_at + self.delivery_time / 2

    def find(self, to: str | None) -> Iterator[Record]:
        """Yield the messages, newest first, as the list of the API does."""
        sids = self.records if to is None else self._by_number.get(to, [])
        for sid in reversed(list(sids)):
            if sid in self.records:
                yield self.records[sid]

    def resource(self, record: Record, account_sid: str) -> dict[str, object]:
        """Return the Message resource in the form of the contract (``api.v2010.account.message``)."""
        status = self.status(record)
        sent_at = self.sent_at(record)
        error = record.manner.code if status in {"undelivered", "failed"} else None
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{record.sid}.json"
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": record.body,
            "date_created": format_datetime(record.created_at),
            "date_sent": None if sent_at is None else format_datetime(sent_at),
            "date_updated": format_datetime(record.updated_at),
            "direction": "outbound-api",
            "error_code": error,
            "error_message": None if error is None else "Message not delivered",
            "from": record.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": str(record.num_segments),
            "price": None,
            "price_unit": "USD",
            "sid": record.sid,
            "status": status,
            "subresource_uris": {"media": uri.replace(".json", "/Media.json")},
            "to": record.to,
            "uri": uri,
        }
