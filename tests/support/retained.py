"""A small book whose stubs are published, for tests of what is let go of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from receipt_service.crypto.derivation import derive
from receipt_service.domain.groups import SALT_INFOS, claims_of
from receipt_service.domain.link import ReceiptLink
from receipt_service.domain.receipt import draft_receipt
from receipt_service.domain.receipt_number import receipt_number_from
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.stubs import pack_disclosures, pack_leaf
from receipt_service.transparency.sequencing import sequence
from tests.support.issuances import an_issuance, store
from tests.support.receipts import CHECK, ISSUER, PERSON, SIGNER, SampleCatalogue

RECORDED = datetime(2026, 11, 23, 14, 12, tzinfo=UTC)


def issue(engine, count, first=0):
    """Store real, signed receipts, a minute apart; return link and receipt of each."""
    made = []
    for place in range(first, first + count):
        moment = RECORDED + timedelta(minutes=place)
        seed = bytes([place]) * 16
        number = receipt_number_from(bytes([place, 7]) * 8)
        claims = claims_of(
            replace(CHECK, checked_at=moment - timedelta(minutes=5), ended_at=None),
            PERSON,
            receipt_number=number,
            recorded_at=moment,
            catalogue=SampleCatalogue(),
        )
        draft = draft_receipt(
            claims, salts=derive(seed, SALT_INFOS), issuer=ISSUER, kid=SIGNER.kid, issued_on=moment.date()
        )
        receipt = draft.signed(SIGNER.sign(draft.signing_input))
        made.append((ReceiptLink(number, seed, PERSON), receipt, moment))
    store(
        engine,
        *(
            an_issuance(
                at=moment,
                receipt_number=link.receipt_number,
                leaf=pack_leaf(receipt.leaf),
                disclosures=pack_disclosures(receipt.stub.disclosures),
            )
            for link, receipt, moment in made
        ),
    )
    return made


def publish(engine):
    """Sequence what waits, and note it as published, as the publisher does once the files are written."""
    while sequence(engine, 1000):
        pass
    with writing(engine) as connection:
        connection.execute(text("UPDATE log_tree SET published_size = size WHERE published_size < size"))


def counted(engine):
    """Empty the fold queue, as folding does."""
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM fold_queue"))


def fill(engine, count, first=0):
    made = issue(engine, count, first)
    counted(engine)
    publish(engine)
    return made


def log_records(engine):
    with reading(engine) as connection:
        return list(connection.execute(text("SELECT record FROM log_queue WHERE kind = 4")).scalars())


def named_and_dropped(engine, term):
    """Which stubs deletions name, and which have lost something."""
    with reading(engine) as connection:
        named = set(connection.execute(text("SELECT stub_id FROM deletion_stub")).scalars())
        rows = connection.execute(text("SELECT id, disclosures FROM stub")).all()
    lines = {row.id: row.disclosures.split("\n") for row in rows}
    if not term.groups:
        return named, {stub for stub, found in lines.items() if found == [""]}
    return named, {stub for stub, found in lines.items() if "" in found}
