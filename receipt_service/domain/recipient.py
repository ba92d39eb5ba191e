"""Where the person wants the receipt: each channel is their choice, several at once, or none."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """The ways out. Only ``SMS`` and ``EMAIL`` leave by the delivery worker."""

    SMS = "sms"
    EMAIL = "email"
    SCREEN = "screen"
    PAPER = "paper"
    DECLINED = "declined"

    __hash__ = str.__hash__
    """As equal to its text as the members are; the enumeration's own hash is neither that nor fast."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Recipient:
    """At least one of the five is set; ``declined`` excludes the others."""

    sms: str | None = None
    """E.164, e.g. ``+33639980001``."""
    email: str | None = None
    on_screen: bool = False
    on_paper: bool = False
    declined: bool = False

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "Recipient(…)"

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The chosen channels in the order of the enumeration."""
        chosen = (
            (Channel.SMS, self.sms is not None),
            (Channel.EMAIL, self.email is not None),
            (Channel.SCREEN, self.on_screen),
            (Channel.PAPER, self.on_paper),
            (Channel.DECLINED, self.declined),
        )
        return tuple(channel for channel, on in chosen if on)
