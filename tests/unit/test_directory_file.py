"""A directory file: read as spreadsheets write it, and every fault told with its line and column."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.domain.directory import Known, OfficerEntry, UnitEntry, check_directory
from receipt_service.domain.directory_csv import COLUMNS, read_directory
from tests.support.checks import catalogue, territory

HEADER = "kind;code;name;parent;force;department;commune;number;rank;quality;unit;subject;active"
UNIT = "unit;PN-75;Préfecture de police;;PN;75;75110;;;;;;"
OFFICER = "officer;;;;;;;1234567;PN-CAPITAINE;OPJ;PN-75;sub-1;yes"
STORED = {"OLD": UnitEntry(code="OLD", name="Old", parent_code=None, force="PN", department=None, commune=None)}


def faults(*lines, header=HEADER, units=STORED, officers=None):
    file = read_directory("\n".join([header, *lines]).encode())
    known = Known(catalogue(), territory(), units, officers or {})
    return sorted([*file.faults, *check_directory(file.placed, known, file.mentioned)])


def places(*lines, **options):
    return [(fault.line, fault.column) for fault in faults(*lines, **options)]


def test_units_and_officers_are_read():
    file = read_directory(f"{HEADER}\n{UNIT}\n\n{OFFICER}\n".encode())
    assert file.faults == []
    assert [(each.line, each.entry) for each in file.placed] == [
        (
            2,
            UnitEntry(
                code="PN-75",
                name="Préfecture de police",
                parent_code=None,
                force="PN",
                department="75",
                commune="75110",
            ),
        ),
        (
            4,
            OfficerEntry(
                number="1234567", subject="sub-1", rank="PN-CAPITAINE", quality="OPJ", unit_code="PN-75", active=True
            ),
        ),
    ]
    assert faults(UNIT, OFFICER) == []


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_whatever_a_spreadsheet_made_of_it(separator, encoding, end):
    text = end.join([HEADER, UNIT, OFFICER, ""]).replace(";", separator)
    file = read_directory(text.encode(encoding))
    assert file.faults == []
    assert [each.line for each in file.placed] == [2, 3]
    assert file.placed[0].entry.name == "Préfecture de police"


def test_small_differences_do_not_matter():
    file = read_directory(
        'sep=;\r\n"KIND";" Code ";name;Parent;force;number;rank;quality;unit;active;;\r\n'
        'Unit;"pn-75";"Préfecture;\u00a0« de »  police";;pn;;;;;;;\r\n'
        ";;;;;;;;;;;\r\n"
        "officer;;;;;1234567;pn-capitaine;opj;pn-75;NON;;\r\n".encode()
    )
    assert file.faults == []
    unit, officer = (each.entry for each in file.placed)
    assert (unit.code, unit.name, unit.force) == ("PN-75", "Préfecture; « de » police", "PN")
    assert (officer.subject, officer.active, officer.unit_code) == ("1234567", False, "PN-75")
    assert [each.line for each in file.placed] == [3, 5]


def test_a_cell_of_two_lines_does_not_shift_the_numbers():
    file = read_directory(f'{HEADER}\nunit;A;"two\nlines";;PN;;;;;;;;\nnothing;;;;;;;;;;;;\n'.encode())
    assert [(fault.line, fault.column) for fault in file.faults] == [(2, "name"), (4, "kind")]


def test_a_name_in_decomposed_letters_is_composed():
    file = read_directory(f"{HEADER}\n{UNIT}".replace("é", "e\u0301").encode())
    assert file.placed[0].entry.name == "Préfecture de police"


@pytest.mark.parametrize(
    ("data", "column"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"PK\x03\x04\x00\x00", ""),
        (b"\xff\xfe\x00", ""),
        (b"code;name\nA;B\n", "kind"),
        (b"kind;code;colour\n", "colour"),
        (b"kind;code;code\n", "code"),
        (b'kind;code\nunit;"A\n', ""),
        (b'kind;code\nunit;"A"B\n', ""),
        (b"kind;code\nunit;A;B\n", ""),
    ],
)
def test_a_file_that_is_none(data, column):
    file = read_directory(data)
    assert [fault.column for fault in file.faults] == [column]
    assert file.placed == []


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("unit;;Name;;PN;;;;;;;;", "code"),
        ("unit;A;;;PN;;;;;;;;", "name"),
        ("unit;A;Name;;;;;;;;;;", "force"),
        ("unit;A;Name;;POLICE;;;;;;;;", "force"),
        ("unit;A B;Name;;PN;;;;;;;;", "code"),
        (f"unit;{'A' * 41};Name;;PN;;;;;;;;", "code"),
        (f"unit;A;{'n' * 121};;PN;;;;;;;;", "name"),
        ("unit;A;Name;NOWHERE;PN;;;;;;;;", "parent"),
        ("unit;A;Name;A;PN;;;;;;;;", "parent"),
        ("unit;A;Name;;PN;00;;;;;;;", "department"),
        ("unit;A;Name;;PN;;99999;;;;;;", "commune"),
        ("unit;A;Name;;PN;69;75110;;;;;;", "commune"),
        ("unit;A;Name;;PN;;;1234567;;;;;", "number"),
        ("unit;A;Na\u200bme;;PN;;;;;;;;", "name"),
        ("officer;;Jean Dupont;;;;;1234567;PN-CAPITAINE;OPJ;OLD;;", "name"),
        ("officer;;;;;;;;PN-CAPITAINE;OPJ;OLD;;", "number"),
        ("officer;;;;;;;123456;PN-CAPITAINE;OPJ;OLD;;", "number"),
        ("officer;;;;;;;12345678;PN-CAPITAINE;OPJ;OLD;;", "number"),
        ("officer;;;;;;;1234567;;OPJ;OLD;;", "rank"),
        ("officer;;;;;;;1234567;PN-CAPTAIN;OPJ;OLD;;", "rank"),
        ("officer;;;;;;;1234567;GN-GENDARME;OPJ;OLD;;", "rank"),
        ("officer;;;;;;;1234567;PN-CAPITAINE;;OLD;;", "quality"),
        ("officer;;;;;;;1234567;PN-CAPITAINE;CHIEF;OLD;;", "quality"),
        ("officer;;;;;;;1234567;PN-CAPITAINE;DOUANE;OLD;;", "quality"),
        ("officer;;;;;;;1234567;PN-CAPITAINE;OPJ;;;", "unit"),
        ("officer;;;;;;;1234567;PN-CAPITAINE;OPJ;NOWHERE;;", "unit"),
        (f"officer;;;;;;;1234567;PN-CAPITAINE;OPJ;OLD;{'s' * 256};", "subject"),
        ("officer;;;;;;;1234567;PN-CAPITAINE;OPJ;OLD;;perhaps", "active"),
        ("person;;;;;;;;;;;;", "kind"),
        (";A;Name;;PN;;;;;;;;", "kind"),
    ],
)
def test_each_fault_has_its_line_and_column(line, column):
    assert places(line) == [(2, column)]


def test_numbers_have_the_form_of_their_force():
    for force, rank, quality, good, bad in (
        ("PN", "PN-CAPITAINE", "OPJ", "0123456", "A123456"),
        ("GN", "GN-GENDARME", "APJ", "0123456", "123456"),
        ("PM", "PM-BRIGADIER", "APJA-21-2", "PM69-0117", "PM/69"),
        ("DOUANE", "DOUANE-CONTROLEUR", "DOUANE", "D59-00421", "D59 00421"),
    ):
        unit = f"unit;U;Name;;{force};;;;;;;;"
        assert places(unit, f"officer;;;;;;;{good};{rank};{quality};U;;") == []
        assert places(unit, f"officer;;;;;;;{bad};{rank};{quality};U;;") == [(3, "number")]
    (fault,) = faults("officer;;;;;;;123456;PN-CAPITAINE;OPJ;OLD;;")
    assert "leading zeros" in fault.reason


def test_what_stands_there_twice():
    twice = OFFICER.replace("sub-1", "sub-2")
    assert places(UNIT, UNIT, OFFICER, twice) == [(3, "code"), (5, "number")]
    assert places(UNIT, OFFICER, OFFICER.replace("1234567", "7654321")) == [(4, "subject")]
    held = OfficerEntry(
        number="9999999", subject="sub-1", rank="PN-CAPITAINE", quality="OPJ", unit_code="OLD", active=False
    )
    assert places(UNIT, OFFICER, officers={"9999999": held}) == [(3, "subject")]
    assert places(UNIT, OFFICER, OFFICER.replace("1234567", "9999999").replace("sub-1", "x"),
                  officers={"9999999": held}) == []  # fmt: skip


def test_a_unit_never_stands_below_itself():
    ring = [f"unit;{code};Name;{above};PN;;;;;;;;" for code, above in ("AB", "BC", "CA", "DA")]
    assert places(*ring) == [(2, "parent"), (3, "parent"), (4, "parent")]
    stored = {
        **STORED,
        "LOW": UnitEntry(code="LOW", name="Low", parent_code="OLD", force="PN", department=None, commune=None),
    }
    assert places("unit;OLD;Name;LOW;PN;;;;;;;;", units=stored) == [(2, "parent")]
    assert places("unit;OLD;Name;;PN;;;;;;;;", units=stored) == []


def test_lines_may_come_in_any_order_and_refer_to_what_is_stored():
    child = "unit;CHILD;Name;PN-75;PN;;;;;;;;"
    assert faults(OFFICER, child, UNIT, "unit;NEW;Name;OLD;PN;;;;;;;;") == []


def test_a_fault_is_told_once_where_it_is():
    broken = "unit;PN-75;;;PN;75;75110;;;;;;"
    assert places(broken, OFFICER, "unit;CHILD;Name;PN-75;PN;;;;;;;;") == [(2, "name")]


def test_the_nearest_known_word_is_suggested():
    (fault,) = faults("officer;;;;;;;1234567;PN-CAPITAIN;OPJ;OLD;;")
    assert "'PN-CAPITAINE'" in fault.reason


@given(st.binary(max_size=400))
def test_nothing_makes_it_raise(noise):
    assert read_directory(noise).faults, "noise is no directory"
    assert isinstance(read_directory(HEADER.encode() + b"\n" + noise).faults, list)


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    "",
                    "unit",
                    "officer",
                    "A",
                    "B",
                    "OLD",
                    "PN",
                    "1234567",
                    "OPJ",
                    "PN-CAPITAINE",
                    "x\u0000",
                    "75",
                    "75110",
                    "é",
                    '"',
                    "yes",
                ]
            ),
            max_size=len(COLUMNS) + 1,
        ),
        max_size=8,
    )
)
def test_whatever_is_accepted_has_no_fault_and_whatever_has_is_told_by_line(rows):
    lines = [";".join(row) for row in rows]
    for fault in faults(*lines):
        assert 1 <= fault.line <= len(lines) + 1
        assert fault.reason


def test_a_deep_tree_and_a_large_file_take_no_time():
    units = [f"unit;U{n};Name;{f'U{n - 1}' if n else ''};PN;;;;;;;;" for n in range(3000)]
    random.Random(1).shuffle(units)
    officers = [f"officer;;;;;;;{n:07};PN-CAPITAINE;OPJ;U{n % 3000};;" for n in range(20_000)]
    assert faults(*units, *officers) == []
