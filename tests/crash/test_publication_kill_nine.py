"""Kill -9 while a quarter is published: the noise is drawn once, and what was whole is finished, not made again."""

import signal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from receipt_service.crypto.signing import Signer
from receipt_service.domain.signed_manifest import SIGNED_MANIFEST
from receipt_service.statistics.publication.folder import draft_folder, published_folder, read_files
from receipt_service.statistics.publication.publish import PublicationRefused, publish
from receipt_service.storage import publications
from receipt_service.storage.engine import reading
from receipt_service.verify.publication import verify_publication
from tests.support.dying import nursery
from tests.support.publication_crash import POINTS
from tests.support.publishing import NOW, QUARTER, a_press, fill_rollup, trust_in

NOTHING_SPENT = {"before anything", "budget spent, not committed"}
LOST = {
    "budget spent",
    "noise drawn",
    "one file written",
    "all but the signed manifest written",
    "half of the signed manifest written",
}
FINISHED = {"all files written", "files durable", "files recorded, not committed", "files recorded"}
STANDS = {"put in place, not durable", "put in place"}


@pytest.fixture(scope="module")
def run_and_die():
    """The process that the publishing ones are forked from."""
    with nursery("tests.support.publication_crash") as ask:
        yield ask


@pytest.fixture
def doomed(engine, database_url, tmp_path, run_and_die):
    """A filled rollup, a key on disk, and a way to kill whoever publishes with them."""
    fill_rollup(engine)
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    press = a_press(engine, tmp_path / "open-data", Signer(key))

    def kill_at(point):
        return run_and_die(str(press.root), database_url, str(path), point)

    return press, kill_at


def record_of(press):
    with reading(press.engine) as connection:
        return publications.find(connection, QUARTER)


def test_every_point_is_one_of_four_kinds():
    assert set(POINTS) == NOTHING_SPENT | LOST | FINISHED | STANDS
    assert len(POINTS) == sum(map(len, (NOTHING_SPENT, LOST, FINISHED, STANDS)))


@pytest.mark.parametrize("point", POINTS)
def test_what_a_kill_leaves_is_mended_without_a_second_draw(doomed, point):
    press, kill_at = doomed
    assert kill_at(point) == -signal.SIGKILL
    left = read_files(draft_folder(press.root, QUARTER)) or read_files(published_folder(press.root, QUARTER))

    if point in NOTHING_SPENT:
        assert record_of(press) is None
        assert not publish(press, QUARTER, NOW).finished
    elif point in LOST:
        for _ in range(2):
            with pytest.raises(PublicationRefused, match="not drawn a second time"):
                publish(press, QUARTER, NOW)
        assert record_of(press).manifest_sha256 is None
        assert not published_folder(press.root, QUARTER).exists()
        return
    elif point in FINISHED:
        assert publish(press, QUARTER, NOW).finished
    with pytest.raises(PublicationRefused, match="is frozen"):
        publish(press, QUARTER, NOW)

    files = read_files(published_folder(press.root, QUARTER))
    assert point in NOTHING_SPENT or files == left
    assert verify_publication(files, trust_in(press.key), NOW).published_at == record_of(press).published_at
    assert not draft_folder(press.root, QUARTER).exists()
    assert SIGNED_MANIFEST in files
