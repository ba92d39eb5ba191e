"""Interop: Go's library reads our log, and npm's ML-DSA-44 its cosignatures, each from the published bytes alone."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from receipt_service.tlog.checkpoint import Checkpoint
from receipt_service.tlog.hash_reader import HashReader
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.note import SignatureType, SignedNote, format_note, parse_signatures
from receipt_service.tlog.policy import parse_policy
from receipt_service.tlog.tiles import ENTRIES, tiles_for_growth
from receipt_service.tlog.trust import check_checkpoint
from receipt_service.verify.note_checks import NOTE_CHECKS
from tests.support.log_keys import LogKey
from tests.support.tile_store import TileStore

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "interop" / "log_reader.go"
DEBIAN_GO_PATH = Path("/usr/share/gocode")
ENTRIES_OF_LOG = [f"entry {number}".encode() for number in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES_OF_LOG]
OLD_SIZES = [300, 1, 256, 65_536, 69_999]
INDEXES = [0, 255, 256, 65_535, 65_536, 69_999]
TIME = 1_700_000_000
LOG = LogKey("log.example/receipts", SignatureType.ED25519)
LOG_PQ = LogKey("log.example/receipts", SignatureType.COSIGNATURE_ML_DSA_44)
WITNESS = LogKey("witness.example/one", SignatureType.COSIGNATURE_ED25519)


@pytest.fixture(scope="module")
def published():
    return TileStore(LEAVES)


@pytest.fixture(scope="module")
def reader(published):
    return HashReader(70_000, published.read)


@pytest.fixture(scope="module")
def signed(reader):
    checkpoint = Checkpoint("log.example/receipts", 70_000, reader.root())
    signatures = (LOG.sign(checkpoint), LOG_PQ.sign(checkpoint, TIME), WITNESS.sign(checkpoint, TIME))
    return format_note(SignedNote(checkpoint.text, signatures)).decode()


@pytest.fixture(scope="module")
def go_reads(tmp_path_factory):
    """The Go program, compiled once."""
    go = shutil.which("go")
    if go is None or not (DEBIAN_GO_PATH / "src/golang.org/x/mod/sumdb/tlog").exists():
        pytest.skip("apt-get install golang-go golang-golang-x-mod-dev")
    program = tmp_path_factory.mktemp("go") / "log_reader"
    cache = ROOT / ".var" / "go-cache"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(DEBIAN_GO_PATH), "GOCACHE": str(cache)}
    subprocess.run([go, "build", "-o", program, PROGRAM], check=True, env=environment, timeout=280)

    def read(job):
        return subprocess.run([program], input=json.dumps(job), capture_output=True, text=True, check=False, timeout=60)

    return read


def encoded(data):
    return base64.b64encode(data).decode()


@pytest.fixture
def job(published, reader, signed):
    """All that a reader of the log has: a key, a checkpoint, tiles, entries and proofs."""
    older = {size: HashReader(size, TileStore(LEAVES[:size]).read).root() for size in OLD_SIZES}
    return {
        "VKey": LOG.vkey,
        "Checkpoint": signed,
        "Cosigner": WITNESS.key.name,
        "CosignerKey": encoded(WITNESS.key.public_key),
        "Tiles": {path: encoded(data) for path, data in published.files.items()},
        "Inclusions": [
            {
                "Index": index,
                "Entry": encoded(ENTRIES_OF_LOG[index]),
                "Hashes": list(map(encoded, reader.inclusion_proof(index))),
            }
            for index in INDEXES
        ],
        "Consistency": [
            {"Size": size, "Root": encoded(older[size]), "Hashes": list(map(encoded, reader.consistency_proof(size)))}
            for size in OLD_SIZES
        ],
    }


@pytest.mark.needs_go
def test_go_reads_the_log(go_reads, job, reader):
    done = go_reads(job)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)

    assert answer["SignedBy"] == [LOG.key.name]
    assert answer["Cosigned"] == TIME
    assert answer["TreeHash"] == encoded(reader.root())
    assert answer["Proofs"] == [one["Hashes"] for one in job["Inclusions"]]
    assert answer["TreeProof"] == [one["Hashes"] for one in job["Consistency"]]


@pytest.mark.needs_go
def test_go_would_publish_the_same_tiles(go_reads, job):
    """Go names every width on the way as well; of those, a log needs the widest."""
    answer = json.loads(go_reads(job).stdout)
    widest = {path.partition(".p/")[0]: path for path in answer["NewTiles"]}

    ours = [tile.path for tile in tiles_for_growth(OLD_SIZES[0], 70_000) if tile.level != ENTRIES]

    assert ours == list(widest.values())


@pytest.mark.needs_go
@pytest.mark.parametrize("part", ["key", "checkpoint", "inclusion", "consistency", "tile"])
def test_go_refuses_what_is_bent(go_reads, job, part):
    """The program does check: each part is needed."""
    other = encoded(LEAVES[5])
    match part:
        case "key":
            job["VKey"] = LogKey("log.example/other", SignatureType.ED25519).vkey
        case "checkpoint":
            job["Checkpoint"] = job["Checkpoint"].replace("70000", "70001")
        case "inclusion":
            job["Inclusions"][2]["Hashes"][3] = other
        case "consistency":
            job["Consistency"][1]["Hashes"][0] = other
        case "tile":
            # x/mod 0.7.0 checks the right-most tiles always, full ones only where the right edge needs few tiles.
            job["Tiles"]["tile/0/273.p/112"] = encoded(bytes(112 * 32))
    assert go_reads(job).returncode == 1


@pytest.mark.needs_go
def test_go_refuses_a_bent_cosignature(go_reads, job):
    job["CosignerKey"] = encoded(LOG.key.public_key)
    assert json.loads(go_reads(job).stdout)["Cosigned"] == 0


@pytest.mark.needs_node
def test_npm_takes_our_ml_dsa_44_signature(npm_peer, signed):
    assert npm_peer("note_cosignature.mjs", vkey=LOG_PQ.vkey, note=signed) == {"time": TIME}
    bent = signed.replace("70000", "70001")
    assert npm_peer("note_cosignature.mjs", vkey=LOG_PQ.vkey, note=bent) == {"time": None}


@pytest.mark.needs_node
def test_npm_s_ml_dsa_44_signature_holds_here(npm_peer, reader):
    checkpoint = Checkpoint("log.example/receipts", 70_000, reader.root())
    name = "witness.example/pq"
    given = npm_peer("note_cosignature.mjs", seed="5a" * 32, name=name, text=checkpoint.text, time=TIME)
    note = format_note(SignedNote(checkpoint.text, (LOG.sign(checkpoint), *parse_signatures(given["line"]))))
    policy = parse_policy(f"log {LOG.vkey}\nwitness w {given['vkey']}\nquorum w\n".encode())

    checked = check_checkpoint(note, policy, NOTE_CHECKS)

    assert [cosignature.time for cosignature in checked.cosignatures] == [TIME]
    assert checked.quorum_reached
