"""The proofs of this folder that show something, and what they are built of."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.note import Signature, SignatureType, VerifierKey
from receipt_service.tlog.proof import LogProof, format_proof
from tests.support.log_keys import LogKey
from tests.support.small_log import (
    LOG,
    LOG_PQ,
    LOGGED_AT,
    NORTH,
    ORIGIN,
    PLACE,
    POLICY,
    POLICY_NO_WITNESS,
    SOUTH,
    STRANGER,
    WEST,
    by_log,
    checkpoint_of,
    leaves,
    note_of,
    path_of,
)

TEXTS = leaves()
SIZE = len(TEXTS)
HEAD = checkpoint_of(TEXTS)
SEEN = LOGGED_AT + 2
IDENTITY = VerifierKey(ORIGIN, SignatureType.ED25519, (1).to_bytes(32, "little"))
"""A key of order 1: with R the same point and S zero, its "signature" fits every message."""
POLICIES = {
    "policy.txt": POLICY,
    "policy-no-witness.txt": POLICY_NO_WITNESS,
    "policy-groups.txt": f"# two unlike bodies\nlog\t{LOG.vkey}  https://recepisse.example/log \n\n"
    f"witness one {NORTH.vkey} https://north.example/\nwitness two {SOUTH.vkey}\nwitness three {STRANGER.vkey}\n"
    "group courts any one two\ngroup both all courts three\nquorum both\n",
    "policy-small-order.txt": f"log {IDENTITY.vkey}\nquorum none\n",
}


@dataclass(frozen=True)
class Vector:
    """A proof, and how every verifier must say that the receipt stands."""

    name: str
    proof: bytes
    state: str
    comment: str
    leaf: int = PLACE
    policy: str = "policy.txt"
    head: dict[str, Any] | None = None
    """The tree that the receipt names in ``when_where.log``, if it does."""
    known: dict[str, Any] = field(default_factory=dict)
    without_ml_dsa: dict[str, Any] | None = None
    """What a verifier says that has no ML-DSA-44, as far as it differs."""

    def entry(self) -> dict[str, Any]:
        nothing = {"why": None, "index": None, "size": None, "witnesses": [], "not_before": None, "not_after": None}
        expected = {"state": self.state, **nothing, **self.known}
        differing = self.without_ml_dsa
        return {
            "name": self.name,
            "file": f"{self.name}.tlog-proof",
            "leaf": self.leaf,
            "policy": self.policy,
            "head": self.head,
            "expected": expected,
            "without_ml_dsa": expected if differing is None else {**expected, **differing},
            "comment": self.comment,
        }


UNABLE = {"state": "not_checked", "why": "browser_unable", "index": None, "size": None, "witnesses": []}


def proof(*signatures: Signature, index: int = PLACE, size: int = SIZE, **changed: Any) -> bytes:
    """A proof of the leaf at ``index`` in the tree of ``size``, under a checkpoint with these signatures."""
    head = changed.get("head") or checkpoint_of(TEXTS, size)
    hashes = changed.get("hashes", path_of(TEXTS, index, size))
    return format_proof(
        LogProof(changed.get("place", index), hashes, note_of(head, *signatures), changed.get("extra", b""))
    )


def witnessed(*keys: LogKey, head: Checkpoint = HEAD) -> tuple[Signature, ...]:
    return (*by_log(head), *(key.sign(head, SEEN + at) for at, key in enumerate(keys)))


def told(index: int = PLACE, size: int = SIZE, witnesses: tuple[str, ...] = ("north", "south")) -> dict[str, Any]:
    seen = {"at": SEEN, "by": "witness", "name": witnesses[0]} if witnesses else by_the_log()
    return {"index": index, "size": size, "witnesses": list(witnesses), "not_after": seen}


def by_the_log() -> dict[str, Any]:
    return {"at": LOGGED_AT, "by": "log", "name": ORIGIN}


def bent(signature: Signature) -> Signature:
    return replace(signature, value=signature.value[:-1] + bytes([signature.value[-1] ^ 1]))


def good() -> Iterator[Vector]:
    both = witnessed(NORTH, SOUTH)
    yield Vector("logged", proof(*both), "logged", "two of three witnesses", known=told())
    first, last, only = checkpoint_of(TEXTS, 5), checkpoint_of(TEXTS, PLACE + 1), checkpoint_of(TEXTS, 1)
    yield Vector(
        "logged-first",
        proof(*witnessed(NORTH, SOUTH, head=first), index=0, size=5),
        "logged",
        "the first entry of five",
        leaf=0,
        known=told(0, 5),
    )
    yield Vector(
        "logged-last",
        proof(*witnessed(NORTH, SOUTH, head=last), size=PLACE + 1),
        "logged",
        "the last entry of four",
        known=told(size=PLACE + 1),
    )
    yield Vector(
        "logged-ragged",
        proof(*both, index=SIZE - 1),
        "logged",
        "the last entry of seven: levels without a sibling",
        leaf=SIZE - 1,
        known=told(SIZE - 1),
    )
    yield Vector(
        "logged-only",
        proof(*witnessed(NORTH, SOUTH, head=only), index=0, size=1),
        "logged",
        "the only entry: no node",
        leaf=0,
        known=told(0, 1),
    )
    yield Vector("logged-extra", proof(*both, extra=b"\x00\xff"), "logged", "extra data mean nothing", known=told())
    stranger = proof(*both, STRANGER.sign(HEAD, 1))
    yield Vector("logged-stranger", stranger, "logged", "an unknown witness too, which means nothing", known=told())
    twice = proof(*both, NORTH.sign(HEAD, SEEN - 1))
    earlier = {**told(), "not_after": {"at": SEEN - 1, "by": "witness", "name": "north"}}
    yield Vector("logged-twice", twice, "logged", "one witness twice: its first time counts", known=earlier)
    timeless = proof(*by_log(HEAD), NORTH.sign(HEAD), SOUTH.sign(HEAD))
    yield Vector(
        "logged-timeless",
        timeless,
        "logged",
        "cosignatures that state no time: the log's own counts",
        known={**told(), "not_after": by_the_log()},
        without_ml_dsa={"not_after": None},
    )
    yield from good_by_policy()
    yield from post_quantum()


def good_by_policy() -> Iterator[Vector]:
    yield Vector(
        "logged-no-witness",
        proof(*by_log(HEAD)),
        "logged",
        "a policy that asks for no witness",
        policy="policy-no-witness.txt",
        known=told(witnesses=()),
        without_ml_dsa={"not_after": None},
    )
    grouped = (LOG.sign(HEAD), SOUTH.sign(HEAD, SEEN), STRANGER.sign(HEAD, SEEN + 1))
    yield Vector(
        "logged-groups",
        proof(*grouped),
        "logged",
        "any of one group and all of another",
        policy="policy-groups.txt",
        known={**told(witnesses=("three", "two")), "not_after": {"at": SEEN, "by": "witness", "name": "two"}},
    )
    yield Vector(
        "not-witnessed-groups",
        proof(LOG.sign(HEAD), NORTH.sign(HEAD, SEEN), SOUTH.sign(HEAD, SEEN + 1)),
        "logged_not_witnessed",
        "two of one group, and none of the other",
        policy="policy-groups.txt",
        known={**told(witnesses=("one", "two")), "not_after": {"at": SEEN, "by": "witness", "name": "one"}},
    )
    one = told(witnesses=("north",))
    yield Vector("not-witnessed", proof(*witnessed(NORTH)), "logged_not_witnessed", "one witness", known=one)
    yield Vector(
        "not-witnessed-stranger",
        proof(*witnessed(NORTH, STRANGER)),
        "logged_not_witnessed",
        "one witness, and one that the policy does not know",
        known=one,
    )
    yield Vector(
        "not-witnessed-twice",
        proof(*witnessed(NORTH, NORTH)),
        "logged_not_witnessed",
        "one witness twice is one witness",
        known=one,
    )
    yield Vector(
        "not-witnessed-at-all",
        proof(*by_log(HEAD)),
        "logged_not_witnessed",
        "no witness: the time is the log's own",
        known=told(witnesses=()),
        without_ml_dsa={"not_after": None},
    )


def post_quantum() -> Iterator[Vector]:
    yield Vector(
        "logged-ml-dsa-witness",
        proof(*witnessed(NORTH, WEST)),
        "logged",
        "the second witness signs with ML-DSA-44",
        known=told(witnesses=("north", "west")),
        without_ml_dsa={**UNABLE, "not_after": None},
    )
    yield Vector(
        "logged-ml-dsa-log",
        proof(LOG_PQ.sign(HEAD, LOGGED_AT), NORTH.sign(HEAD, SEEN), SOUTH.sign(HEAD, SEEN + 1)),
        "logged",
        "the log signed with ML-DSA-44 alone",
        known=told(),
        without_ml_dsa={**UNABLE, "not_after": None},
    )
    broken = bent(LOG_PQ.sign(HEAD, LOGGED_AT))
    yield Vector(
        "bogus-ml-dsa-log-bent",
        proof(LOG.sign(HEAD), broken, NORTH.sign(HEAD, SEEN), SOUTH.sign(HEAD, SEEN + 1)),
        "proof_not_valid",
        "the log's ML-DSA-44 signature does not hold",
        without_ml_dsa={"state": "logged", **told()},
    )
