"""Letting go of disclosures and stubs: only what is due, published and named, with a record, and proofs stay good."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from receipt_service.domain.canonical import from_base64url
from receipt_service.domain.groups import Group
from receipt_service.domain.log_record import digest_of_facts
from receipt_service.errors import NotFound, StubErased, Unavailable
from receipt_service.issuance.reads import Reads
from receipt_service.statistics.rollup import Rollup
from receipt_service.storage import corrections, fold_queue, log_entries
from receipt_service.storage.corrections import NewCorrection
from receipt_service.storage.engine import reading, writing
from receipt_service.storage.stubs import find_by_number
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.transparency.retention import GROUPS, Term, due, ranges_of
from receipt_service.transparency.sequencing import sequence
from receipt_service.verify.links import verify_link
from receipt_service.verify.verdict import Reason, View
from tests.support.receipts import NOW, sample_verifier
from tests.support.retained import RECORDED, counted, fill, issue, log_records, named_and_dropped, publish
from tests.support.retention_crash import LATER, TERMS, keeper

GROUPS_TERM, WHOLE_TERM = TERMS["groups"], TERMS["stub"]


def read(engine, link):
    return asyncio.run(Reads(engine).stub(link.receipt_number))


def raw(engine, statement):
    with writing(engine) as connection:
        connection.execute(text(statement))


def test_what_remains_of_a_stub_still_verifies_and_the_answer_says_what_is_erased(engine):
    (link, receipt, _), *_ = fill(engine, 3)
    assert sum(keeper(engine).run(GROUPS_TERM)) == 3

    report = read(engine, link)
    assert report.erased == (Group.LEGAL_BASIS, Group.CONSEQUENCES, Group.WHEN_WHERE)
    verdict = sample_verifier().verify(report.stub.compact, NOW)
    assert verdict.passed
    assert verdict.shown == (Group.OFFICER,)
    assert report.stub.leaf == receipt.leaf
    by_link, whole = verify_link(sample_verifier(), link, report.stub.compact, NOW, frozenset(report.erased))
    assert (by_link.passed, by_link.view, whole) == (True, View.PARTIAL, None)
    assert by_link.shown == (Group.PERSON, Group.OFFICER)
    assert sample_verifier().verify(receipt.compact, NOW).passed, "the holder's own file is whole"


def test_a_link_is_held_to_what_is_said_to_be_erased(engine):
    (link, _, _), (other, _, _), _ = fill(engine, 3)
    sum(keeper(engine).run(GROUPS_TERM))
    stub, erased = read(engine, link).stub.compact, frozenset(read(engine, link).erased)
    verifier = sample_verifier()

    assert verify_link(verifier, link, stub, NOW)[0].reasons == (Reason.STUB_MISMATCH,)
    fewer = erased - {Group.LEGAL_BASIS}
    assert verify_link(verifier, link, stub, NOW, fewer)[0].reasons == (Reason.STUB_MISMATCH,)
    assert not verify_link(verifier, other, stub, NOW, erased)[0].passed
    assert not verify_link(verifier, replace(link, seed=b"x" * 16), stub, NOW, erased)[0].passed


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_can_go_by_itself(engine, group):
    (link, receipt, moment), *_ = fill(engine, 2)
    assert sum(keeper(engine).run(Term(years=1, groups=(group,)))) == 2

    report = read(engine, link)
    assert [each.value for each in report.erased] == [group]
    kept = [each for each in receipt.stub.disclosures if each in report.stub.disclosures]
    assert len(kept) == 3, "to the byte"
    assert sample_verifier().verify(report.stub.compact, NOW).passed
    with reading(engine) as connection:
        found = find_by_number(connection, link.receipt_number)
    assert (found.officer_number == "", found.unit_code == "") == ((group == "officer"),) * 2
    assert (found.checked_at == moment) is (group == "when_where")


def test_of_a_whole_stub_the_leaf_alone_stays_and_its_bearer_is_told(engine):
    (link, receipt, _), *_ = fill(engine, 3)
    with writing(engine) as connection:
        old, new = connection.execute(text("SELECT id FROM stub ORDER BY id LIMIT 2")).scalars()
        row = NewCorrection(
            old_stub_id=old, new_stub_id=new, reason="wrong_place", explanation="Rue voisine", officer_number="1234567",
            corrected_at=RECORDED, record="r", disclosure="d",
        )  # fmt: skip
        assert corrections.add(connection, row)
    assert sum(keeper(engine).run(WHOLE_TERM)) == 3

    with pytest.raises(StubErased):
        read(engine, link)
    with pytest.raises(NotFound):
        asyncio.run(Reads(engine).stub("3FQ7Z2M9K4T8W1XC5VB6ND0RHJ"))
    with reading(engine) as connection:
        stub = connection.execute(text("SELECT * FROM stub ORDER BY id LIMIT 1")).one()
        entries = log_entries.between(connection, 0, 3)
        amended = connection.execute(text("SELECT explanation, officer_number, reason FROM correction")).one()
    assert (stub.disclosures, stub.officer_number, stub.unit_code) == ("", "", "")
    assert link.receipt_number not in str(stub)
    assert stub.checked_at == stub.committed_at
    assert tuple(amended) == (None, "", "wrong_place")
    assert receipt.leaf in {entry.text for entry in entries}, "the log can be written anew"
    assert all(log_entries.leaf_key(leaf_hash(entry.text.encode())) == entry.leaf_key for entry in entries)


def test_a_deletion_is_one_record_for_each_batch_that_names_policy_groups_and_entries(engine):
    fill(engine, 5)
    assert list(keeper(engine).run(GROUPS_TERM, 3)) == [3, 2]

    with reading(engine) as connection:
        rows = connection.execute(text("SELECT record, disclosure FROM deletion ORDER BY id")).all()
    assert sorted(log_records(engine)) == sorted(row.record for row in rows)
    facts = [orjson.loads(from_base64url(row.disclosure))[2] for row in rows]
    groups = ["legal_basis", "consequences", "when_where"]
    policy = {"kind": "disclosures", "years": 6}
    assert facts == [
        {"policy": policy, "groups": groups, "entries": [[0, 3]]},
        {"policy": policy, "groups": groups, "entries": [[3, 5]]},
    ]
    for row in rows:
        payload = orjson.loads(from_base64url(row.record.split(".")[1]))
        assert payload["vct"] == "urn:fr:recepisse:journal:effacement:1"
        assert payload["_sd"] == [digest_of_facts(row.disclosure)]
    assert sequence(engine, 10) == 2, "the records get their places"


def test_only_what_is_over_its_term_goes_and_each_thing_once(engine):
    for place in range(3):
        fill(engine, 1, place)
    six_years = RECORDED.replace(year=RECORDED.year + 6)
    early = keeper(engine)
    early._clock = lambda: six_years + timedelta(seconds=61)
    assert due(engine, GROUPS_TERM, early._clock()) == 2
    assert sum(early.run(GROUPS_TERM)) == 2
    assert sum(early.run(GROUPS_TERM)) == 0
    assert due(engine, GROUPS_TERM, LATER) == 1
    assert sum(keeper(engine).run(GROUPS_TERM)) == 1
    assert due(engine, WHOLE_TERM, LATER) == 3
    assert sum(keeper(engine).run(WHOLE_TERM)) == 3


def test_a_stub_that_is_not_published_stays(engine):
    fill(engine, 2)
    issue(engine, 1, 2)
    counted(engine)
    assert sum(keeper(engine).run(WHOLE_TERM)) == 2
    while sequence(engine, 10):
        pass
    assert sum(keeper(engine).run(WHOLE_TERM)) == 0, "sequenced is not published"
    publish(engine)
    assert sum(keeper(engine).run(WHOLE_TERM)) == 1


def test_what_statistics_have_not_counted_stays(engine):
    fill(engine, 2)
    with writing(engine) as connection:
        stub = connection.execute(text("SELECT min(id) FROM stub")).scalar_one()
        fold_queue.withdraw(connection, stub, now=RECORDED)
    with pytest.raises(Unavailable):
        list(keeper(engine).run(WHOLE_TERM))
    assert named_and_dropped(engine, WHOLE_TERM) == (set(), set())


def test_the_rollup_refuses_to_count_again_what_is_no_longer_there(engine):
    fill(engine, 1)
    sum(keeper(engine).run(GROUPS_TERM))
    rollup = Rollup(engine, reader=None, keys=type("Keys", (), {"fingerprint": None})())
    with pytest.raises(Unavailable, match="let go"):
        rollup.rebuild()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stub SET disclosures = ''",
        "UPDATE stub SET disclosures = substr(disclosures, 2)",
        "DELETE FROM stub",
        "INSERT INTO deletion_stub (stub_id, deletion_id, entry_index) SELECT id, 1, 99 FROM stub LIMIT 1",
        "INSERT INTO deletion_stub (stub_id, deletion_id, entry_index) SELECT max(id), 1, 0 FROM stub",
    ],
)
def test_the_database_lets_nothing_go_that_no_deletion_names(engine, statement):
    fill(engine, 2)
    with writing(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO deletion (deleted_at, dropped, end_index, record, disclosure)"
                " SELECT committed_at, 'stub', 1, 'r', 'd' FROM stub LIMIT 1"
            )
        )
        first, last = connection.execute(text("SELECT stub_id FROM log_entry ORDER BY entry_index")).scalars()
    if "max(id), 1, 0" in statement:
        statement = statement.replace("max(id)", str(last)) + f" WHERE id = {last}"
        assert first != last
    with pytest.raises(DBAPIError):
        raw(engine, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stub SET signature = signature || 'A', disclosures = ''",
        "UPDATE stub SET digests = '', disclosures = ''",
        "UPDATE stub SET disclosures = disclosures || 'x'",
        "UPDATE stub SET officer_number = '7777777', disclosures = ''",
        "UPDATE stub SET receipt_number = '!AAAA'",
        "UPDATE stub SET receipt_number = '0000000000000000000000000A', disclosures = ''",
        "DELETE FROM stub",
        "DELETE FROM deletion_stub",
        "DELETE FROM deletion",
        "UPDATE deletion SET dropped = 'stub'",
        "UPDATE deletion_stub SET entry_index = 5",
    ],
)
def test_what_a_deletion_names_can_lose_and_do_nothing_else(engine, statement):
    fill(engine, 1)
    sum(keeper(engine).run(Term(years=1, groups=("officer",))))
    with pytest.raises(DBAPIError):
        raw(engine, statement)


def test_ranges():
    assert ranges_of([]) == []
    assert ranges_of([1, 2, 3, 7, 9, 10]) == [[1, 4], [7, 8], [9, 11]]
