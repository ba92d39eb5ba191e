"""The proofs of this folder that carry an anchor: the tree that a receipt may have named, as it was kept."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from receipt_service.domain.canonical import base64url
from receipt_service.tlog.checkpoint import Checkpoint
from tests.support.log_keys import LogKey
from tests.support.receipts import NOW
from tests.support.small_log import IMPOSTOR, NORTH, ORIGIN, PLACE, SOUTH, WEST, by_log, checkpoint_of, note_of
from tests.vectors.log.good_proofs import HEAD, SEEN, TEXTS, Vector, bent, by_the_log, proof, told, witnessed

ANCHOR = checkpoint_of(TEXTS, PLACE)
KEPT_AT = SEEN - 400
SKEW = 300


def named(checkpoint: Checkpoint = ANCHOR) -> dict[str, Any]:
    """What a receipt says of a tree."""
    return {"size": checkpoint.size, "root": base64url(checkpoint.root)}


def anchor(*keys: LogKey, at: int = KEPT_AT) -> bytes:
    """The note that is kept, cosigned by these one second after another."""
    return note_of(ANCHOR, *by_log(ANCHOR, at), *(key.sign(ANCHOR, at + place) for place, key in enumerate(keys)))


def seen(at: int = KEPT_AT) -> dict[str, Any]:
    return {"at": at, "by": "witness", "name": "north"}


def carrying(name: str, extra: bytes, comment: str, not_before: dict[str, Any] | None = None, **changed: Any) -> Vector:
    """A sound proof with this extra data; the receipt names the anchor unless told otherwise."""
    both = proof(*witnessed(NORTH, SOUTH), extra=extra)
    known = {**told(), "not_before": not_before}
    return Vector(f"not-before-{name}", both, "logged", comment, **{"head": named(), "known": known, **changed})


def not_before() -> Iterator[Vector]:
    kept = anchor(NORTH, SOUTH)
    yield carrying("shown", kept, "the tree that the receipt names, by its first witness", seen())
    yield carrying("skew", anchor(NORTH, SOUTH, at=SEEN + SKEW), "as late as clocks allow", seen(SEEN + SKEW))
    few = {**told(witnesses=("north",)), "not_before": seen()}
    yield replace(
        carrying("not-witnessed", kept, "shown although too few have seen the receipt itself", known=few),
        proof=proof(*witnessed(NORTH), extra=kept),
        state="logged_not_witnessed",
    )
    yield replace(
        carrying(
            "no-witness",
            anchor(),
            "a policy that asks for no witness: the log's own time",
            policy="policy-no-witness.txt",
            known={**told(witnesses=()), "not_before": {**by_the_log(), "at": KEPT_AT}},
            without_ml_dsa={"not_before": None, "not_after": None},
        ),
        proof=proof(*by_log(HEAD), extra=anchor()),
    )
    yield carrying(
        "ml-dsa-witness",
        anchor(NORTH, WEST),
        "the second witness of the anchor signs with ML-DSA-44",
        seen(),
        without_ml_dsa={"not_before": None},
    )
    yield from nothing_shown(kept)


def nothing_shown(kept: bytes) -> Iterator[Vector]:
    yield carrying("none-named", kept, "the receipt names no tree", head=None)
    yield carrying("none-carried", b"", "the proof carries no anchor")
    yield carrying("other-size", kept, "the receipt names a smaller tree", head=named(checkpoint_of(TEXTS, PLACE - 1)))
    yield carrying("other-root", kept, "another root of this size", head={**named(), "root": "A" * 43})
    yield carrying("rubbish", b"\x00\xff", "no note")
    yield carrying("cut", kept[:-1], "the last line end is missing")
    yield carrying("unsigned", note_of(ANCHOR, IMPOSTOR.sign(ANCHOR)), "no known log has signed it")
    impostor = replace(IMPOSTOR.sign(ANCHOR), key_name=ORIGIN)
    yield carrying("impostor", note_of(ANCHOR, impostor), "the log's name and another's key")
    yield carrying("too-few", anchor(NORTH), "one witness of the anchor")
    bad = (*by_log(ANCHOR, KEPT_AT), NORTH.sign(ANCHOR, KEPT_AT), bent(SOUTH.sign(ANCHOR, KEPT_AT)))
    yield carrying("bent", note_of(ANCHOR, *bad), "a witness's signature on it does not hold")
    yield carrying("late", anchor(NORTH, SOUTH, at=SEEN + SKEW + 1), "it would come after not_after")
    yield carrying("future", anchor(NORTH, SOUTH, at=int(NOW.timestamp()) + SKEW + 1), "a witness's time is to come")
