"""What supervisors get: the same answer by any path, nothing small between two figures, and nothing off the lattice."""

import csv
import io
import shutil

import pytest
from pyarrow import parquet

from receipt_service.statistics.releasing.protection import OTHER
from receipt_service.storage import directory, rollup
from receipt_service.storage.engine import open_engine, writing
from receipt_service.storage.rollup import CellRow
from receipt_service.web.authentication import Role
from tests.support.population import SEATS, Seen, cells, cells_shown, close_pairs, population, store
from tests.support.worlds import officer, release_all, serving


@pytest.fixture(scope="module")
def populated(sqlite_template, tmp_path_factory, api_keys, law):
    """A population of two forces, released; ``top`` heads the one, ``gn`` the other, ``below`` a part of the first."""
    folder = tmp_path_factory.mktemp("answers")
    shutil.copyfile(sqlite_template, folder / "receipts.db")
    engine = open_engine(f"sqlite:///{folder / 'receipts.db'}")
    records = population(21, 4000)
    store(engine, records)
    heads = [officer("PN", 1000001, "top"), officer("GN", 1000002, "gn"), officer("PN-75", 1000003, "below")]
    with writing(engine) as connection:
        directory.save(connection, [], heads)
    release_all(engine)
    yield engine, records, lambda: serving(folder, engine, api_keys, law)
    engine.dispose()


@pytest.fixture(scope="module")
def served(populated):
    with populated[2]() as found:
        yield found


def offer(served, subject):
    headers = served.api.headers(subject, Role.SUPERVISOR)
    return served.api.client.request("GET", "/v1/statistics", headers=headers).json


def everything_shown(served, subject):
    """All figures that the API gives to a supervisor, asked for by the offer that it makes."""
    found = set()
    given = offer(served, subject)
    for level, area, period in (
        (level, area, each["period"])
        for level, found in given["levels"].items()
        for area in areas_of(found["areas"])
        for each in given["periods"]
    ):
        for names in given["levels"][level]["tables"]:
            answer = served.get(f"area={area}&period={period}&by={','.join(names)}", subject)
            assert answer.status == 200, answer.body
            for line in answer.json["figures"]:
                values = [OTHER if value == "other" else value for value in line["values"].values()]
                found.add(Seen(period, area, "*".join(names) or "total", *[*values, "", ""][:2], line["checks"]))
    return found


def areas_of(offered):
    """The areas, with the communes of the population where any of a département is offered."""
    for area in offered:
        yield from (
            (f"C{code}" for code in set(SEATS.values()) if f"C{code[:2]}*" == area) if area[0] == "C" else (area,)
        )


def test_no_two_figures_of_the_api_have_something_small_between_them(populated):
    engine, records, serve = populated
    with serve() as served:
        found = everything_shown(served, "top") | everything_shown(served, "gn")
    assert found == {*cells_shown(engine)}
    assert min(row.value for row in found) >= 11
    assert close_pairs(sorted(found), records) == []


