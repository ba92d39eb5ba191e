"""Sealing epochs: one key pair for each hour, named by the hour (UTC) in which messages are sealed to it.

Both sides of the sealing agree on this module: the API looks for ``public_name(epoch_of(now))`` in the
folder of public keys, the delivery worker puts it there ahead of time and destroys the private half
once the hour is over and no message needs it (docs/delivery.md).
"""

from datetime import UTC, datetime, timedelta

LENGTH = timedelta(hours=1)
AHEAD = timedelta(hours=26)
"""How far ahead keys are made: the API goes on sealing when the worker is away for a day."""
LINGER = timedelta(minutes=10)
"""How long after its hour an epoch stays in use: for requests begun within it, and for clocks that differ."""

PUBLIC_KEY_BYTES = 32
"""A public file holds the raw X25519 key (RFC 7748) and nothing else."""
_FORMAT = "%Y-%m-%dT%HZ"


def epoch_of(moment: datetime) -> str:
    """Name the epoch of an aware datetime, e.g. ``2026-11-23T14Z``."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def starts_at(epoch: str) -> datetime:
    """Return the beginning of an epoch.

    Raises:
        ValueError: ``epoch`` is no epoch's name in its one canonical form.

    """
    moment = datetime.strptime(epoch, _FORMAT).replace(tzinfo=UTC)
    if epoch_of(moment) != epoch:
        raise ValueError("not an epoch's name")
    return moment


def is_over(epoch: str, now: datetime) -> bool:
    """Say whether nothing can be sealed to this epoch any more."""
    return now >= starts_at(epoch) + LENGTH + LINGER


def ahead(now: datetime) -> tuple[str, ...]:
    """Name the epochs whose keys have to be ready at ``now``: the current one first."""
    return tuple(epoch_of(now + LENGTH * hour) for hour in range(AHEAD // LENGTH + 1))


def public_name(epoch: str) -> str:
    """Name the file of an epoch's public key."""
    return f"{epoch}.pub"


def private_name(epoch: str) -> str:
    """Name the file of an epoch's private key."""
    return f"{epoch}.key"
