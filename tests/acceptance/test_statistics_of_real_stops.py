"""The bar "real input": the London stops in the statistics, held against a plain count of their file.

The stops become checks by the product's mapping and stubs by its issuing code; its folding counts them, its release
protects them, and its API shows them. Beside it the file is counted with the csv module and the mapping as
docs/stops-mapping.md writes it; only the place of a pair of coordinates is asked of the product.
"""

import csv
import gzip
import math
from collections import Counter, defaultdict
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from receipt_service.bootstrap.law import schema_path
from receipt_service.demo.stops.places import commune_of
from receipt_service.demo.stops.roster import read_roster
from receipt_service.issuance.directory import import_directory
from receipt_service.storage import directory
from receipt_service.storage.engine import open_engine, reading, writing
from receipt_service.storage.issuances import Register
from tests.support import stub_facts
from tests.support.population import NOISE
from tests.support.real_stops import STOPS, StopStubs
from tests.support.worlds import NOW, officer, release_all, serving

pytestmark = [
    pytest.mark.needs_shared,
    pytest.mark.skipif(not STOPS.exists(), reason="../shared/data is not beside this project"),
]
MONTHS = ("2024-09", "2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03", "2025-04")
QUARTERS = {"2024-Q4": MONTHS[1:4], "2025-Q1": MONTHS[4:7]}
PERIODS = (*MONTHS, *QUARTERS)
DEPARTMENTS = ("D75", "D92", "D93", "D94")
SURELY_LARGE = 11 + NOISE.deviation
"""So many checks show as 11 or more whatever the noise."""

PACE = "Police and Criminal Evidence Act 1984"
THEFT_OR_ATTEMPT = ("CPP-78-2-AL2", "FUITE", "behaviour")
BY_OBJECT = {
    "Stolen goods": ("CPP-78-2-AL2", "SIGNALEMENT", "report"),
    "Offensive weapons": ("CPP-78-2-AL2", "APPEL", "report"),
    "Firearms": ("CPP-78-2-AL2", "APPEL", "report"),
    "Fireworks": ("CPP-78-2-AL2", "ACTE_OBSERVE", "behaviour"),
    "Articles for use in criminal damage": ("CPP-78-2-AL3", "PREPARATIFS", "behaviour"),
}
"""Basis, reason and selection of searches under PACE; any other object is ``THEFT_OR_ATTEMPT``."""
BY_ACT = {
    "Misuse of Drugs Act 1971": ("CPP-78-2-AL2", "REMISE_OBJET", "behaviour"),
    "Firearms Act 1968": ("CPP-78-2-AL2", "APPEL", "report"),
    "Criminal Justice and Public Order Act 1994": ("CPP-78-2-2-I", "REQUISITION", "requisition"),
}
FIXED_FINE = {"REMISE_OBJET", "SIGNALEMENT"}
"""Reasons of drugs and theft."""
OUTCOMES = {
    "A no further action disposal": "LIBRE",
    "Arrest": "INTERPEL",
    "Community resolution": "AFD",
    "Penalty Notice for Disorder": "VERBAL",
    "Summons / charged by post": "PV_CONVOC",
    "Caution (simple or conditional)": "PV_CONVOC",
}
MEASURES = {"Person search": ("PALPATION",), "Person and Vehicle search": ("PALPATION", "VISITE_VEHICULE")}
TABLES = ("", "basis", "reason", "outcome", "hour_band", "selection")
CROSSED = ("basis,outcome", "reason,outcome", "hour_band,outcome", "selection,outcome", "basis,selection")
OF_COMMUNES = ("", "basis", "outcome", "hour_band", "selection")


def rows_that_count():
    """The valid rows of the file, each once."""
    with gzip.open(STOPS, "rt", encoding="utf-8", newline="") as file:
        rows = dict.fromkeys(tuple(row.items()) for row in csv.DictReader(file))
    for row in map(dict, rows):
        street = row["street_name"].removeprefix("On or near ").strip()
        if row["latitude"] and street not in {"", "No Location"} and row["legislation"]:
            yield row


def values_of(row):
    """What a row counts as, by the tables of docs/stops-mapping.md."""
    at = datetime.fromisoformat(row["datetime"]).astimezone(ZoneInfo("Europe/London"))
    act = row["legislation"].partition(" (section")[0]
    known = BY_OBJECT.get(row["object_of_search"], THEFT_OR_ATTEMPT) if act == PACE else BY_ACT[act]
    values = dict(zip(("basis", "reason", "selection"), known, strict=True))
    outcome = OUTCOMES[row["outcome"]]
    if outcome == "AFD" and values["reason"] not in FIXED_FINE:
        outcome = "PV_CONVOC"
    band = at.hour // 3 * 3
    values |= {"outcome": outcome, "hour_band": f"{band:02}-{band + 3:02}"}
    return f"{at:%Y-%m}", commune_of(float(row["latitude"]), float(row["longitude"])), values


def plain_count():
    """Count the file: for each area, period and division a number of each combination of values."""
    counts = defaultdict(Counter)
    for row in rows_that_count():
        month, commune, values = values_of(row)
        for by in (*TABLES, *CROSSED):
            counts[f"C{commune}", month, by][tuple(values[name] for name in by.split(",") if name)] += 1
        counts[f"C{commune}", month, "measure"].update((measure,) for measure in MEASURES[row["type"]])
    for (area, month, by), found in [*counts.items()]:
        for around in ("F", f"D{area[1:3]}"):
            counts[around, month, by].update(found)
    for (area, month, by), found in [*counts.items()]:
        for quarter, months in QUARTERS.items():
            if month in months:
                counts[area, quarter, by].update(found)
    return counts


