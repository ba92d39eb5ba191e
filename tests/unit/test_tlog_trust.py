"""A checkpoint held against a policy: signed by a known log, cosigned by enough witnesses, and no signature bent."""

import pytest

from receipt_service.tlog.checkpoint import Checkpoint, MalformedCheckpoint, check_signature, sign_checkpoint
from receipt_service.tlog.merkle import BadProof, leaf_hash, root_hash
from receipt_service.tlog.note import BadSignature, MalformedNote, SignatureType, SignedNote, format_note
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.proof import LogProof
from receipt_service.tlog.trust import check_checkpoint, check_logged
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.log_keys import LogKey

ORIGIN = "log.example/receipts"
LEAVES = [leaf_hash(bytes([number])) for number in range(5)]
CHECKPOINT = Checkpoint(ORIGIN, 5, root_hash(LEAVES))
NOW = 1_700_000_000
LOG = LogKey(ORIGIN, SignatureType.ED25519)
LOG_PQ = LogKey(ORIGIN, SignatureType.COSIGNATURE_ML_DSA_44)
WITNESSES = {
    "one": LogKey("witness.example/one", SignatureType.COSIGNATURE_ED25519),
    "two": LogKey("witness.example/two", SignatureType.COSIGNATURE_ML_DSA_44),
    "three": LogKey("witness.example/three", SignatureType.COSIGNATURE_ED25519),
}
STRANGER = LogKey("witness.example/stranger", SignatureType.COSIGNATURE_ED25519)
POLICY = parse_policy(
    "".join(
        [
            f"log {LOG.vkey}\nlog {LOG_PQ.vkey}\n",
            *(f"witness {name} {key.vkey}\n" for name, key in WITNESSES.items()),
            "group all-of-them 2 one two three\nquorum all-of-them\n",
        ]
    ).encode()
)


def signed(*signatures, checkpoint=CHECKPOINT):
    return format_note(SignedNote(checkpoint.text, signatures))


def by_log(checkpoint=CHECKPOINT):
    return (LOG.sign(checkpoint), LOG_PQ.sign(checkpoint, NOW))


def check(note, **options):
    return check_checkpoint(note, POLICY, NOTE_CHECKS, **options)


def test_a_checkpoint_says_who_signed_it_and_when():
    checked = check(
        signed(*by_log(), WITNESSES["one"].sign(CHECKPOINT, NOW), WITNESSES["two"].sign(CHECKPOINT, NOW + 3))
    )

    assert checked.checkpoint == CHECKPOINT
    assert checked.log_keys == (LOG.key, LOG_PQ.key)
    assert {(given.witness.name, given.time) for given in checked.cosignatures} == {("one", NOW), ("two", NOW + 3)}
    assert checked.quorum_reached
    assert checked.earliest_time == NOW


def test_the_log_s_own_time_is_that_of_its_timed_signature():
    assert check(signed(LOG.sign(CHECKPOINT), LOG_PQ.sign(CHECKPOINT, NOW + 7))).log_time == NOW + 7
    assert check(signed(LOG.sign(CHECKPOINT), WITNESSES["one"].sign(CHECKPOINT, NOW))).log_time is None


def test_too_few_witnesses_are_told_apart_from_a_bad_checkpoint():
    checked = check(signed(*by_log(), WITNESSES["one"].sign(CHECKPOINT, NOW), STRANGER.sign(CHECKPOINT, NOW)))

    assert [given.witness.name for given in checked.cosignatures] == ["one"]
    assert not checked.quorum_reached


def test_one_witness_twice_counts_once_and_its_first_time_holds():
    one = WITNESSES["one"]
    checked = check(signed(*by_log(), one.sign(CHECKPOINT, NOW + 9), one.sign(CHECKPOINT, NOW)))

    assert [(given.witness.name, given.time) for given in checked.cosignatures] == [("one", NOW)]
    assert not checked.quorum_reached


def test_a_cosignature_without_a_time_counts_and_gives_none():
    checked = check(signed(*by_log(), *(WITNESSES[name].sign(CHECKPOINT, 0) for name in ("one", "two"))))

    assert [given.time for given in checked.cosignatures] == [None, None]
    assert checked.quorum_reached
    assert checked.earliest_time is None


def test_one_signature_of_the_log_is_enough_and_is_named():
    assert check(signed(LOG_PQ.sign(CHECKPOINT, NOW))).log_keys == (LOG_PQ.key,)


def test_without_the_log_nothing_counts():
    with pytest.raises(BadSignature, match="no known log"):
        check(signed(WITNESSES["one"].sign(CHECKPOINT, NOW), STRANGER.sign(CHECKPOINT, NOW)))


