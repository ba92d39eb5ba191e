"""How a worker goes about it: its limits and times, and the ways out it was given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic

from receipt_service.delivery.channel import ContentT, DeliveryChannel
from receipt_service.domain.envelope import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Limits and times of one worker."""

    concurrency: int = 32
    """Messages in hand at once."""
    lease: timedelta = timedelta(seconds=60)
    call_limit: timedelta = timedelta(seconds=30)
    """The longest that a channel's call may take: a lease with less left is given back unused."""
    grace: timedelta = timedelta(seconds=120)
    poll: timedelta = timedelta(seconds=1)
    """Longest pause of an idle worker."""
    upkeep_every: timedelta = timedelta(seconds=1)
    upkeep_batch: int = 64
    upkeep_concurrency: int = 8
    look_again: timedelta = timedelta(seconds=60)
    """When a provider that could not be asked is asked again, and a redaction that failed is tried again."""
    follow_after: timedelta = timedelta(seconds=5)
    follow_at_most: timedelta = timedelta(hours=1)
    follow_for: timedelta = timedelta(hours=72)
    """How long an accepted SMS is followed; some operators never report."""
    keys_every: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Outlet(Generic[ContentT]):
    """One way out: the channel, and how an opened envelope becomes what it carries.

    ``render`` raises whatever it likes: the message then becomes a dead letter. It gives the same content for
    the same envelope each time, since a look-up compares texts.
    """

    channel: DeliveryChannel[ContentT]
    render: Callable[[Envelope], ContentT]
    in_thread: bool = True
    """Rendering takes long enough to be worth a thread; a text message is made sooner than a thread is told to."""
