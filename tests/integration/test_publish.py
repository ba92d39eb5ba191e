"""A quarter is published once and for ever, on either database, whoever tries again, whatever became of its files."""

import json
import random
import shutil
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.errors import ConfigurationError, Unavailable
from receipt_service.statistics.lattice import months_of
from receipt_service.statistics.publication import folder
from receipt_service.statistics.publication import publish as publishing
from receipt_service.statistics.publication.folder import draft_folder, only_publisher, published_folder, read_files
from receipt_service.statistics.publication.publish import PublicationRefused, check_closed, publish, true_counts
from receipt_service.statistics.publication.tables import PUBLIC_TABLES
from receipt_service.storage import publications, rollup
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.rollup import CellRow
from receipt_service.verify.publication import verify_publication
from tests.support import stub_facts
from tests.support.issuances import an_issuance, store
from tests.support.publishing import DOMAIN, NOW, QUARTER, a_key, a_press, trust_in

SHOWN = {"D75": 3000, "D2A": 30}


def record_of(printshop):
    with reading(printshop.engine) as connection:
        return publications.find(connection, QUARTER)


def test_a_closed_quarter_is_published_signed_and_recorded(printshop):
    published = publish(printshop.press, QUARTER, NOW)

    files = read_files(published.folder)
    manifest = verify_publication(files, trust_in(printshop.key), NOW)
    assert published.folder == printshop.root / QUARTER
    assert not published.finished
    assert manifest.published_at == NOW
    record = record_of(printshop)
    assert (record.epsilon, record.manifest_sha256, record.kid) == (1.0, published.manifest_sha256, printshop.key.kid)
    assert (record.reserved_at, record.published_at) == (NOW, NOW)
    assert json.loads(record.mechanism) == json.loads(files[MANIFEST])["privacy"]["tables"]
    assert [path.name for path in printshop.root.iterdir()] == [QUARTER]


def test_the_counts_are_those_of_the_quarters_months_and_of_departements_alone(printshop):
    with writing(printshop.engine) as connection:
        rollup.add_cells(connection, [CellRow(month, "D75", "total", "", "", 7, 1) for month in (202606, 202610)])
    with reading(printshop.engine) as connection:
        counts = true_counts(connection, DOMAIN, QUARTER)

    for table in PUBLIC_TABLES:
        by_area = dict(zip([area.code for area in DOMAIN.departments], counts[table.code].sum(axis=1), strict=True))
        assert {area: n for area, n in by_area.items() if n} == SHOWN


def test_the_published_counts_are_near_the_true_ones(printshop):
    lines = publish(printshop.press, QUARTER, NOW).folder.joinpath(f"identity-checks-{QUARTER}.csv").read_text()
    rows = [line.split(",") for line in lines.splitlines()]

    (paris,) = [int(row[7]) for row in rows if row[1] == "75" and row[3] == "total"]
    assert abs(paris - SHOWN["D75"]) < 8 * 30  # thirty scales of the noise: less than once in 10^12
    assert len(rows) == 1 + DOMAIN.size + sum(map(len, DOMAIN.categories.values()))


def test_it_is_not_published_again(printshop):
    published = publish(printshop.press, QUARTER, NOW)
    before = read_files(published.folder)

    with pytest.raises(PublicationRefused, match=r"published on 2026-11-24 and is frozen"):
        publish(printshop.press, QUARTER, NOW + timedelta(days=400))
    assert read_files(published.folder) == before


def test_it_is_not_published_again_when_its_files_are_gone(printshop):
    published = publish(printshop.press, QUARTER, NOW)
    shutil.rmtree(printshop.root)

    with pytest.raises(PublicationRefused, match=rf"files are gone.*{published.manifest_sha256}"):
        publish(printshop.press, QUARTER, NOW)
    assert list(printshop.root.iterdir()) == []


def test_it_is_not_published_on_a_database_that_forgot_it(printshop):
    printshop.root.mkdir()
    (printshop.root / QUARTER).mkdir()
    with pytest.raises(PublicationRefused, match="the ledger does not know of it"):
        publish(printshop.press, QUARTER, NOW)
    assert record_of(printshop) is None


@pytest.mark.parametrize(
    "period", ["2026-11", "2026", "2026-Q5", "0000-Q1", "9999-Q4", "2026-q3", "", "../x", "2026-Q3\n"]
)
def test_only_quarters_are_published(printshop, period):
    with pytest.raises(PublicationRefused, match="2026-Q3"):
        publish(printshop.press, period, NOW)
    assert not printshop.root.exists()


