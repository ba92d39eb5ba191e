"""Open an envelope: the one place where a recipient and an identity come into the clear again."""

from receipt_service.crypto.opening import CannotOpen, Opener
from receipt_service.delivery.worker.epochs import EpochKeys
from receipt_service.domain.envelope import Envelope, sealing_info
from receipt_service.errors import MalformedReceipt, ReceiptServiceError
from receipt_service.storage.outbox import Leased


class Unopenable(ReceiptServiceError):
    """The envelope was sealed to another key, for another message, or is damaged: nobody can send it."""


def open_leased(keys: EpochKeys, leased: Leased) -> Envelope:
    """Open a message's envelope with its epoch's key, as this message and for this channel or not at all.

    Raises:
        Unopenable: it doesn't open, or what is inside isn't an envelope.
        KeyDestroyed, KeyMissing: as ``EpochKeys.private_key``.

    """
    opener = Opener(keys.private_key(leased.epoch), leased.epoch)
    try:
        return Envelope.decode(opener.open(leased.envelope, sealing_info(leased.id, leased.epoch, leased.channel)))
    except (CannotOpen, MalformedReceipt):
        raise Unopenable("the envelope can't be opened") from None
