"""Where the replay's persons want their receipt, in shares that use every channel.

Telephone numbers come from the block that France keeps for fiction (06 39 98 xx xx, Arcep), mail addresses
from example.org (RFC 2606): a replay that escaped its local servers would reach nobody.
"""

from collections.abc import Mapping
from typing import Final

from receipt_service.demo.stops.draw import Draw

CHANNEL_SHARES: Final = {
    ("sms",): 62,
    ("email",): 7,
    ("sms", "email"): 4,
    ("on_screen",): 10,
    ("on_paper",): 4,
    ("sms", "on_paper"): 2,
    ("declined",): 11,
}
"""Out of 100 persons, the channels they choose. Invented: nobody has measured it yet."""

_NUMBERS: Final = 9000
"""From 06 39 98 90 00 on, the stand-in for Twilio misbehaves on purpose."""

SECOND_LANGUAGE_SHARES: Final = {None: 80, "en": 20}
"""Out of 100 receipts, those with English beside the French."""


def recipient_for(draw: Draw) -> Mapping[str, object]:
    """Give the ``recipient`` member of a request body; members not chosen are left out."""
    chosen = draw.share(CHANNEL_SHARES)
    values: dict[str, object] = {
        "sms": f"+3363998{draw.below(_NUMBERS):04d}",
        "email": f"personne-{draw.bytes(6).hex()}@example.org",
        "on_screen": True,
        "on_paper": True,
        "declined": True,
    }
    return {channel: values[channel] for channel in chosen}


def second_language_for(draw: Draw) -> str | None:
    """Give the language to stand beside the French, or ``None``."""
    return draw.share(SECOND_LANGUAGE_SHARES)