@pytest.mark.parametrize(
    ("period", "opens"), [("2026-Q3", datetime(2026, 10, 8, tzinfo=UTC)), ("2026-Q4", datetime(2027, 1, 8, tzinfo=UTC))]
)
def test_a_quarter_closes_a_week_after_its_end(period, opens):
    check_closed(period, opens)
    with pytest.raises(PublicationRefused, match=f"from {opens:%Y-%m-%d} on"):
        check_closed(period, opens - timedelta(microseconds=1))


def test_a_quarter_settles_longer_than_a_check_may_be_recorded_late():
    from receipt_service.domain.rules_time import OFFLINE_HOURS  # noqa: PLC0415 - beside what it is held against

    assert timedelta(hours=OFFLINE_HOURS + 12 + 12) < publishing.SETTLING


def a_check_of(checked_at):
    return an_issuance(at=checked_at + timedelta(minutes=3))


@pytest.mark.parametrize(
    "checked_at",
    [
        datetime(2026, 7, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 6, 30, 13, 0, tzinfo=UTC),  # the first of July in Wallis-et-Futuna
        datetime(2026, 10, 1, 9, 0, tzinfo=UTC),  # the last of September in Tahiti
    ],
)
def test_it_waits_for_checks_of_the_quarter_that_are_not_counted_yet(printshop, checked_at):
    store(printshop.engine, a_check_of(checked_at))

    with pytest.raises(PublicationRefused, match="still to be counted"):
        publish(printshop.press, QUARTER, NOW)
    assert record_of(printshop) is None
    with printshop.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM fold_queue")
    assert publish(printshop.press, QUARTER, NOW).folder.is_dir()


def test_it_does_not_wait_for_checks_of_other_quarters(printshop):
    store(printshop.engine, a_check_of(NOW), a_check_of(datetime(2026, 6, 1, tzinfo=UTC)))

    assert publish(printshop.press, QUARTER, NOW).folder.is_dir()


def test_what_was_registered_and_folded_is_what_is_counted(engine, tmp_path):
    """From stubs, by the product's own folding."""
    chance, at = random.Random(3), datetime(2026, 8, 12, 9, 0, tzinfo=UTC)
    registered = [
        {
            "basis": chance.choice(stub_facts.BASES),
            "outcome": chance.choice([["LIBRE"], ["VERBAL", "SAISIE"]]),
            "commune": chance.choice(list(stub_facts.COMMUNES)),
        }
        for _ in range(40)
    ]
    stubs = [
        stub_facts.a_stub(
            at=at,
            bases=[{"code": check["basis"]}],
            outcomes=check["outcome"],
            commune=check["commune"],
            department=stub_facts.COMMUNES[check["commune"]],
        )
        for check in registered
    ]
    store(engine, *stubs)
    press = a_press(engine, tmp_path / "open-data", a_key())
    with pytest.raises(PublicationRefused, match="still to be counted"):
        publish(press, QUARTER, NOW)
    stub_facts.rollup(engine).fold(1000)
    with reading(engine) as connection:
        counts = true_counts(connection, DOMAIN, QUARTER)

    for table, values in (
        ("basis", [check["basis"] for check in registered]),
        ("outcome", [code for check in registered for code in check["outcome"]]),
        ("selection", ["behaviour"] * 40),
        ("hour_band", ["09-12"] * 40),
        ("total", ["all"] * 40),
    ):
        codes = [category.code for category in DOMAIN.categories[table]]
        found = dict(zip(codes, counts[table].sum(axis=0).tolist(), strict=True))
        assert Counter({code: n for code, n in found.items() if n}) == Counter(values), table
    by_area = dict(zip([area.name for area in DOMAIN.departments], counts["total"][:, 0].tolist(), strict=True))
    assert by_area["Corse-du-Sud"] == sum(check["commune"] == "2A004" for check in registered)
    assert publish(press, QUARTER, NOW).folder.is_dir()


def test_of_two_at_once_on_one_machine_the_second_is_told_to_wait(printshop):
    with only_publisher(printshop.root), pytest.raises(Unavailable, match="another command is publishing"):
        publish(printshop.press, QUARTER, NOW)
    assert record_of(printshop) is None


