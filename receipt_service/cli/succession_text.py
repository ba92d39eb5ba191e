"""What became of a receipt, as the service says it beside the stub: a state of its own, which no verdict changes."""

import re
from collections.abc import Iterator
from typing import Final

from receipt_service.cli.fetch import erased_groups, succession_of
from receipt_service.cli.verdict_words import LABELS
from receipt_service.domain.receipt_number import is_receipt_number

_WORDS: Final = {
    "fr": {
        "replaced": "! REMPLACÉ : authentique, mais le service dit qu’un récépissé plus récent a pris sa place",
        "cancelled": "! ANNULÉ : authentique, mais le service dit l’avoir annulé",
        "reason": "Motif : ",
        "newer": "Nouveau récépissé : ",
        "erased": "Effacé par le service, durée de conservation passée : ",
    },
    "en": {
        "replaced": "! REPLACED: authentic, and the service says that a newer receipt has taken its place",
        "cancelled": "! CANCELLED: authentic, and the service says that it has cancelled it",
        "reason": "Reason: ",
        "newer": "Newer receipt: ",
        "erased": "Erased by the service, kept as long as it may be: ",
    },
}
_CODE: Final = re.compile(r"[a-z_]{1,40}")


def succession_lines(document: bytes | None, lang: str) -> Iterator[str]:
    """Write the state that a stub's answer gives; nothing for a receipt that stands, or one without an answer."""
    if document is None:
        return
    words, told = _WORDS[lang], succession_of(document)
    newer, reason, erased = told.get("replaced_by"), told.get("reason"), erased_groups(document)
    if told.get("cancelled") is True or isinstance(reason, str):
        yield ""
        yield words["cancelled" if told.get("cancelled") is True else "replaced"]
    if isinstance(reason, str) and _CODE.fullmatch(reason):
        yield f"  {words['reason']}{reason}"
    if isinstance(newer, str) and is_receipt_number(newer):
        yield f"  {words['newer']}{newer}"
    if erased:
        yield ""
        yield words["erased"] + ", ".join(LABELS[lang][group.value] for group in sorted(erased))