FORMS = {"json": "application/json", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
QUESTIONS = (
    "area=D75&period=2026-Q3",
    "area=D75&period=2026-07&by=basis",
    "area=D75&period=2026-Q3&by=basis,outcome",
    "area=D75&period=2026-Q3&by=commune,selection",
    "area=D75&period=2026-Q3&by=month,hour_band",
)


def turned(query):
    """The same question with its parameters and its divisions the other way round."""
    parts = [
        f"by={','.join(reversed(part[3:].split(',')))}" if part.startswith("by=") else part for part in query.split("&")
    ]
    return "&".join(reversed(parts))


def answers(served):
    return {(query, form): served.get(f"{query}&format={form}", "below").body for query in QUESTIONS for form in FORMS}


def test_the_same_question_has_the_same_answer_by_any_path_for_any_reader_on_any_day(populated):
    engine, _, serve = populated
    with serve() as served:
        first = answers(served)
        assert len({*first.values()}) == len(QUESTIONS) * len(FORMS)
        for (query, form), body in first.items():
            for subject in ("below", "top"):
                assert served.get(f"{query}&format={form}", subject).body == body
                assert served.get(query, subject, accept=FORMS[form]).body == body
                assert served.get(f"format={form}&{turned(query)}", subject).body == body
        ours = served.get("period=2026-Q3&by=unit", "below").body
        assert served.get("by=unit&period=2026-Q3&area=UPN-75", "top").body == ours
    late = population(99, 300)
    with writing(engine) as connection:
        rows = [
            CellRow(key.month, key.area, key.table, key.a, key.b, len(found), 5) for key, found in cells(late).items()
        ]
        rollup.add_cells(connection, rows)
    with serve() as served:
        assert answers(served) == first


def test_every_form_has_the_same_figures(served):
    lines = 0
    for query in QUESTIONS:
        given = served.get(query, "below").json
        rows = [[*line["values"].values(), line["checks"], line["protection"]] for line in given["figures"]]
        text = served.get(f"{query}&format=csv", "below").body.decode()
        table = parquet.read_table(io.BytesIO(served.get(f"{query}&format=parquet", "below").body))
        lines += len(rows)
        assert [line[2:] for line in csv.reader(io.StringIO(text))][1:] == [list(map(str, row)) for row in rows]
        assert [list(row.values())[2:] for row in table.to_pylist()] == rows
    assert lines > 30


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("period=2026-07-01", "/query/period"),
        ("period=2026-07..2026-08", "/query/period"),
        ("period=2026-W30", "/query/period"),
        ("period=", "/query/period"),
        ("", "/query/period"),
        ("period=2026-Q3&area=75110", "/query/area"),
        ("period=2026-Q3&area=LPN-75", "/query/area"),
        ("period=2026-Q3&area=D75,D93", "/query/area"),
        ("period=2026-Q3&area=48.87,2.35,500", "/query/area"),
        ("period=2026-Q3&by=basis,outcome,selection", "/query/by"),
        ("period=2026-Q3&by=unit,basis,outcome", "/query/by"),
        ("period=2026-Q3&by=officer", "/query/by"),
        ("period=2026-Q3&by=basis,basis", "/query/by"),
        ("period=2026-Q3&by=basis,measure", "/query/by"),
        ("period=2026-Q3&by=department", "/query/by"),
        ("period=2026-07&by=month", "/query/by"),
        ("period=2026-Q3&area=C75110&by=reason", "/query/by"),
    ],
)
def test_what_is_not_on_the_lattice_is_refused_with_what_is(served, query, pointer):
    answer = served.get(query)
    assert answer.status == 422
    assert answer.problem == "invalid-parameter"
    assert answer.faults == {(pointer, "not_on_lattice")}
    assert all(fault["detail"] for fault in answer.json["errors"])


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("period=2026-Q3&where=basis", ["area", "by", "format", "period"]),
        ("period=2026-Q3&from=2026-07-03&to=2026-07-09", ["area", "by", "format", "period"]),
        ("period=2026-Q3&period=2026-07", ["area", "by", "format", "period"]),
        ("period=2026-Q3&format=xlsx", ["json", "csv", "parquet"]),
    ],
)
def test_a_parameter_that_means_nothing_is_refused(served, query, allowed):
    answer = served.get(query)
    assert answer.problem == "invalid-parameter"
    assert answer.json["allowed"] == allowed


def test_a_period_that_is_not_released_is_refused_with_those_that_are(served):
    answer = served.get("period=2026-10")
    assert answer.problem == "period-not-released"
    assert answer.json["allowed"] == ["2026-08", "2026-09", "2026-Q3"]


@pytest.mark.parametrize(
    ("subject", "area"), [("below", "UPN"), ("below", "UPN-93-SD"), ("below", "D93"), ("below", "F"), ("top", "UGN")]
)
def test_other_units_and_places_are_out_of_reach(served, subject, area):
    assert served.get(f"period=2026-Q3&area={area}", subject).problem == "outside-own-units"
    assert served.get(f"period=2026-Q3&area={area}&by=basis", subject).status == 403


def test_statistics_are_for_supervisors(served):
    for target in ("/v1/statistics", "/v1/statistics/checks?period=2026-Q3"):
        assert served.api.get(target, "top", Role.OFFICER).status == 403
        assert served.api.get(target).status == 401
