"""Policies: what may stand in one, and which witnesses are enough (formats of C2SP tlog-policy)."""

import itertools

import pytest

from receipt_service.tlog.note import SignatureType, VerifierKey
from receipt_service.tlog.policy import (
    LARGEST_POLICY,
    Group,
    KnownLog,
    KnownWitness,
    MalformedPolicy,
    Policy,
    format_policy,
    parse_policy,
    quorum_reached,
)


def key(name, kind=SignatureType.COSIGNATURE_ED25519):
    return VerifierKey(name, kind, name.encode().ljust(kind.public_key_bytes, b"."))


LOG = key("log.example", SignatureType.ED25519)
W1, W2, W3 = key("w1.example"), key("w2.example"), key("w3.example", SignatureType.COSIGNATURE_ML_DSA_44)
WITNESSES = f"witness w1 {W1.vkey}\nwitness w2 {W2.vkey}\nwitness w3 {W3.vkey}\n"
EXAMPLE = f"""log {LOG.vkey}

witness X1 {key("x1").vkey}
witness X2 {key("x2").vkey}
witness X3 {key("x3").vkey}
group X-witnesses 2 X1 X2 X3

witness Y1 {key("y1").vkey}
witness Y2 {key("y2").vkey}
witness Y3 {key("y3").vkey}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_specifications_example():
    policy = parse_policy(EXAMPLE.encode())

    assert policy.logs == (KnownLog(LOG),)
    assert [witness.name for witness in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert policy.groups == (
        Group("X-witnesses", 2, ("X1", "X2", "X3")),
        Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    )
    for count in range(7):
        for cosigned in itertools.combinations(["X1", "X2", "X3", "Y1", "Y2", "Y3"], count):
            enough = sum(name[0] == "X" for name in cosigned) >= 2 and any(name[0] == "Y" for name in cosigned)
            assert quorum_reached(policy, set(cosigned)) == enough


def test_nobody_need_agree():
    assert parse_policy(b"quorum none") == Policy((), (), (), "none")
    assert quorum_reached(parse_policy(b"quorum none\n"), set())


def test_a_single_witness_is_a_quorum():
    policy = parse_policy(f"{WITNESSES}quorum w2\n".encode())
    assert quorum_reached(policy, {"w2"})
    assert not quorum_reached(policy, {"w1", "w3"})


def test_a_groups_name_is_no_witness():
    """Nobody cosigns as a group: only what its members did counts."""
    policy = parse_policy(f"{WITNESSES}group g all w1 w2\nquorum g\n".encode())
    assert not quorum_reached(policy, {"g", "w1"})


def test_a_quorum_of_an_unknown_name_is_never_reached():
    assert not quorum_reached(Policy((), (KnownWitness("w1", W1),), (), "missing"), {"w1", "missing"})


def test_blanks_comments_and_addresses():
    text = f"\n# comment\n\t # another\n\twitness \t w1  {W1.vkey}   https://w1.example/  \n\n  quorum\tw1"
    assert parse_policy(text.encode()).witnesses == (KnownWitness("w1", W1, "https://w1.example/"),)


def test_names_are_bytes():
    """K and the Kelvin sign are two names, and what is not UTF-8 is a name too."""
    text = f"witness K {W1.vkey}\nwitness \u212a {W2.vkey}\n".encode() + b"witness \x80 " + W3.vkey.encode() + b"\n"
    policy = parse_policy(text + b"quorum \x80\n")
    assert len({witness.name for witness in policy.witnesses}) == 3
    assert format_policy(policy) == text + b"quorum \x80\n"


def test_words_of_the_language_are_names_too():
    text = f"witness all {W1.vkey}\nwitness any {W2.vkey}\ngroup group 2 all any\nquorum group\n"
    assert quorum_reached(parse_policy(text.encode()), {"all", "any"})


def test_a_policy_is_written_as_it_would_be_read():
    text = (
        f"log {LOG.vkey} https://log.example/\nwitness w1 {W1.vkey} https://w1.example/\nwitness w2 {W2.vkey}\n"
        "group g1 1 w1 w2\nquorum g1\n"
    )
    policy = parse_policy(text.replace("group g1 1", "group g1 any").encode())
    assert format_policy(policy).decode() == text
    assert parse_policy(format_policy(policy)) == policy


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("quorum none\n\x01", "control"),
        ("quorum none\r\n", "control"),
        ("quorum none\x7f\n", "control"),
        ("quibble w1\nquorum none\n", "line 1: not a line"),
        (f"witness w1 {W1.vkey} https://w1.example/ # comment\nquorum w1\n", "not a line"),
        ("log\nquorum none\n", "not a line"),
        (f"log {LOG.vkey} https://log.example/ more\nquorum none\n", "not a line"),
        (f"witness w1 {W1.vkey} https://w1.example/ more\nquorum w1\n", "not a line"),
        ("log garbage\nquorum none\n", "not a verifier key"),
        (f"log {LOG.vkey}\nlog {LOG.vkey} https://log.example/\nquorum none\n", "line 2: a log's public key"),
        (f"log {W1.vkey}\nquorum none\n", "type"),
        (f"witness w1 {LOG.vkey}\nquorum w1\n", "type"),
        ("witness w1\nquorum none\n", "not a line"),
        (f"witness none {W1.vkey}\nquorum none\n", "taken"),
        (f"witness w1 {W1.vkey}\nwitness w1 {W2.vkey}\nquorum w1\n", "taken"),
        (f"{WITNESSES}group w1 any w1\nquorum w1\n", "taken"),
        (f"{WITNESSES}group g 1\nquorum w1\n", "not a line"),
        (f"{WITNESSES}group none any w1\nquorum none\n", "taken"),
        (f"{WITNESSES}group g 0 w1\nquorum g\n", "between"),
        (f"{WITNESSES}group g -1 w1\nquorum g\n", "decimal"),
        (f"{WITNESSES}group g 01 w1\nquorum g\n", "decimal"),
        (f"{WITNESSES}group g 2 w1\nquorum g\n", "between"),
        (f"{WITNESSES}group g any w4\nquorum g\n", "not defined"),
        (f"group g any w1\n{WITNESSES}quorum g\n", "not defined"),
        (f"{WITNESSES}group g any g\nquorum g\n", "not defined"),
        (f"{WITNESSES}group g any none w1\nquorum g\n", "not defined"),
        (f"{WITNESSES}group g all w1 w1\nquorum g\n", "twice"),
        (f"{WITNESSES}group g any w1 w2\ngroup h any w1\nquorum g\n", "twice"),
        (WITNESSES, "quorum is missing"),
        (f"{WITNESSES}quorum w1\nquorum w1\n", "second quorum"),
        ("quorum unknown\n", "not defined"),
        (f"quorum w1\n{WITNESSES}", "not defined"),
        ("quorum\n", "not a line"),
        ("quorum none none\n", "not a line"),
        ("#" * LARGEST_POLICY + "\nquorum none\n", "longer"),
    ],
)
def test_what_is_no_policy_is_refused(text, why):
    with pytest.raises(MalformedPolicy, match=why):
        parse_policy(text.encode())


def test_one_public_key_under_two_names_is_one_witness():
    double = VerifierKey("impostor.example", W1.type, W1.public_key)
    with pytest.raises(MalformedPolicy, match="twice"):
        parse_policy(f"witness w1 {W1.vkey}\nwitness w2 {double.vkey}\nquorum w1\n".encode())
