import csv
import gzip
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.stops.records import (
    FaultyRow,
    RowFault,
    StopRecord,
    StopsFileUnreadable,
    count_rows,
    read_stops,
)

API_COLUMNS = [
    "datetime",
    "type",
    "latitude",
    "longitude",
    "street_name",
    "legislation",
    "object_of_search",
    "outcome",
]
GOOD = [
    "2024-09-27T09:45:00+00:00",
    "Person search",
    "51.452468",
    "0.178992",
    "On or near Waterside",
    "Misuse of Drugs Act 1971 (section 23)",
    "Controlled drugs",
    "Arrest",
]
DOWNLOAD = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,"
    "Outcome linked to object of search,Removal of more than just outer clothing\r\n"
    "Person search,2024-09-27T09:45:00+00:00,False,,51.452468,0.178992,CANARY-G,CANARY-A,CANARY-S,CANARY-O,"
    "Misuse of Drugs Act 1971 (section 23),Controlled drugs,Arrest,False,False\r\n"
)


@pytest.fixture
def stops(tmp_path):
    def write(rows, columns=API_COLUMNS):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(rows)
        path = tmp_path / "stops.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        return path

    return write


def changed(**values):
    return [values.get(column, good) for column, good in zip(API_COLUMNS, GOOD, strict=True)]


def test_a_row_becomes_a_record(stops):
    assert list(read_stops(stops([GOOD]))) == [
        StopRecord(
            line=2,
            at=datetime(2024, 9, 27, 9, 45, tzinfo=UTC),
            kind="Person search",
            coordinates=(51.452468, 0.178992),
            street="On or near Waterside",
            legislation="Misuse of Drugs Act 1971 (section 23)",
            search_object="Controlled drugs",
            outcome="Arrest",
        )
    ]


@pytest.mark.parametrize("name", ["stops.csv.gz", "stops.csv"])
def test_gzip_is_recognised_by_its_bytes_and_not_by_its_name(stops, tmp_path, name):
    plain = stops([GOOD]).read_bytes()
    packed = tmp_path / name
    packed.write_bytes(gzip.compress(plain, mtime=0))
    assert count_rows(packed) == 1


def test_the_columns_of_the_csv_download_are_read_and_those_about_the_person_dropped(tmp_path):
    path = tmp_path / "2024-09-metropolitan-stop-and-search.csv"
    path.write_text("\ufeff" + DOWNLOAD, encoding="utf-8")
    (record,) = read_stops(path)
    assert isinstance(record, StopRecord)
    assert (record.street, record.kind, record.outcome) == (None, "Person search", "Arrest")
    assert "CANARY" not in repr(record)
    assert b"CANARY" not in record.fingerprint


def test_columns_in_another_order_and_unknown_ones_do_no_harm(stops):
    columns = ["surprise", *reversed(API_COLUMNS)]
    (record,) = read_stops(stops([["x", *reversed(GOOD)]], columns))
    assert record == next(read_stops(stops([GOOD])))


def test_a_repeated_column_is_read_at_its_first_place(stops):
    (record,) = read_stops(stops([[*GOOD, "Summons"]], [*API_COLUMNS, "outcome"]))
    assert record.outcome == "Arrest"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (changed(datetime=""), RowFault.BAD_DATETIME),
        (changed(datetime="27/09/2024 09:45"), RowFault.BAD_DATETIME),
        (changed(datetime="2024-09-27T09:45:00"), RowFault.BAD_DATETIME),
        (changed(datetime="2024-02-30T09:45:00+00:00"), RowFault.BAD_DATETIME),
        (changed(latitude="north"), RowFault.BAD_COORDINATES),
        (changed(latitude="nan"), RowFault.BAD_COORDINATES),
        (changed(latitude="inf"), RowFault.BAD_COORDINATES),
        (changed(latitude="90.1"), RowFault.BAD_COORDINATES),
        (changed(longitude="-181"), RowFault.BAD_COORDINATES),
        (changed(longitude=""), RowFault.BAD_COORDINATES),
        (GOOD[:-1], RowFault.MALFORMED_ROW),
        ([*GOOD, "more"], RowFault.MALFORMED_ROW),
    ],
)
def test_an_unreadable_row_is_named_and_the_next_one_is_read(stops, row, fault):
    faulty, good = read_stops(stops([row, GOOD]))
    assert faulty == FaultyRow(line=2, fault=fault)
    assert faulty.explanation
    assert isinstance(good, StopRecord)


