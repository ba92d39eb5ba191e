"""Take messages that are due, and put each attempt on record: one commit, before any provider is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from receipt_service.delivery.worker.pace import Outlet, Pace
from receipt_service.domain.identifiers import AttemptId, MessageId
from receipt_service.domain.recipient import Channel
from receipt_service.storage import attempts, outbox
from receipt_service.storage.outbox import Leased


@dataclass(frozen=True, slots=True)
class Job:
    """A leased message with its recorded attempt: ours alone until the lease ends."""

    leased: Leased
    attempt_id: AttemptId


def lease_jobs(
    connection: Connection, outlets: Mapping[Channel, Outlet[Any]], *, now: datetime, pace: Pace, limit: int
) -> list[Job]:
    """Lease up to ``limit`` messages of the channels at hand and record an attempt for each.

    A crash after this commit leaves open attempts: once the lease has lapsed they make the messages ``unknown``,
    since nobody can tell any more whether the provider was asked.
    """
    leased = outbox.lease(connection, now=now, until=now + pace.lease, limit=limit, channels=outlets)
    begun: dict[MessageId, AttemptId] = {}
    for channel, outlet in outlets.items():
        if of_channel := [message.id for message in leased if message.channel is channel]:
            provider = outlet.channel.provider
            begun |= attempts.begin(connection, of_channel, lease=now + pace.lease, provider=provider, now=now)
    return [Job(message, begun[message.id]) for message in leased if message.id in begun]