def test_a_known_log_signs_for_its_own_origin_only():
    other = Checkpoint("log.example/other", 5, CHECKPOINT.root)
    with pytest.raises(BadSignature, match="no known log"):
        check(signed(LOG.sign(other), LOG_PQ.sign(other, NOW), checkpoint=other))


@pytest.mark.parametrize("name", ["one", "two"])
@pytest.mark.parametrize("place", [0, 7, 8, 40, -1])
def test_a_known_key_with_a_bent_signature_spoils_the_note(name, place):
    good = WITNESSES[name].sign(CHECKPOINT, NOW)
    value = bytearray(good.value)
    value[place] ^= 1
    bent = type(good)(good.key_name, good.key_id, bytes(value))
    with pytest.raises(BadSignature):
        check(signed(*by_log(), bent))


@pytest.mark.parametrize("key", [LOG, WITNESSES["one"], WITNESSES["two"]], ids=["log", "ed25519", "ml-dsa"])
def test_a_known_key_over_another_tree_spoils_the_note(key):
    other = Checkpoint(ORIGIN, 5, LEAVES[0])
    with pytest.raises(BadSignature, match="does not hold"):
        check(signed(LOG_PQ.sign(CHECKPOINT, NOW), key.sign(other, NOW)))


@pytest.mark.parametrize("length", [0, 8, 71, 73])
def test_a_signature_of_another_length_is_refused(length):
    good = WITNESSES["one"].sign(CHECKPOINT, NOW)
    note = signed(*by_log(), type(good)(good.key_name, good.key_id, (good.value + b"0")[:length] or b"0"))
    with pytest.raises(BadSignature, match="form"):
        check(note)


def test_a_plain_signature_has_no_time():
    assert check_signature(CHECKPOINT, LOG.key, LOG.sign(CHECKPOINT), NOTE_CHECKS) is None


def test_the_last_time_of_the_format_is_read():
    key = WITNESSES["one"]
    assert check_signature(CHECKPOINT, key.key, key.sign(CHECKPOINT, 2**63 - 1), NOTE_CHECKS) == 2**63 - 1


def test_a_time_beyond_the_format_is_refused():
    good = WITNESSES["one"].sign(CHECKPOINT, NOW)
    with pytest.raises(BadSignature, match="form"):
        check(signed(*by_log(), type(good)(good.key_name, good.key_id, b"\xff" + good.value[1:])))


def test_the_future_is_refused_by_who_has_a_clock():
    note = signed(*by_log(), WITNESSES["one"].sign(CHECKPOINT, NOW + 1))
    with pytest.raises(BadSignature, match="future"):
        check(note, latest_time=NOW)
    assert check(note, latest_time=NOW + 1)


def test_a_type_that_cannot_be_checked_is_no_valid_signature():
    only_plain = {SignatureType.ED25519: NOTE_CHECKS[SignatureType.ED25519]}
    with pytest.raises(BadSignature, match="no way"):
        check_checkpoint(signed(*by_log()), POLICY, only_plain)


def test_extension_lines_are_covered_by_the_logs_plain_signature():
    longer = Checkpoint(ORIGIN, 5, CHECKPOINT.root, ("an extension",))
    assert check(signed(*by_log(longer), checkpoint=longer)).checkpoint.extensions == ("an extension",)
    with pytest.raises(BadSignature):
        check(signed(*by_log(), checkpoint=longer))


def test_what_is_no_note_is_refused():
    with pytest.raises(MalformedNote):
        check(CHECKPOINT.text.encode())


def test_a_leaf_is_logged_where_its_proof_leads_to_a_checked_checkpoint():
    note = signed(*by_log())
    proof = LogProof(4, (root_hash(LEAVES[:4]),), note)

    assert check_logged(LEAVES[4], proof, POLICY, NOTE_CHECKS).checkpoint == CHECKPOINT
    with pytest.raises(BadProof):
        check_logged(LEAVES[3], proof, POLICY, NOTE_CHECKS)
    with pytest.raises(BadProof):
        check_logged(LEAVES[4], LogProof(3, proof.hashes, note), POLICY, NOTE_CHECKS)
    with pytest.raises(BadSignature):
        check_logged(LEAVES[4], LogProof(4, proof.hashes, signed(STRANGER.sign(CHECKPOINT, NOW))), POLICY, NOTE_CHECKS)


def test_a_time_out_of_range_cannot_be_signed():
    for time in (-1, 2**63):
        with pytest.raises(MalformedCheckpoint, match="time"):
            sign_checkpoint(CHECKPOINT, LOG.key, LOG.signer.sign, time)