def test_of_several_at_once_on_several_machines_one_publishes(printshop, tmp_path, database_url):
    """Each has a folder of its own, so that the ledger alone can tell them apart."""
    barrier, outcomes = threading.Barrier(4), []

    def run(number):
        engine = open_engine(database_url)
        press = a_press(engine, tmp_path / f"machine-{number}", printshop.key)
        barrier.wait()
        try:
            outcomes.append(publish(press, QUARTER, NOW))
        except PublicationRefused as refused:
            outcomes.append(refused)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    published = [outcome for outcome in outcomes if not isinstance(outcome, PublicationRefused)]
    assert len(outcomes) == 4
    assert len(published) == 1
    assert [path for path in tmp_path.glob("machine-*/*") if path != published[0].folder] == []
    assert record_of(printshop).manifest_sha256 == published[0].manifest_sha256


def test_a_cell_that_nobody_knows_stops_it_before_the_budget_is_spent(printshop):
    with writing(printshop.engine) as connection:
        rollup.add_cells(connection, [CellRow(months_of(QUARTER)[0], "D75", "basis", "NEW-LAW", "", 1, 1)])

    with pytest.raises(ConfigurationError, match="neither the catalogue nor the territory"):
        publish(printshop.press, QUARTER, NOW)
    assert record_of(printshop) is None


def test_a_folder_that_cannot_be_used_stops_it_before_the_budget_is_spent(printshop):
    printshop.root.write_text("a file")

    with pytest.raises(ConfigurationError, match="cannot use"):
        publish(printshop.press, QUARTER, NOW)
    assert record_of(printshop) is None


def test_the_ledger_is_kept_for_ever(printshop):
    publish(printshop.press, QUARTER, NOW)

    for statement in (
        "DELETE FROM publication",
        "UPDATE publication SET epsilon = 0.5",
        "UPDATE publication SET manifest_sha256 = NULL, kid = NULL, published_at = NULL",
        "UPDATE publication SET manifest_sha256 = 'other'",
    ):
        with pytest.raises(DBAPIError), printshop.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    with reading(printshop.engine) as connection:
        assert [entry.period for entry in publications.ledger(connection)] == [QUARTER]


def test_a_budget_above_one_is_never_recorded(printshop):
    with pytest.raises(DBAPIError), writing(printshop.engine) as connection:
        publications.reserve(connection, period=QUARTER, epsilon=1.01, mechanism="[]", now=NOW)


def test_only_the_unfinished_files_of_the_right_quarter_under_our_own_key_are_finished(printshop, monkeypatch):
    """A draft is believed by its signature, never by lying there."""

    def die(*_: object, **_named: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "_complete", die)
    with pytest.raises(KeyboardInterrupt):
        publish(printshop.press, QUARTER, NOW)
    monkeypatch.undo()
    draft = draft_folder(printshop.root, QUARTER)
    whole = read_files(draft)
    stranger = replace(printshop.press, verify=lambda files: verify_publication(files, trust_in(a_key()), NOW))
    with pytest.raises(PublicationRefused, match="stays unpublished"):
        publish(stranger, QUARTER, NOW)
    (draft / f"identity-checks-{QUARTER}.csv").write_bytes(b"other")
    with pytest.raises(PublicationRefused, match="stays unpublished"):
        publish(printshop.press, QUARTER, NOW)
    (draft / f"identity-checks-{QUARTER}.csv").write_bytes(whole[f"identity-checks-{QUARTER}.csv"])
    draft.rename(draft_folder(printshop.root, "2026-Q2"))
    with writing(printshop.engine) as connection:
        publications.reserve(connection, period="2026-Q2", epsilon=1.0, mechanism="[]", now=NOW)
    with pytest.raises(PublicationRefused, match="stays unpublished"):
        publish(printshop.press, "2026-Q2", NOW)
    draft_folder(printshop.root, "2026-Q2").rename(draft)

    finished = publish(printshop.press, QUARTER, NOW + timedelta(hours=1))
    assert finished.finished
    assert read_files(published_folder(printshop.root, QUARTER)) == whole
    assert record_of(printshop).published_at == NOW
    assert SIGNED_MANIFEST in whole


def test_a_draft_is_never_written_over(tmp_path):
    folder.write_draft(tmp_path, QUARTER, {"a": b"1"})
    with pytest.raises(ConfigurationError, match="cannot write"):
        folder.write_draft(tmp_path, QUARTER, {"a": b"2"})
    assert (draft_folder(tmp_path, QUARTER) / "a").read_bytes() == b"1"