def test_a_row_without_a_place_is_a_record(stops):
    (record,) = read_stops(stops([changed(latitude="", longitude="", street_name="")]))
    assert (record.coordinates, record.street) == (None, "")


def test_bytes_that_are_no_text_spoil_one_row_only(tmp_path):
    path = tmp_path / "stops.csv"
    line = ",".join(GOOD).encode()
    path.write_bytes(b"\n".join([",".join(API_COLUMNS).encode(), line.replace(b"Waterside", b"Caf\xe9"), line, b""]))
    faulty, good = read_stops(path)
    assert faulty == FaultyRow(line=2, fault=RowFault.UNREADABLE_TEXT)
    assert isinstance(good, StopRecord)


def test_a_quote_in_the_wrong_place_spoils_one_row_only(tmp_path):
    path = tmp_path / "stops.csv"
    line = ",".join(GOOD)
    broken = line.replace("Person search", '"Person" search')
    path.write_text("\n".join([",".join(API_COLUMNS), broken, line, ""]))
    faulty, good = read_stops(path)
    assert faulty == FaultyRow(line=2, fault=RowFault.MALFORMED_ROW)
    assert isinstance(good, StopRecord)


def test_a_quote_that_never_ends_is_a_faulty_row_too(tmp_path):
    path = tmp_path / "stops.csv"
    path.write_text("\n".join([",".join(API_COLUMNS), ",".join(GOOD), '"' + ",".join(GOOD), ",".join(GOOD)]))
    good, faulty = read_stops(path)
    assert isinstance(good, StopRecord)
    assert isinstance(faulty, FaultyRow)
    assert faulty.fault is RowFault.MALFORMED_ROW


def test_blank_lines_are_nothing(stops):
    assert count_rows(stops([GOOD, [], GOOD, []])) == 2


def test_the_limit_counts_faulty_rows(stops):
    path = stops([changed(datetime=""), GOOD, GOOD])
    assert [type(row) for row in read_stops(path, limit=2)] == [FaultyRow, StopRecord]
    assert count_rows(path, limit=0) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "columns not found: datetime, kind"),
        (gzip.compress(",".join(API_COLUMNS).encode() + b"\n" * 5000, mtime=0)[:-9], "archive"),
        (b"\x1f\x8bnot gzip", "archive"),
        (gzip.compress(b"", mtime=0)[:10] + b"\xff" * 40, "archive"),
        (b'"datetime" x,type\n', "header"),
    ],
)
def test_a_file_that_is_not_one_of_records_is_refused_as_a_whole(tmp_path, content, words):
    path = tmp_path / "stops.csv.gz"
    path.write_bytes(content)
    with pytest.raises(StopsFileUnreadable, match=words):
        list(read_stops(path))


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_path_that_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(StopsFileUnreadable, match="can't be opened"):
        list(read_stops(tmp_path / name))


def test_equal_rows_have_equal_fingerprints_whatever_their_line(stops):
    one, other = read_stops(stops([GOOD, GOOD]))
    assert one.line != other.line
    assert one.fingerprint == other.fingerprint


@given(
    column=st.sampled_from([c for c in API_COLUMNS if c not in {"datetime", "latitude", "longitude"}]),
    value=st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00\ufffd"), min_size=1, max_size=20),
)
def test_a_row_that_differs_in_any_column_has_another_fingerprint(tmp_path_factory, column, value):
    path = tmp_path_factory.mktemp("stops") / "stops.csv"
    rows = [GOOD, changed(**{column: value})]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(API_COLUMNS)
        writer.writerows(rows)
    one, other = read_stops(path)
    assert (one.fingerprint == other.fingerprint) == (
        getattr(one, {"type": "kind", "street_name": "street", "object_of_search": "search_object"}.get(column, column))
        == getattr(
            other, {"type": "kind", "street_name": "street", "object_of_search": "search_object"}.get(column, column)
        )
    )


@given(content=st.binary(max_size=300))
def test_no_content_makes_the_reader_fail_in_another_way(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("stops") / "stops.csv"
    path.write_bytes(",".join(API_COLUMNS).encode() + b"\n" + content)
    for row in read_stops(path):
        assert isinstance(row, StopRecord | FaultyRow)
