"""What is sealed for the delivery worker: where to send, the receipt, its seed, the languages to write in."""

from dataclasses import dataclass
from typing import Self

from receipt_service.domain.canonical import base64url, from_base64url, from_json, to_json
from receipt_service.domain.identifiers import MessageId
from receipt_service.domain.recipient import Channel
from receipt_service.errors import MalformedReceipt

VERSION = 1
PURPOSE = b"receipt-service/outbox/v1"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Envelope:
    """The content of one message, in clear: only ever in the memory of issuance and of the worker."""

    to: str
    """A telephone number in E.164 or an e-mail address."""
    receipt: str
    """The whole receipt in its compact form."""
    seed: bytes
    """Makes the link, together with the receipt (``domain.link``)."""
    languages: tuple[str, ...]
    """RFC 5646 tags, French first."""

    def __repr__(self) -> str:
        """Show nothing: a repr ends up in logs."""
        return "Envelope(…)"

    def encode(self) -> bytes:
        """Write the bytes to seal."""
        return to_json(
            {
                "v": VERSION,
                "to": self.to,
                "receipt": self.receipt,
                "seed": base64url(self.seed),
                "languages": list(self.languages),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read opened bytes. Raises ``MalformedReceipt`` where they are not what ``encode`` wrote."""
        match from_json(data):
            case {"v": 1, "to": str(to), "receipt": str(receipt), "seed": str(seed), "languages": list(languages)} if (
                languages and all(isinstance(language, str) for language in languages)
            ):
                return cls(to=to, receipt=receipt, seed=from_base64url(seed), languages=tuple(languages))
            case _:
                raise MalformedReceipt("an opened envelope has another form")


def sealing_info(message_id: MessageId, epoch: str, channel: Channel) -> bytes:
    """Write HPKE's ``info`` (RFC 9180 §5.1): an envelope opens as this message, epoch and channel or not at all.

    The parts can't run into each other: none of them holds the zero byte that separates them.
    """
    return b"\0".join((PURPOSE, str(message_id).encode("ascii"), epoch.encode("ascii"), channel.value.encode("ascii")))
