"""The files say the same in every form, keep their schema, and can be read by others' tools."""

import csv
import hashlib
import io
import json
import re
from fractions import Fraction
from pathlib import Path

import frictionless
import jsonschema
import pyarrow.parquet as pq
import pytest

from receipt_service.bootstrap.resources import read_schema
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.statistics.publication.files import NOTES, data_name, publication_files
from receipt_service.statistics.publication.noise import margin, standard_deviation
from receipt_service.statistics.publication.rows import PublicRow
from receipt_service.statistics.publication.tables import PUBLIC_TABLES
from tests.support.publishing import DOMAIN, ISSUER, QUARTER, TABLE_SCHEMA, a_key, about, rows_of

ROOT = Path(__file__).parents[2]
KEY = a_key()
ROWS = rows_of(1)
FILES = publication_files(ROWS, DOMAIN, about(), TABLE_SCHEMA, KEY)
CSV, PARQUET = (data_name(QUARTER, suffix) for suffix in ("csv", "parquet"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("publication")
    for name, content in FILES.items():
        (place / name).write_bytes(content)
    return place


def read_csv():
    lines = csv.DictReader(io.StringIO(FILES[CSV].decode(), newline=""))
    return [
        {**line, "checks": int(line["checks"]) if line["checks"] else None, "margin_95": int(line["margin_95"])}
        for line in lines
    ]


def test_parquet_and_csv_hold_the_same():
    assert pq.read_table(io.BytesIO(FILES[PARQUET])).to_pylist() == read_csv() == [row._asdict() for row in ROWS]


def test_no_count_from_one_to_ten_is_anywhere_in_the_data():
    shown = [row["checks"] for row in read_csv() if row["checks"] is not None]

    assert min(shown) >= 11
    assert any(row["checks"] is None for row in read_csv())


def test_a_count_is_empty_exactly_where_its_status_says_so():
    for row in read_csv():
        assert (row["checks"] is None) == (row["status"] == "below_threshold")
        if row["checks"] is not None:
            assert (row["status"] == "within_noise") == (row["checks"] <= row["margin_95"])


def test_frictionless_finds_the_data_to_keep_their_schema(folder):
    report = frictionless.validate(
        frictionless.Resource(
            path=CSV, basepath=str(folder), schema=frictionless.Schema.from_descriptor(json.loads(TABLE_SCHEMA))
        )
    )

    assert report.valid, report.flatten(["title", "message"])[:5]
    assert report.tasks[0].stats["rows"] == len(ROWS)


def test_frictionless_accepts_the_data_package_by_its_files_alone(folder):
    package = frictionless.Package(str(folder / "datapackage.json"))
    report = package.get_resource("identity-checks").validate()

    assert report.valid, report.flatten(["title", "message"])[:5]
    assert package.get_resource("identity-checks").schema.to_descriptor() == json.loads(TABLE_SCHEMA)
    assert package.licenses[0]["name"] == "etalab-2.0"


@pytest.mark.parametrize(
    ("column", "value"),
    [("checks", "10"), ("checks", "-1"), ("status", "exact"), ("period", "2026"), ("table", "officer")],
)
def test_the_schema_would_notice_a_count_that_may_not_be(tmp_path, column, value):
    line = {**ROWS[0]._asdict(), column: value}
    (tmp_path / "data.csv").write_text(f"{','.join(PublicRow._fields)}\n{','.join(map(str, line.values()))}\n")
    resource = frictionless.Resource(
        path="data.csv", basepath=str(tmp_path), schema=frictionless.Schema.from_descriptor(json.loads(TABLE_SCHEMA))
    )

    assert not resource.validate().valid


def test_the_schema_names_the_columns_in_order_and_every_table():
    schema = json.loads(TABLE_SCHEMA)
    fields = {field["name"]: field for field in schema["fields"]}

    assert tuple(fields) == PublicRow._fields
    assert fields["table"]["constraints"]["enum"] == [table.code for table in PUBLIC_TABLES]


def test_the_manifest_states_the_budget_and_names_every_file():
    manifest = json.loads(FILES[MANIFEST])

    assert manifest["privacy"]["epsilon"] == "1"
    assert [(table["table"], table["sensitivity"], table["scale"]) for table in manifest["privacy"]["tables"]] == [
        (table.code, table.sensitivity, table.scale) for table in PUBLIC_TABLES
    ]
    assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in FILES.items()
        if name not in {MANIFEST, SIGNED_MANIFEST}
    }
    assert list(FILES)[-1] == SIGNED_MANIFEST


def test_the_manifest_keeps_its_schema():
    schema = json.loads(read_schema("open-data-manifest.v1.schema.json"))
    manifest = json.loads(FILES[MANIFEST])
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    validator.validate(manifest)
    assert not validator.is_valid({**manifest, "version": 2})
    assert not validator.is_valid({**manifest, "files": []})
    fractions = [Fraction(table["epsilon"]) for table in manifest["privacy"]["tables"]]
    assert sum(fractions) == Fraction(manifest["privacy"]["epsilon"]) == 1


@pytest.mark.parametrize("language", NOTES)
def test_the_method_note_gives_the_figures_that_hold(language):
    note = FILES[NOTES[language]].decode()

    assert "$" not in note
    assert ISSUER in note
    for table in PUBLIC_TABLES:
        assert re.search(
            rf"^\| `{table.code}` \| \d+ \| {table.sensitivity} \| {table.scale} \| {table.epsilon} \|",
            note,
            re.MULTILINE,
        )


def test_both_notes_have_the_same_parts():
    headings = [re.findall(r"^(#+) ", FILES[name].decode(), re.MULTILINE) for name in NOTES.values()]

    assert headings[0] == headings[1]


def test_the_guide_gives_the_figures_that_hold():
    guide = (ROOT / "docs" / "open-data.md").read_text()

    for table in PUBLIC_TABLES:
        cells = len(DOMAIN.categories[table.code])
        france = margin(table.scale, len(DOMAIN.departments))
        figures = f"| {cells} | {table.sensitivity} | {table.scale} | {table.epsilon} "
        figures += f"| {standard_deviation(table.scale):.1f} | {margin(table.scale)} | {france} |"
        assert re.search(rf"^\| `{table.code}` \| [^|]+ {re.escape(figures)}$", guide, re.MULTILINE), table.code
    rows = DOMAIN.size + sum(map(len, DOMAIN.categories.values()))
    assert f"{DOMAIN.size:,} noisy cells and, with France's, {rows:,} rows" in guide