@pytest.fixture(scope="module")
def counts():
    return plain_count()


@pytest.fixture(scope="module")
def served_stops(sqlite_template, tmp_path_factory, api_keys, law):
    """The stops through mapping, issuing, folding and releasing; and the API over them."""
    folder = tmp_path_factory.mktemp("stops")
    (folder / "receipts.db").write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{folder / 'receipts.db'}")
    sample = schema_path("examples", "directory.csv")
    report = import_directory(engine, sample.read_bytes(), catalogue=law.current, territory=law.territory, now=NOW)
    assert not report.faults
    with writing(engine) as connection:
        directory.save(connection, [], [officer("PN", 9990001, "top")])
    roster = read_roster(sample)
    with reading(engine) as connection:
        found = {one.subject: directory.officer_by_subject(connection, one.subject) for one in roster.officers}
    stops = StopStubs(law, roster, found)
    register, made = Register(engine), stops.issuances()
    while some := list(islice(made, 1000)):
        assert all(register(some))
    register.close()
    rollup = stub_facts.rollup(engine)
    while rollup.fold(4000).rows:
        pass
    release_all(engine, PERIODS)
    with serving(folder, engine, api_keys, law) as served:
        yield served, stops
    engine.dispose()


def shown_by(served, area, period, by):
    """What the API shows of a question, the total included where it is not divided."""
    answer = served.get(f"area={area}&period={period}&by={by}")
    assert answer.status == 200, answer.body
    if not by:
        total = answer.json["total"]["checks"]
        return {} if total is None else {(): total}
    return {tuple(line["values"].values()): line["checks"] for line in answer.json["figures"]}


def asked(served):
    """Ask everything that the plain count knows: yields area, period, division, and what is shown."""
    for period in PERIODS:
        for area in ("F", *DEPARTMENTS):
            for by in (*TABLES, "measure", *CROSSED):
                yield area, period, by, shown_by(served, area, period, by)
        for area in DEPARTMENTS:
            for by in OF_COMMUNES:
                found = shown_by(served, area, period, f"commune,{by}".rstrip(","))
                for commune in {values[0] for values in found}:
                    some = {values[1:]: number for values, number in found.items() if values[0] == commune}
                    yield f"C{commune}", period, by, some


@pytest.fixture(scope="module")
def everything(served_stops):
    return {(area, period, by): shown for area, period, by, shown in asked(served_stops[0])}


def counted(values, shown, true):
    """The plain count of a line; a merged one has every value of its row that isn't shown."""
    if values[-1:] != ("other",):
        return true[values]
    return sum(number for each, number in true.items() if each[:-1] == values[:-1] and each not in shown)


def errors_of(everything, counts):
    """How far each shown figure lies from the plain count of its checks."""
    return [
        number - counted(values, shown, counts[question])
        for question, shown in everything.items()
        for values, number in shown.items()
    ]


def test_every_row_of_the_file_becomes_a_check_or_is_refused(served_stops, counts):
    stops = served_stops[1]
    assert stops.rows == {"issued": 26_368, "replayed": 684, "no_place": 336, "no_legal_basis": 7}
    assert sum(counts["F", month, ""][()] for month in MONTHS) == stops.rows["issued"]


def test_every_figure_lies_within_the_noise_of_a_plain_count(everything, counts):
    errors = errors_of(everything, counts)
    assert len(errors) > 6000
    assert max(map(abs, errors)) <= NOISE.deviation


def test_the_noise_leans_to_no_side(everything, counts):
    """Of large counts, since a small one is shown only when its noise does not make it smaller than 11."""
    errors = [
        number - true
        for question, shown in everything.items()
        for values, number in shown.items()
        if (true := counted(values, shown, counts[question])) >= SURELY_LARGE
    ]
    assert abs(sum(errors)) <= 4 * math.sqrt(NOISE.variance * len(errors))
    assert sum(error * error for error in errors) / len(errors) == pytest.approx(NOISE.variance, rel=0.1)


def test_totals_of_months_quarters_and_departements_are_shown(everything):
    for area in ("F", *DEPARTMENTS):
        for period in PERIODS:
            assert () in everything[area, period, ""]


def test_units_are_counted_as_the_replay_drew_them(served_stops):
    served, stops = served_stops
    shown = 0
    for period in PERIODS:
        months = QUARTERS.get(period, (period,))
        for above in ("PN", "PN-75", "PN-93"):
            for (unit,), number in shown_by(served, f"U{above}", period, "unit").items():
                true = sum(
                    count
                    for (month, drawn), count in stops.units.items()
                    if month in months and f"{drawn}-".startswith(f"{unit}-")
                )
                assert abs(number - true) <= NOISE.deviation
                shown += 1
    assert shown == 4 * len(PERIODS)  # of the others each has a département to itself: the same checks, told once


@pytest.mark.parametrize("by", ["reason", "outcome"])
def test_of_values_that_may_overlap_none_is_withheld_but_small_ones_and_small_rests(everything, counts, by):
    for month in MONTHS:
        true = counts["F", month, by]
        for values, number in true.items():
            if min(number, true.total() - number) >= SURELY_LARGE:
                assert values in everything["F", month, by]


@pytest.mark.parametrize("by", ["basis", "hour_band", "selection"])
def test_of_values_that_add_up_only_the_smallest_are_merged(everything, counts, by):
    for month in MONTHS:
        true, shown = counts["F", month, by], everything["F", month, by]
        merged = [(number, values) for values, number in true.items() if values not in shown]
        for number, values in merged:
            smaller = sum(each for each, other in merged if (each, other) < (number, values))
            assert smaller < SURELY_LARGE, (month, values)
