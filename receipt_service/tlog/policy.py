"""Policies (tlog-policy): which logs are believed, which witnesses are known, and how many of them must agree.

A policy is a text file that a reader chooses, not the log: it is the root of all trust in the log.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from receipt_service.tlog.notation import MalformedLogText, read_number
from receipt_service.tlog.note import MalformedKey, SignatureType, VerifierKey, parse_vkey

NOBODY: Final = "none"
"""The quorum that asks for no witness; no witness or group has this name."""

LOG_TYPES: Final = frozenset({SignatureType.ED25519, SignatureType.COSIGNATURE_ML_DSA_44})
"""What a log signs its checkpoints with (tlog-checkpoint)."""

WITNESS_TYPES: Final = frozenset({SignatureType.COSIGNATURE_ED25519, SignatureType.COSIGNATURE_ML_DSA_44})
"""What a witness cosigns with (tlog-cosignature)."""

LARGEST_POLICY: Final = 1 << 20
"""Bytes of the longest policy that is read."""

_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_BLANK = re.compile(r"[ \t]+")


class MalformedPolicy(MalformedLogText):
    """The bytes are not a policy; the message names the line."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log whose checkpoints are believed. The key's name is the log's origin."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """A witness and the name that this policy gives it."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as one witness once ``threshold`` of its members have witnessed."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What ``parse_policy`` has read. ``groups`` stand in the order in which they may refer to each other."""

    logs: tuple[KnownLog, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[Group, ...]
    quorum: str


def quorum_reached(policy: Policy, cosigned: AbstractSet[str]) -> bool:
    """Say whether these witnesses, by the names the policy gives them, are enough."""
    witnessed = {witness.name for witness in policy.witnesses if witness.name in cosigned}
    for group in policy.groups:
        if len(witnessed.intersection(group.members)) >= group.threshold:
            witnessed.add(group.name)
    return policy.quorum == NOBODY or policy.quorum in witnessed


def parse_policy(data: bytes) -> Policy:
    """Read a policy file. Raises ``MalformedPolicy``."""
    if len(data) > LARGEST_POLICY:
        raise MalformedPolicy(f"longer than {LARGEST_POLICY} bytes")
    if not _ALLOWED.fullmatch(data):
        raise MalformedPolicy("a control character other than tab and line end")
    reader = _PolicyReader()
    # Bytes beyond ASCII mean nothing in a policy and must only stay what they are.
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = _BLANK.split(line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            continue
        try:
            reader.read(words[0], words[1:])
        except MalformedLogText as error:
            raise MalformedPolicy(f"line {number}: {error}") from error
    return reader.policy()


def format_policy(policy: Policy) -> bytes:
    """Write a policy, witnesses before groups."""
    lines = [
        *(_line("log", log.key.vkey, log.url) for log in policy.logs),
        *(_line("witness", witness.name, witness.key.vkey, witness.url) for witness in policy.witnesses),
        *(_line("group", group.name, str(group.threshold), *group.members) for group in policy.groups),
        _line("quorum", policy.quorum),
    ]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _line(*words: str | None) -> str:
    return " ".join([word for word in words if word is not None]) + "\n"


class _PolicyReader:
    """A policy as far as it has been read: a line may refer only to what stands above it."""

    def __init__(self) -> None:
        self._logs: list[KnownLog] = []
        self._witnesses: list[KnownWitness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._names: set[str] = set()
        self._members: set[str] = set()

    def read(self, keyword: str, words: list[str]) -> None:
        match keyword, words:
            case "log", [vkey, *url] if len(url) <= 1:
                self._add_log(vkey, *url)
            case "witness", [name, vkey, *url] if len(url) <= 1:
                self._add_witness(name, vkey, *url)
            case "group", [name, threshold, first, *others]:
                self._add_group(name, threshold, (first, *others))
            case "quorum", [name]:
                self._set_quorum(name)
            case _:
                raise MalformedPolicy("not a line of a policy")

    def policy(self) -> Policy:
        if self._quorum is None:
            raise MalformedPolicy("the quorum is missing")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _add_log(self, vkey: str, url: str | None = None) -> None:
        key = _key(vkey, LOG_TYPES)
        if key.public_key in {log.key.public_key for log in self._logs}:
            raise MalformedPolicy("a log's public key comes twice")
        self._logs.append(KnownLog(key, url))

    def _add_witness(self, name: str, vkey: str, url: str | None = None) -> None:
        key = _key(vkey, WITNESS_TYPES)
        if key.public_key in {witness.key.public_key for witness in self._witnesses}:
            raise MalformedPolicy("a witness's public key comes twice")
        self._define(name)
        self._witnesses.append(KnownWitness(name, key, url))

    def _add_group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            if member not in self._names:
                raise MalformedPolicy("a member of a group is not defined above it")
            if member in self._members:
                raise MalformedPolicy("a name is a member twice, so that it would count twice")
            self._members.add(member)
        needed = {"any": 1, "all": len(members)}.get(threshold)
        needed = read_number(threshold) if needed is None else needed
        if not 1 <= needed <= len(members):
            raise MalformedPolicy("a threshold is between 1 and the number of members")
        self._define(name)
        self._groups.append(Group(name, needed, members))

    def _set_quorum(self, name: str) -> None:
        if self._quorum is not None:
            raise MalformedPolicy("a second quorum")
        if name != NOBODY and name not in self._names:
            raise MalformedPolicy("the quorum is not defined above its line")
        self._quorum = name

    def _define(self, name: str) -> None:
        if name == NOBODY or name in self._names:
            raise MalformedPolicy("a name is taken")
        self._names.add(name)


def _key(vkey: str, types: AbstractSet[SignatureType]) -> VerifierKey:
    key = parse_vkey(vkey)
    if key.type not in types:
        raise MalformedKey("a key of a type that its owner does not sign with")
    return key
